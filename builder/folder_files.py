"""What lies in a release folder: its files, and what other tools have left there."""

import os
from pathlib import Path

from .raw import is_litter

_BESIDE = (".tar.idx", ".dvc")
"""Endings of files that tools lay beside those they look after: Megatron Energon's index of a tar, DVC's pointer."""


def folder_files(release: Path) -> tuple[set[str], list[str]]:
    """Paths of the files below a folder, relative to it, and paths of what other tools have left, sorted.

    A link counts as what it leads to, a folder too; one that leads nowhere is no file. Left by others are hidden entries (`.git`,
    `.gitattributes`, the `.cache` of a download, Energon's `.nv-meta`), litter of file managers, an index or a pointer beside a
    file; a folder of theirs is named alone and not looked into.
    """
    files: set[str] = set()
    others: list[str] = []
    for folder, folders, names in os.walk(release, followlinks=True):
        here = Path(folder)
        others += [_path(here / name, release) for name in (*folders, *names) if _is_of_others(name)]
        folders[:] = [name for name in folders if not _is_of_others(name) and not _leads_up(here / name)]
        files |= {_path(here / name, release) for name in names if not _is_of_others(name) and (here / name).is_file()}
    return files, sorted(others)


def _path(path: Path, release: Path) -> str:
    return path.relative_to(release).as_posix()


def _leads_up(folder: Path) -> bool:
    """Whether it is a link to a folder that it lies in: a walk would not end."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _is_of_others(name: str) -> bool:
    return is_litter(name) or name.endswith(_BESIDE)
