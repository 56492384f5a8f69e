"""The record of an export layout, and the arguments and results of its functions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..chat import BOX_UNITS

Row = Mapping[str, Any]
"""A row, as `release.read_parquet` returns it."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """The options of all layouts. None means the layout's default. A layout has those in its
    `options`.

    Attributes:
        frames: "png" or "jpg": also write the annotated frames as pictures, named by frame index.
        counts: "list" or "string": the form of run lengths in JSON.
        num_frames: largest number of frames of a video that are shown or asked about; at least 1.
        box_unit: "1000" or "pixels": the unit of boxes; see `builder.chat.BoxUnit`.
        seed: the seed of the random choice of frames; at least 0.
    """

    frames: str | None = None
    counts: str | None = None
    num_frames: int | None = None
    box_unit: str | None = None
    seed: int | None = None


CHOICES: Mapping[str, tuple[str, ...]] = {
    "frames": ("png", "jpg"),
    "counts": ("list", "string"),
    "box_unit": BOX_UNITS,
}
"""The allowed values of options that have only a few."""


@dataclass(frozen=True, slots=True)
class Target:
    """The place to which a row is written.

    Attributes:
        folder: the folder that is being made.
        work: a temporary folder beside it, for files that `finish` reads.
        split: the split of the row.
        options: the options, with the layout's defaults filled in.
    """

    folder: Path
    work: Path
    split: str
    options: ExportOptions


@dataclass(frozen=True, slots=True)
class Written:
    """The result of writing a row: the ids of objects with a pixel in the files, and a part for
    `finish`.
    """

    objects: set[int]
    part: Any = None


def nothing_lost(row: Row, options: ExportOptions) -> list[str]:
    """The `losses` of a layout that can hold every row: always empty."""
    return []


def nothing_to_finish(parts: Sequence[Any], target: Path, options: ExportOptions) -> None:
    """The `finish` of a layout in which every row has its own files: does nothing."""


@dataclass(frozen=True, slots=True)
class ExportLayout:
    """One layout in which a release can be written: the `LAYOUT` of a file in
    builder/export/layouts.

    The layout has the name of the file, with - for _.

    Attributes:
        help: one line about its content.
        write: writes the files of a row below a folder.
        lacks: a text about what it cannot hold; "" if it can hold everything.
        losses: gives a text for each thing in a row that the layout cannot hold. It is called for
            every row before anything is written.
        finish: is called once after all rows, with the parts from `write` in order, the folder and
            the options.
        options: the fields of `ExportOptions` that the layout has, with their defaults.
        with_videos: True if the video files are always written to videos/. A layout that `build`
            does not read gets them only if no frames are written.
        is_raw: True if `build` can read the folder. It then also gets a videos.jsonl, with the
            facts that its own files do not hold.
        names_types: True if the labels are artifact types. videos.jsonl then need not list objects,
            and objects can be added in the tool.
        names_frames: True if the files show which frames are annotated.
    """

    help: str
    write: Callable[[Row, Target], Written]
    lacks: str = ""
    losses: Callable[[Row, ExportOptions], list[str]] = nothing_lost
    finish: Callable[[Sequence[Any], Path, ExportOptions], None] = nothing_to_finish
    options: Mapping[str, str | int | None] = field(default_factory=dict)
    with_videos: bool = False
    is_raw: bool = True
    names_types: bool = False
    names_frames: bool = True
