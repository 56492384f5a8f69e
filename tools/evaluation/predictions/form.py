"""What a form of predictions is to the rest, and what every reader gives."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from ....builder.raw import MasksAre, Problem
from ....frames import Orientation
from ....masks import UInt8Array
from .place import Place

Values = Literal["auto", "ids", "soft"]
"""How the numbers of a PNG are read. auto: a palette file holds object ids, a grey one 0 and 1, or 0 and 255; ids: object ids in
either; soft: grey 0 ... 255 is a probability, 128 and above is marked."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How predictions are to be read, where their form leaves it open.

    values: the numbers of PNGs.
    first_frame: the number that the first frame of a video has in names and lists, 0 or 1. None: 0, and numbers that only fit from
        1 on are refused.
    names: a JSON file that says which video or image a number is; None: it is looked for beside the predictions.
    masks_are: of videos that players turn: whether masks were drawn on that or on the frames as they are stored, where their size
        does not tell. None: nobody says, and a mask of which nothing tells is refused.
    video_ids: of the truth, for forms whose names can be read in two ways; None: not known.
    """

    values: Values = "auto"
    first_frame: int | None = None
    names: Path | None = None
    video_ids: Collection[str] | None = None
    masks_are: MasksAre | None = None


@dataclass(frozen=True, slots=True, eq=False)
class PredictedFrame:
    """One frame's prediction: its mask, or what is wrong with it."""

    frame_index: int
    counts: str
    """Canonical COCO RLE; "" where there is a problem."""
    score: float | None = None
    """How sure the model is that something in the frame is broken."""
    soft: UInt8Array | None = None
    """uint8[H, W]: the probability in 255ths, where the prediction is soft."""
    problem: Problem | None = None
    orientation: Orientation | None = None
    """How players turn the stored frame on which the mask lies, where the form knows its video; None: it does not."""


class PredictedVideo(Protocol):
    """One video's predictions where they lie; picklable."""

    @property
    def where(self) -> str:
        """Names them in messages."""
        ...

    @property
    def frames(self) -> Sequence[int]:
        """Frame indices that have a prediction, ascending."""
        ...

    def read(self, frames: Sequence[int], *, height: int, width: int) -> Iterator[PredictedFrame]:
        """The predictions of some of its frames, in the order asked for."""
        ...

    def objects(self) -> "Mapping[int, PredictedVideo] | None":
        """Each object on its own, by object_id, with the same frames; None where the masks do not tell objects apart."""
        ...


@dataclass(frozen=True, slots=True)
class Predictions:
    """What was found at a path, by video_id, and what is wrong with it so far."""

    path: Path
    kind: str
    """Name of the form."""
    videos: Mapping[str, PredictedVideo]
    problems: tuple[Problem, ...] = ()
    incomplete: frozenset[str] | None = frozenset()
    """Videos of which a problem has hidden something, so that what they lack is no problem of its own; None: of any video."""
    names: Path | None = None
    """The file that said which video or image a number is, if one was needed."""


@dataclass(frozen=True, slots=True)
class Format:
    """One form of predictions: the `FORMAT` of a module in this folder, which is all that adding one needs.

    name: one word, for messages and tables.
    what: what is read, as messages ask for it: "a .parquet with video_id, frame_index and counts".
    needs: what the form does not hold itself and has to be given, for people; "" where nothing is.
    order: the lower one is asked first; files that two forms of one order claim are refused.
    numbered: whether frames have numbers that may count from 1.
    detect: the files and folders of this form at a place; none when it is not there. Opens as little as it can.
    read: the predictions in these files and folders.
    """

    name: str
    what: str
    needs: str
    order: int
    numbered: bool
    detect: Callable[[Place], Sequence[Path]]
    read: Callable[[Place, Sequence[Path], Reading], Predictions]
