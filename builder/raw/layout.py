"""The record of a raw layout, and folders in which several layouts keep their files."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .video import Problem, RawVideo
from .video_files import list_folder
from .videos_jsonl import FILE_NAME

_OBJECTS_KEY = re.compile(rb'"objects"\s*:')


@dataclass(frozen=True, slots=True)
class Layout:
    """One raw layout: the `LAYOUT` of a file in builder/layouts. To add a layout, add its file.

    The layout has the name of the file, with - for _.

    Attributes:
        help: one line about its content.
        looked_for: the files that identify it, as messages and docs name them.
        detect: gives the file or folder in a raw folder that identifies the layout; None if it is
            another layout. It checks only names.
        read: gives the records of all complete videos of a raw folder, and all problems that can be
            found without decoding. It also takes the arguments in `options`.
        options: the arguments of `read_layout` that `read` takes.
        detect_else: like `detect`, but called only if `detect` of no layout finds anything.
    """

    help: str
    looked_for: str
    detect: Callable[[Path], Path | None]
    read: Callable[..., tuple[list[RawVideo], list[Problem]]]
    options: tuple[str, ...] = ("artifact_type", "generator")
    detect_else: Callable[[Path], Path | None] | None = None


def first_file(paths: list[Path], *, suffix: str = "", name: str = "") -> Path | None:
    """The first file with this suffix (in upper or lower case) or this name."""
    return next(
        (
            path
            for path in paths
            if (path.name == name or (suffix and path.suffix.lower() == suffix)) and path.is_file()
        ),
        None,
    )


def annotation_files(raw: Path) -> list[Path]:
    """The entries of the raw folder itself and of annotations/."""
    return [*list_folder(raw), *list_folder(raw / "annotations")]


def mask_folder(raw: Path) -> Path | None:
    """The first folder in masks/; None if there is none, or if masks/ belongs to the layout of
    ANAKIN.
    """
    if (raw / "edited").is_dir():
        return None
    return next((path for path in list_folder(raw / "masks") if path.is_dir()), None)


def gives_objects(raw: Path) -> bool:
    """Whether videos.jsonl gives objects. The text is searched, not parsed."""
    listed = raw / FILE_NAME
    return listed.is_file() and _OBJECTS_KEY.search(listed.read_bytes()) is not None
