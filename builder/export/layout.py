"""What an export layout is, and what its functions are given and give back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..chat import BOX_UNITS

Row = Mapping[str, Any]
"""A row as `release.read_parquet` gives it."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What may be asked of a layout; None: its default. A layout takes those that its `options` name.

    Attributes:
        frames: png or jpg: also write the annotated frames as pictures, each with the number of its frame as its name.
        counts: list or string: how JSON holds the run lengths of a mask.
        num_frames: how many frames of a video are shown, or asked about, at most; at least 1.
        box_unit: 1000 or pixels: what boxes are counted in; see `builder.chat.BoxUnit`.
        seed: what frames are chosen by; at least 0.
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
"""The values that an option can have, where they are few."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a row goes.

    Attributes:
        folder: the folder that is being made.
        work: a folder beside it for what `finish` reads; it goes away.
        split: of the row.
        options: every option that the layout takes has a value, if only None.
    """

    folder: Path
    work: Path
    split: str
    options: ExportOptions


@dataclass(frozen=True, slots=True)
class Written:
    """What was written of a row: the ids of the objects that have a pixel there, and what `finish` needs to know of it."""

    objects: set[int]
    part: Any = None


def nothing_lost(row: Row, options: ExportOptions) -> list[str]:
    """No loss, whatever the row."""
    return []


def nothing_to_finish(parts: Sequence[Any], target: Path, options: ExportOptions) -> None:
    """Nothing: every row is whole by itself."""


@dataclass(frozen=True, slots=True)
class ExportLayout:
    """One layout that a release can be written as: `LAYOUT` of a file in builder/export/layouts. Its name is the file's, - for _.

    Attributes:
        help: what it holds, in one line.
        write: writes a row below a folder.
        lacks: what it cannot carry, in words; "" where it carries everything.
        losses: a text for everything of a row that it cannot carry. Called for every row before anything is written.
        finish: called once after all rows with the parts that `write` gave, in order, and the folder.
        options: the fields of `ExportOptions` that it takes, with their defaults.
        with_videos: whether the videos are always written to videos/, not only when they are asked for; of a layout that `build`
            does not read, where no frames are written in their place.
        is_raw: whether `build` reads the folder. It gets a videos.jsonl then, for what its own files do not say.
        names_types: whether its labels name the artifact types, so that videos.jsonl need not and a tool can add objects.
        names_frames: whether its files tell which frames were looked at.
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
