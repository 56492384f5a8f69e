"""Lists a release folder: its own files, and files that other tools have left there."""

import os
from pathlib import Path

from .raw import is_litter

_BESIDE = (".tar.idx", ".dvc")
"""Suffixes of files that other tools put beside a release's files: Megatron Energon's index of a
tar, DVC's pointer.
"""


def folder_files(release: Path) -> tuple[set[str], list[str]]:
    """Paths of the release's files relative to the folder, and sorted paths of what other tools
    have left.

    A link to a file or folder counts as its target; a broken link is not a file. Other tools leave
    hidden entries (`.git`, `.gitattributes`, the `.cache` of a download, Energon's `.nv-meta`),
    litter of file managers, and an index or pointer beside a file. A folder of theirs is listed by
    its own path only; its content is not.
    """
    files: set[str] = set()
    others: list[str] = []
    for folder, folders, names in os.walk(release, followlinks=True):
        here = Path(folder)
        others += [
            _path(here / name, release) for name in (*folders, *names) if _is_of_others(name)
        ]
        folders[:] = [
            name for name in folders if not _is_of_others(name) and not _leads_up(here / name)
        ]
        files |= {
            _path(here / name, release)
            for name in names
            if not _is_of_others(name) and (here / name).is_file()
        }
    return files, sorted(others)


def _path(path: Path, release: Path) -> str:
    return path.relative_to(release).as_posix()


def _leads_up(folder: Path) -> bool:
    """Whether the folder is a link to one of its own parent folders; walking into it would never
    end.
    """
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _is_of_others(name: str) -> bool:
    return is_litter(name) or name.endswith(_BESIDE)
