"""The record of a form of predictions, and the results of its reader."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ....builder.raw import MasksAre, Problem
from ....frames import Orientation
from ....masks import UInt8Array
from .place import Place

Values = Literal["auto", "ids", "soft"]
"""How the values of a PNG are read.

auto: a palette file has object ids; a grey file has 0 and 1, or 0 and 255. ids: both have object
ids. soft: grey 0 to 255 is a probability; 128 and above is marked.
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Settings for reading predictions, for what their form does not determine.

    Attributes:
        values: how the values of PNGs are read.
        first_frame: the number of a video's first frame in names and lists, 0 or 1. None: 0, and
            numbers that fit only if they count from 1 are a problem.
        names: a JSON file with the names of numbered videos or images; None: it is looked for
            beside the predictions.
        masks_are: for rotated videos: whether masks were drawn on displayed or stored frames, if
            their size does not show it. None: such a mask is a problem.
        video_ids: the ids of the truth's videos, for forms whose names can be read in two ways;
            None: not known.
    """

    values: Values = "auto"
    first_frame: int | None = None
    names: Path | None = None
    video_ids: Collection[str] | None = None
    masks_are: MasksAre | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PredictedFrame:
    """The prediction of one frame: its mask, or its problem."""

    frame_index: int
    counts: str
    """Canonical COCO RLE counts; "" if there is a problem."""
    score: float | None = None
    """The model's score that something in the frame is broken; higher is surer."""
    soft: UInt8Array | None = None
    """uint8[H, W]: the probability times 255, if the prediction is soft."""
    problem: Problem | None = None
    orientation: Orientation | None = None
    """How players rotate the stored frame on which the mask is; None if the form does not know the
    video.
    """


class PredictedVideo(Protocol):
    """The predictions of one video, which are read when they are needed; picklable."""

    @property
    def where(self) -> str:
        """The name of the predictions in messages."""
        ...

    @property
    def frames(self) -> Sequence[int]:
        """The frame indices that have a prediction, ascending."""
        ...

    def read(self, frames: Sequence[int], *, height: int, width: int) -> Iterator[PredictedFrame]:
        """Yields the predictions of these frames, in this order."""
        ...

    def objects(self) -> "Mapping[int, PredictedVideo] | None":
        """The predictions of each object by object_id, with the same frames.

        None if the masks do not distinguish objects.
        """
        ...


@dataclass(frozen=True, slots=True)
class Predictions:
    """The predictions at a path by video_id, and the problems that are known so far."""

    path: Path
    kind: str
    """The name of the form."""
    videos: Mapping[str, PredictedVideo]
    problems: tuple[Problem, ...] = ()
    incomplete: frozenset[str] | None = frozenset()
    """Videos of which predictions could not be read, so that missing frames are not a further
    problem. None: this may be any video.
    """
    names: Path | None = None
    """The file with the names of numbered videos or images, if one was needed."""


@dataclass(frozen=True, slots=True)
class Format:
    """One form of predictions: the `FORMAT` of a module in the folder formats. To add a form, add
    its file.

    Attributes:
        name: one word, for messages and tables.
        what: a text about what is read, as messages need it: "a .parquet with video_id, frame_index
            and counts".
        needs: a text about what must be given besides the files; "" if nothing.
        order: forms with a lower number are tried first. It is an error if two forms with the same
            number both find files.
        numbered: True if frames have numbers that may count from 1.
        detect: gives the files and folders of this form at a place; empty if there are none. It
            opens as few files as possible.
        read: gives the predictions in these files and folders.
    """

    name: str
    what: str
    needs: str
    order: int
    numbered: bool
    detect: Callable[[Place], Sequence[Path]]
    read: Callable[[Place, Sequence[Path], Reading], Predictions]
