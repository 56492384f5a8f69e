"""The records that every reader of a raw layout gives to the builder: one per video, with masks not
read yet.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

REVIEWS = ("approved", "unreviewed")
"""The review of a video's masks by a second person: approved, or not done yet."""

Include = Literal["approved", "unreviewed"]
"""The videos of a raw folder that are built. approved: all videos that do not wait for a review.
unreviewed: all videos."""

NOT_GIVEN = "not-given"
"""Used in place of an artifact type's name if the type is not known."""

LabelMap = npt.NDArray[np.uint16]

MasksAre = Literal["displayed", "coded"]
"""displayed: masks drawn on frames as players show them, rotated by the display matrix. coded: on
frames as they are stored.
"""


class RawError(ValueError):
    """A raw folder that cannot be built; the message holds every problem, one per line."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem of a raw folder: its place, what was found, what was wanted, and what to do."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True, slots=True)
class FrameLabels:
    """The annotation of one frame as label maps.

    `planes` are uint16[H, W]: 0 is background, another value is an object_id. Layouts whose objects
    cannot overlap (PNG) have one plane; others (SA-V) have one plane per object. No object is in
    two planes of a frame.
    """

    frame_index: int
    planes: Sequence[LabelMap]
    rules: tuple[str, ...] = ()
    """The rule that decided what is marked, if the file does not say it itself; a build prints
    it.
    """
    as_displayed: bool = False
    """True if the planes must be those of the displayed frame; matters only for rotated videos."""


class MaskSource(Protocol):
    """The masks of one video. A picklable dataclass that opens nothing before `read` is called.

    Its fields hold everything that it reads, or the `Path` of it. A continued build uses them to
    see whether the masks changed.
    """

    def read(self) -> Iterator[FrameLabels]:
        """Frames that have a file or an entry, ascending; a frame that is not yielded has no marked
        pixel.

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
    """Artifact type name by object_id, None for a type that is not given. If the field itself is
    None, every id in the masks has `default_artifact_type`.
    """
    default_artifact_type: str | None
    """The name of a type, or `NOT_GIVEN`."""
    annotated_frames: Sequence[int] | None
    """Annotated frame indices; None: every frame is annotated."""
    label: str | None
    generator: str
    prompt: str | None
    split: str | None
    source: Mapping[str, str]
    masks_are: MasksAre | None = None
    """How the masks of a rotated video were drawn; None: not given."""
    subtypes: Mapping[int, str] = field(default_factory=dict)
    """Name of the type in a finer taxonomy by object_id, for objects that have one."""
    review: str | None = None
    """One of REVIEWS; None: no review is needed."""


def included(videos: Sequence[RawVideo], include: object) -> list[RawVideo]:
    """The videos that a build takes, by `include` (see `Include`); any value except "unreviewed"
    counts as "approved".
    """
    return [video for video in videos if include == "unreviewed" or video.review != "unreviewed"]
