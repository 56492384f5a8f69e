"""Reads names of files: to which video a file belongs, and whether it is the clip or the mask."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from .entries import Entry, is_image, is_video

Role = Literal["clip", "mask", "unknown"]

_MASK_WORDS = frozenset(
    (
        *(
            "mask",
            "masks",
            "masked",
            "masking",
            "annotation",
            "annotations",
            "annotated",
            "anno",
            "annos",
            "annot",
            "label",
            "labels",
        ),
        *(
            "labeled",
            "labelled",
            "gt",
            "gts",
            "groundtruth",
            "truth",
            "seg",
            "segs",
            "segmentation",
            "segmentations",
            "segmented",
        ),
        *(
            "overlay",
            "overlays",
            "overlaid",
            "marked",
            "drawn",
            "vis",
            "visualization",
            "visualizations",
            "visualisation",
        ),
        *("掩码", "掩膜", "蒙版", "标注", "标记"),
    )
)
_CLIP_WORDS = frozenset(
    (
        *(
            "video",
            "videos",
            "clip",
            "clips",
            "raw",
            "original",
            "originals",
            "orig",
            "source",
            "sources",
            "src",
            "input",
            "inputs",
        ),
        *(
            "rgb",
            "frame",
            "frames",
            "image",
            "images",
            "img",
            "imgs",
            "jpegimages",
            "pngimages",
            "unmasked",
        ),
        *("视频", "原始", "原视频", "原图"),
    )
)
_FILLERS = frozenset(
    (
        "with",
        "and",
        "of",
        "the",
        "ground",
        "binary",
        "result",
        "results",
        "output",
        "outputs",
        "out",
    )
)
"""Words without a meaning of their own, beside one of the words above."""
_NUMBERED = re.compile(r"(.*?)([0-9]{1,9})")
_WORD = re.compile(r"[^\W_]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Media:
    """A video file, or the numbered images of one folder that belong together.

    Attributes:
        name: path in the source. For images, the folder; with the common prefix and * if the folder
            holds several sequences.
        entries: the video file, or the images in order.
        numbers: the numbers in the names of the images, ascending; empty for a video.
        stem: the part of the name that names the video.
        role: whether the name says that this is the clip or the mask.
        context: its folders that name neither a role nor the video.
    """

    name: str
    entries: tuple[Entry, ...]
    numbers: tuple[int, ...]
    stem: str
    role: Role
    context: tuple[str, ...]

    @property
    def is_video(self) -> bool:
        return not self.numbers

    @property
    def key(self) -> str:
        """The text by which clip and mask are paired: the stem in lower case."""
        return self.stem.casefold()

    @property
    def size(self) -> int:
        """Size of all its files in bytes."""
        return sum(entry.size for entry in self.entries)


def find_media(entries: Iterable[Entry]) -> tuple[list[Media], list[Entry]]:
    """Videos and image sequences by name, and all other files."""
    media: list[Media] = []
    others: list[Entry] = []
    images: dict[str, dict[str, list[tuple[int, Entry]]]] = defaultdict(lambda: defaultdict(list))
    for entry in entries:
        path = PurePosixPath(entry.path)
        if is_video(entry.path):
            media.append(_media(entry.path, (*path.parent.parts, path.stem), (entry,), ()))
        elif is_image(entry.path) and (match := _NUMBERED.fullmatch(path.stem)):
            images[path.parent.as_posix()][match[1]].append((int(match[2]), entry))
        else:
            others.append(entry)
    for folder, by_prefix in images.items():
        for prefix, numbered in by_prefix.items():
            numbered.sort(key=lambda pair: (pair[0], pair[1].path))
            parts = () if folder == "." else PurePosixPath(folder).parts
            word = prefix.rstrip("_-. ")
            # 00012.png and frame_00012.png belong to the folder's video; Kling_00003_00012.png in
            # masks/ names its own.
            names_it = (
                word
                and not _is_plain(word)
                and (len(by_prefix) > 1 or not parts or role_of(parts[-1]) != "unknown")
            )
            where = (*parts, word) if names_it else parts
            name = f"{folder}/{prefix}*" if len(by_prefix) > 1 else folder
            media.append(
                _media(name, where, tuple(e for _, e in numbered), tuple(n for n, _ in numbered))
            )
    return sorted(media, key=lambda item: item.name), others


def role_of(text: str) -> Role:
    """The role in the name of a folder or file. A word for masks wins over a word for clips."""
    words = _words(text)
    if any(word in _MASK_WORDS for word in words) and "unmasked" not in words:
        return "mask"
    return "clip" if any(word in _CLIP_WORDS for word in words) else "unknown"


def split_of(text: str) -> str | None:
    """The split in the name of a list or folder; None if it names none or several."""
    words = {
        "train": "train",
        "training": "train",
        "val": "validation",
        "valid": "validation",
        "validation": "validation",
    }
    words |= {"dev": "validation", "test": "test", "testing": "test"}
    splits = {words[word] for word in _words(text) if word in words}
    return splits.pop() if len(splits) == 1 else None


def prefix_of(stem: str) -> str:
    """The part of an id before the number at its end, usually the generator: `Cog5B` in
    `Cog5B_00000`.
    """
    return re.sub(r"[_\-. ]*[0-9]+$", "", stem) or stem


def loose_key(stem: str) -> str:
    """Letters and numbers of an id in lower case, numbers without leading zeros.

    It is equal for ids that differ only in how they are written, such as Kling_007 and kling-7.
    """
    return "".join(
        str(int(part)) if part.isdecimal() else part
        for part in re.findall(r"[0-9]+|[^\W\d_]+", stem.casefold())
    )


def _media(
    name: str, where: Sequence[str], entries: tuple[Entry, ...], numbers: tuple[int, ...]
) -> Media:
    *folders, last = where or ("",)
    stem, role = _stripped(last)
    while not stem and folders:  # mask.mp4 in a folder of the video's name
        *folders, last = folders
        stem, folder_role = _stripped(last)
        role = folder_role if role == "unknown" else role
    for folder in reversed(folders):
        if role != "unknown":
            break
        role = role_of(folder)
    context = tuple(
        folder
        for folder in folders
        if role_of(folder) == "unknown" and folder.casefold() != stem.casefold()
    )
    return Media(name, entries, numbers, stem or PurePosixPath(name).stem, role, context)


def _stripped(text: str) -> tuple[str, Role]:
    """A name without the words at its ends that name a role, and this role."""
    plain = _CAMEL.sub(" ", text) if _is_plain(text) else text
    spans = [(match.start(), match.end(), match[0].casefold()) for match in _WORD.finditer(plain)]
    known = _MASK_WORDS | _CLIP_WORDS | _FILLERS
    first, last = 0, len(spans)
    end_words: set[str] = set()
    while last > first and spans[last - 1][2] in known:
        last -= 1
        end_words.add(spans[last][2])
    while first < last and spans[first][2] in known:
        end_words.add(spans[first][2])
        first += 1
    role: Role = (
        "mask" if end_words & _MASK_WORDS else "clip" if end_words & _CLIP_WORDS else "unknown"
    )
    if first == last:
        return "", role
    return plain[spans[first][0] : spans[last - 1][1]], role


def _is_plain(text: str) -> bool:
    """Whether a name consists only of words that name a role."""
    words = _words(text)
    return bool(words) and all(
        word in _MASK_WORDS | _CLIP_WORDS | _FILLERS or word == "f" for word in words
    )


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(_CAMEL.sub(" ", text))]
