"""Text files that list ids: which split each is in."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from .entries import Entry, content_of, is_video
from .names import split_of
from .pairing import video_id_of

MAX_LIST_BYTES = 2**22
_MOSTLY = 0.5
"""The share of lines that must be ids of the source: else the file is another text."""


@dataclass(frozen=True, slots=True)
class IdList:
    """One list: the split that its name says, None where it says none; its ids that are there, and those that are not."""

    path: str
    split: str | None
    ids: tuple[str, ...]
    absent: tuple[str, ...]


def find_lists(entries: Iterable[Entry], ids: Collection[str]) -> list[IdList]:
    """Of the .txt files that list ids, one a line, with or without a suffix; what stands behind an id is passed over."""
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
            lists.append(IdList(entry.path, split_of(PurePosixPath(entry.path).stem), tuple(there), absent))
    return lists


def _stem(word: str) -> str:
    """A path or a name without its folders and the suffix of a video."""
    path = PurePosixPath(word)
    return path.stem if is_video(word) else path.name


def splits_of(lists: Iterable[IdList]) -> Mapping[str, str]:
    """Split by id; an id that two lists put into different splits is in none."""
    said: dict[str, set[str]] = {}
    for found in lists:
        if found.split is not None:
            for video_id in found.ids:
                said.setdefault(video_id, set()).add(found.split)
    return {video_id: next(iter(splits)) for video_id, splits in said.items() if len(splits) == 1}
