"""What every reader of a raw layout hands to the builder: one record per video, its masks still unread."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

REVIEWS = ("approved", "unreviewed")
"""What a second person has said of a video's masks: they are right, or nothing yet."""

Include = Literal["approved", "unreviewed"]
"""Which videos of a raw folder are built: those that nobody calls unreviewed, or all."""

NOT_GIVEN = "not-given"
"""In the place of an artifact type's name: nobody has said which it is."""

LabelMap = npt.NDArray[np.uint16]

MasksAre = Literal["displayed", "coded"]
"""displayed: drawn on frames as players show them, turned by the display matrix. coded: on frames as they are stored."""


class RawError(ValueError):
    """A raw folder that cannot be built; the message holds every problem, one a line."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with a raw folder: where, and what was found, wanted and to be done."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class FrameLabels:
    """The annotation of one frame as label maps.

    `planes` are uint16[H, W]: 0 is background, another value is an object_id. Layouts whose objects cannot overlap (PNG) have one
    plane; others (SA-V) one plane per object. No object stands in two planes of a frame.
    """

    frame_index: int
    planes: Sequence[LabelMap]
    rules: tuple[str, ...] = ()
    """What was taken for marked, and how, where a file does not say it by itself; a build tells it."""
    as_displayed: bool = False
    """The planes are the frame as players show it, and not perhaps as it is stored; of videos that players turn."""


class MaskSource(Protocol):
    """The masks of one video where its layout keeps them. A picklable dataclass that opens nothing before `read` is called.

    Whatever it reads is in its fields, or there as a `Path`: a build that goes on tells from them whether the masks have changed.
    """

    def read(self) -> Iterator[FrameLabels]:
        """Frames that carry a file or entry, ascending; a frame that is not yielded has no marked pixel.

        Raises:
            RawError: a file that cannot be read as masks, with its path.
        """
        ...


@dataclass(frozen=True, slots=True)
class RawVideo:
    """One video of a raw folder. `None` in a field means that the layout does not say."""

    video_id: str
    video_path: Path
    masks: MaskSource
    objects: Mapping[int, str | None] | None
    """object_id → artifact type name, None where it is not given. None in place of all: every id found in the masks has
    `default_artifact_type`."""
    default_artifact_type: str | None
    """The name of a type, or `NOT_GIVEN`."""
    annotated_frames: Sequence[int] | None
    """None: every frame was looked at."""
    label: str | None
    generator: str
    prompt: str | None
    split: str | None
    source: Mapping[str, str]
    masks_are: MasksAre | None = None
    """How the masks of a video that players turn were drawn; None: nobody says."""
    subtypes: Mapping[int, str] = field(default_factory=dict)
    """object_id → the name of its type in a finer taxonomy, where one is given."""
    review: str | None = None
    """One of REVIEWS; None: nobody asks for a review."""


def included(videos: Sequence[RawVideo], include: object) -> list[RawVideo]:
    """The videos that a build takes; `include` is what `Include` says, and of another value that of "approved"."""
    return [video for video in videos if include == "unreviewed" or video.review != "unreviewed"]
