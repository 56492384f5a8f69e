"""Reads the names of numbered videos and images from a COCO or YouTube-VIS file."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ....builder.raw import MAX_FRAMES, SUFFIX_LIST, VIDEO_SUFFIXES, is_whole, shown

Key = int | str
_NUMBER = re.compile(r"(?:.*[^0-9])?([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class NamedVideo:
    """One entry of `videos`.

    Attributes:
        frames: the frame number of each entry of a track. None: the file does not give it, so the
            entries are frames 0, 1, 2, …
    """

    video_id: str
    frames: Sequence[int] | None


@dataclass(frozen=True, slots=True)
class Names:
    """The entries of `videos` and `images` by id, and their problems.

    `faulty_videos` and `faulty_images` are the ids of entries that cannot be used.
    """

    videos: Mapping[Key, NamedVideo]
    images: Mapping[Key, tuple[str, int]]
    faulty_videos: frozenset[Key]
    faulty_images: frozenset[Key]
    faults: Sequence[tuple[str, str]]
    """(entry, problem) for each entry with a problem."""


NO_NAMES = Names({}, {}, frozenset(), frozenset(), ())


def key_of(value: object) -> Key | None:
    """A JSON id as a key: a text or an integer. A float with a whole value becomes an integer.

    None for any other value.
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value if type(value) in (int, str) else None  # type: ignore[return-value]


def read_names(content: Mapping[str, object]) -> Names:
    """The names in `videos` and `images` of a COCO or YouTube-VIS file; either may be missing."""
    videos: dict[Key, NamedVideo] = {}
    images: dict[Key, tuple[str, int]] = {}
    faulty: dict[str, set[Key]] = {"videos": set(), "images": set()}
    faults: list[tuple[str, str]] = []
    for table in ("videos", "images"):
        entries = content.get(table, [])
        if not isinstance(entries, list):
            faults.append((table, f"is {shown(entries)}, wanted a list of objects"))
            continue
        for position, entry in enumerate(entries):
            key = key_of(entry.get("id")) if isinstance(entry, dict) else None
            try:
                if not isinstance(entry, dict) or key is None:
                    raise ValueError(
                        f"is {shown(entry)}, wanted an object with id and "
                        f"file_name{'s' * (table == 'videos')}"
                    )
                if (key in videos and table == "videos") or (key in images and table == "images"):
                    raise ValueError(
                        f"has the id {shown(key)} of an entry before it; give each its own"
                    )
                if table == "videos":
                    videos[key] = _named_video(entry)
                else:
                    images[key] = _named_image(entry.get("file_name"))
            except ValueError as error:
                faults.append((f"{table}[{position}]", str(error)))
                if key is not None:
                    faulty[table].add(key)
    return Names(videos, images, frozenset(faulty["videos"]), frozenset(faulty["images"]), faults)


def _named_video(entry: Mapping[str, object]) -> NamedVideo:
    name, file_name, file_names, length = (
        entry.get(key) for key in ("name", "file_name", "file_names", "length")
    )
    if length is not None and not is_whole(length, least=0, most=MAX_FRAMES):
        raise ValueError(
            f"has length {shown(length)}, wanted the number of frames, at most {MAX_FRAMES}"
        )
    if file_names is not None:
        folder, frames = _named_frames(file_names)
        if length is not None and length != len(frames):
            raise ValueError(f"has length {length}, and {len(frames)} file_names; wanted as many")
        return NamedVideo(name if isinstance(name, str) else folder, frames)
    frames_of_length = None if length is None else range(length)  # type: ignore[call-overload]
    if isinstance(name, str) and name:
        return NamedVideo(name, frames_of_length)
    path = PurePosixPath(file_name) if isinstance(file_name, str) else PurePosixPath()
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        raise ValueError(
            f"has file_name {shown(file_name)}, wanted file_names such as dog/00000.jpg, a name, "
            f"or a file_name that ends in {SUFFIX_LIST}"
        )
    return NamedVideo(path.stem, frames_of_length)


def _named_frames(names: object) -> tuple[str, Sequence[int]]:
    if not isinstance(names, list) or not names:
        raise ValueError(
            f"has file_names {shown(names)}, wanted a list such as [dog/00000.jpg, dog/00005.jpg]"
        )
    images = []
    for position, name in enumerate(names):
        try:
            images.append(_named_image(name))
        except ValueError as error:
            raise ValueError(f"{error} (file_names[{position}])") from None
    folders = sorted({folder for folder, _ in images})
    if len(folders) > 1:
        raise ValueError(
            f"has file_names in the folders {', '.join(map(shown, folders[:3]))}; wanted those of "
            "one video"
        )
    frames = [frame for _, frame in images]
    if len(set(frames)) < len(frames):
        twice = next(frame for frame in frames if frames.count(frame) > 1)
        raise ValueError(f"names frame {twice} twice in file_names; name each once")
    return folders[0], frames


def _named_image(name: object) -> tuple[str, int]:
    """(video_id, frame number) of a file name: the folder of the file, and the number at the end of
    its name.
    """
    *folders, file = name.replace("\\", "/").split("/") if isinstance(name, str) else [""]
    match = _NUMBER.fullmatch(file.rpartition(".")[0] or file)
    if not folders or not folders[-1] or match is None:
        raise ValueError(
            f"has file_name {shown(name)}, wanted {{video_id}}/{{frame}}.png, such as dog/00017.png"
        )
    return folders[-1], int(match[1])
