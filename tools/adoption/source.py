"""Opens a source (a folder, an archive or a repository on the Hub) and lists all its files."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...builder.raw import is_litter
from ...builder.work import Progress
from ...release import asking_the_hub, is_repo_id
from .archives import members_of
from .entries import (
    ARCHIVE_SUFFIXES,
    LOCAL,
    UNREAD_SUFFIXES,
    Entry,
    HubFile,
    Leftover,
    content_of,
    downloaded,
    suffix_of,
    tar_mode,
)
from .error import AdoptError

MAX_README_BYTES = 2**20
_REPO_AND_REVISION = re.compile(r"([^@]+)(?:@(.+))?")
_ARGUMENT = "Give a folder, a zip or tar, or OWNER/NAME[@REVISION]."


@dataclass(frozen=True, slots=True)
class Source:
    """All files of a source.

    Attributes:
        name: OWNER/NAME, or the absolute path.
        commit: commit of a repository, 40 hex digits; None for a folder or an archive.
        entries: files sorted by path, with the members of archives instead of the archives.
        unread: files that cannot be read, with the reason.
        license: license in its README; None if it gives none.
    """

    name: str
    commit: str | None
    entries: tuple[Entry, ...]
    unread: tuple[Leftover, ...]
    license: str | None

    def url_of(self, entry: Entry) -> str | None:
        """The page of a file on the Hub. For a member of an archive it is the archive's page."""
        if self.commit is None:
            return None
        from huggingface_hub import constants

        path = getattr(getattr(entry.place, "archive", entry.place), "path", None) or entry.path
        return f"{constants.ENDPOINT}/datasets/{self.name}/blob/{self.commit}/{path}"

    def __str__(self) -> str:
        return self.name if self.commit is None else f"{self.name}@{self.commit[:12]}"


def open_source(source: str, *, work: Path, for_report: bool, on_progress: Progress) -> Source:
    """Lists a source. From a repository, only its README and tars are downloaded; zips are listed
    remotely.

    Args:
        source: a folder, an archive, or OWNER/NAME[@REVISION].
        work: a folder for unpacking compressed tars.
        for_report: True if only a report is made; then contents are not hashed.

    Raises:
        AdoptError: the source does not exist or is empty.
        ReleaseError: the Hub has no such repository or revision, or does not answer.
    """
    path = Path(source).expanduser()
    match = _REPO_AND_REVISION.fullmatch(source)
    if path.is_dir():
        name, commit, files = str(path.resolve()), None, list(_folder(path))
    elif path.is_file():
        if suffix_of(path.name) not in ARCHIVE_SUFFIXES:
            raise AdoptError(
                f"{source}: is not an archive; wanted one of {', '.join(ARCHIVE_SUFFIXES)}. "
                f"{_ARGUMENT}"
            )
        name, commit, files = (
            str(path.resolve()),
            None,
            [Entry(path.name, path.stat().st_size, _state(path), path.resolve())],
        )
    elif match is not None and is_repo_id(match[1]):
        name = match[1]
        commit, files = _repository(name, match[2])
    else:
        raise AdoptError(
            f"{source}: no such folder or archive, and not the name of a repository. {_ARGUMENT}"
        )
    entries, unread = _with_members(
        files, work=work, for_report=for_report, on_progress=on_progress
    )
    inside_one = path.is_file() and len(files) == 1
    if inside_one:  # the archive itself is the source, so its name is left out of the paths
        entries = [
            Entry(entry.path.partition("/")[2] or entry.path, entry.size, entry.key, entry.place)
            for entry in entries
        ]
    if not entries and not unread:
        raise AdoptError(f"{source}: has no files. {_ARGUMENT}")
    entries.sort(key=lambda entry: entry.path)
    return Source(name, commit, tuple(entries), tuple(sorted(unread)), _license(entries))


def _folder(root: Path) -> Iterator[Entry | Leftover]:
    home = root.resolve()
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not is_litter(name))
        inside = Path(folder).relative_to(root)
        for name in [*folders, *sorted(names)]:
            path = Path(folder, name)
            where = (inside / name).as_posix()
            if name in folders and not path.is_symlink():
                continue
            if is_litter(name):
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(home):
                yield Leftover(
                    where,
                    "a link that leads out of the folder; copy what it points to, or adopt that "
                    "folder",
                )
            elif path.is_dir():
                yield Leftover(where, "a link to a folder, which is not followed")
            elif path.is_file():
                yield Entry(where, path.stat().st_size, _state(path), path.resolve())
            else:
                yield Leftover(where, "not a file that can be read")


def _state(path: Path) -> str:
    facts = path.stat()
    return f"{LOCAL}{facts.st_mtime_ns}:{facts.st_size}"


def _repository(repo_id: str, revision: str | None) -> tuple[str, list[Entry | Leftover]]:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import RepoFile

    api = HfApi()
    with asking_the_hub(f"{repo_id}{f'@{revision}' if revision else ''}", instead=_ARGUMENT):
        commit = str(api.dataset_info(repo_id, revision=revision).sha)
        tree: Any = api.list_repo_tree(
            repo_id, recursive=True, revision=commit, repo_type="dataset"
        )
        files = [entry for entry in tree if isinstance(entry, RepoFile)]
    return commit, [
        Entry(
            file.path,
            file.size,
            f"sha256:{file.lfs.sha256}" if file.lfs is not None else f"git:{file.blob_id}",
            HubFile(repo_id, commit, file.path),
        )
        for file in files
        if not any(is_litter(part) for part in file.path.split("/"))
    ]


def _with_members(
    files: list[Entry | Leftover], *, work: Path, for_report: bool, on_progress: Progress
) -> tuple[list[Entry], list[Leftover]]:
    """The files, with archives replaced by their members; and the files that cannot be read."""
    entries: list[Entry] = []
    unread = [one for one in files if isinstance(one, Leftover)]
    archives = [one for one in files if isinstance(one, Entry) and one.suffix in ARCHIVE_SUFFIXES]
    for one in files:
        if isinstance(one, Entry) and one.suffix in UNREAD_SUFFIXES:
            unread.append(
                Leftover(
                    one.path,
                    "an archive, or a part of one, that is not opened; unpack it and adopt the "
                    "folder",
                )
            )
        elif isinstance(one, Entry) and one.suffix not in ARCHIVE_SUFFIXES:
            entries.append(one)
    for number, archive in enumerate(archives):
        on_progress("archives", number, len(archives))
        place = archive.place
        if isinstance(place, HubFile) and tar_mode(archive.path) is not None:
            place = downloaded(place)
        try:
            inside, more = members_of(
                archive.path,
                place,  # type: ignore[arg-type]
                unpack_to=work / f"unpacked-{number}",
                hashed=not for_report,
            )
        except AdoptError as error:
            unread.append(Leftover(archive.path, str(error).removeprefix(f"{archive.path}: ")))
            continue
        entries += inside
        unread += more
        on_progress("archives", number + 1, len(archives))
    return entries, unread


def _license(entries: list[Entry]) -> str | None:
    """The license in the front matter of the source's top README; None if it gives none."""
    from huggingface_hub import DatasetCard

    for entry in entries:
        if entry.path.lower() == "readme.md" and entry.size <= MAX_README_BYTES:
            try:
                data = DatasetCard(
                    content_of(entry).decode("utf-8", "replace"), ignore_metadata_errors=True
                ).data
            except (ValueError, AttributeError):  # front matter that is no mapping
                return None
            license_ = data.get("license_name") or data.get("license")
            return str(license_) if license_ else None
    return None
