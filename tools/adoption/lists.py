"""Finds text files that list video ids, and the splits that they name."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from .entries import Entry, content_of, is_video
from .names import split_of
from .pairing import video_id_of

MAX_LIST_BYTES = 2**22
_MOSTLY = 0.5
"""Smallest share of lines that are ids of the source; with fewer, the file is not a list of ids."""


@dataclass(frozen=True, slots=True)
class IdList:
    """One list of ids.

    Attributes:
        split: the split in the file's name, or None.
        ids: listed ids that the source has.
        absent: listed ids that the source does not have.
    """

    path: str
    split: str | None
    ids: tuple[str, ...]
    absent: tuple[str, ...]


def find_lists(entries: Iterable[Entry], ids: Collection[str]) -> list[IdList]:
    """The .txt files that list ids, one per line, with or without a suffix. Text after an id is
    ignored.
    """
    lists: list[IdList] = []
    known = {video_id.casefold(): video_id for video_id in ids}
    for entry in entries:
        if entry.suffix != ".txt" or entry.size > MAX_LIST_BYTES:
            continue
        named: dict[str, None] = {}
        for line in content_of(entry).decode("utf-8-sig", "replace").splitlines():
            if words := line.replace(",", " ").split():
                named[video_id_of(_stem(words[0]))] = None
        there = [known[name.casefold()] for name in named if name.casefold() in known]
        if there and len(there) >= _MOSTLY * len(named):
            absent = tuple(name for name in named if name.casefold() not in known)
            lists.append(
                IdList(entry.path, split_of(PurePosixPath(entry.path).stem), tuple(there), absent)
            )
    return lists


def _stem(word: str) -> str:
    """A path or a name without its folders and the suffix of a video."""
    path = PurePosixPath(word)
    return path.stem if is_video(word) else path.name


def splits_of(lists: Iterable[IdList]) -> Mapping[str, str]:
    """Split by id. An id with different splits in two lists is left out."""
    splits_by_id: dict[str, set[str]] = {}
    for id_list in lists:
        if id_list.split is not None:
            for video_id in id_list.ids:
                splits_by_id.setdefault(video_id, set()).add(id_list.split)
    return {
        video_id: next(iter(splits))
        for video_id, splits in splits_by_id.items()
        if len(splits) == 1
    }
