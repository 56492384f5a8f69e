"""What is known of one video while it is annotated. Every value here comes from the events of its log and from nothing else."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Origin = Literal["prompt", "drawn", "accepted", "propagated", "imported", "proposal"]
"""Where a mask comes from: an engine's answer to a person's clicks, a person's hand, a mask that a person took over, an engine that
carried it, the folder that was opened, a model's predictions."""

KEYFRAMES = frozenset({"prompt", "drawn", "accepted"})
"""Masks that are a person's word: no engine overwrites them."""

Status = Literal["untouched", "working", "submitted", "approved", "rejected"]
EDITABLE = frozenset({"untouched", "working", "rejected"})


class RefusedError(ValueError):
    """What was asked is not possible in this state; the message is for the person who asked.

    Attributes:
        code: "refused", "status", "locked-frame" or "not-found".
        frames: frame indices that it concerns; may be empty.
    """

    def __init__(self, message: str, *, code: str = "refused", frames: Iterable[int] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.frames = sorted(frames)


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """The video that the masks belong to. Sizes are those of decoded, unrotated frames."""

    name: str
    sha256: str
    num_bytes: int
    height: int
    width: int
    num_frames: int


@dataclass(frozen=True, slots=True)
class Mask:
    """One object's mask in one frame, as canonical COCO RLE. No pixel: a person says that the object is not there.

    `clicks` are (x, y, 1 or 0), in the order in which they were made, `box` is (x0, y0, x1, y1), both in decoded pixels;
    `start` is the mask that the clicks started from. `event` is the number of the event that made it.
    """

    counts: str
    origin: Origin
    user: str
    event: int
    clicks: tuple[tuple[float, float, int], ...] = ()
    box: tuple[float, float, float, float] | None = None
    start: str | None = None

    @property
    def is_keyframe(self) -> bool:
        """Whether it is a person's word."""
        return self.origin in KEYFRAMES


@dataclass(frozen=True, slots=True)
class AnnotatedObject:
    """One artifact that is followed through the video."""

    object_id: int
    artifact_type: str | None
    subtype: str | None
    created_by: str


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody says of the video, or of one of its frames."""

    note_id: int
    kind: Literal["dispute", "reject", "approve"]
    user: str
    at: str
    note: str
    frame_index: int | None
    is_open: bool


Masks = Mapping[int, Mapping[int, Mask]]
"""object_id → frame_index → mask."""


@dataclass(frozen=True, slots=True)
class Part:
    """New values of some of the state's parts, None for what is not there any more; whatever is not named stays."""

    masks: Mapping[tuple[int, int], Mask | None] = field(default_factory=dict)
    """By (object_id, frame_index)."""
    objects: Mapping[int, AnnotatedObject | None] = field(default_factory=dict)
    seen: Mapping[int, bool] = field(default_factory=dict)
    locked: Mapping[int, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What undo takes back at once: how the parts were before."""

    label: str
    name: str
    before: Part


@dataclass(frozen=True, slots=True)
class VideoState:
    """Everything that the events of a log say.

    Attributes:
        revision: the number of the last event.
        about: generator, prompt, split, source and review of the video, as far as its folder says.
        normal: whether a person has said that nothing is wrong.
        annotator: who submitted it last, or worked on it last.
        seen: frames that a person has looked at since an engine last changed a mask there.
        engine: number and facts of the engine event that the next masks belong to.
        seconds: active time by user; gaps of more than a minute count as one minute.
        active_at: by user, seconds since 1970 of the last event.
    """

    video: VideoFacts
    revision: int
    about: Mapping[str, Any]
    status: Status = "untouched"
    normal: bool = False
    annotator: str | None = None
    reviewer: str | None = None
    objects: Mapping[int, AnnotatedObject] = field(default_factory=dict)
    masks: Masks = field(default_factory=dict)
    seen: frozenset[int] = frozenset()
    locked: frozenset[int] = frozenset()
    notes: tuple[Note, ...] = ()
    undo: tuple[Step, ...] = ()
    redo: tuple[Step, ...] = ()
    engine: tuple[int, Mapping[str, str]] | None = None
    seconds: Mapping[str, float] = field(default_factory=dict)
    active_at: Mapping[str, float] = field(default_factory=dict)

    def mask(self, object_id: int, frame_index: int) -> Mask | None:
        """The object's mask in the frame; None where there is none."""
        return self.masks.get(object_id, {}).get(frame_index)

    @property
    def is_empty(self) -> bool:
        """Whether no object has a mask with a pixel or without."""
        return not any(self.masks.values())

    @property
    def label(self) -> str | None:
        """normal or broken; None as long as nobody has said either."""
        if self.normal:
            return "normal"
        return None if self.is_empty else "broken"


def person(name: str) -> str:
    """The name as it is compared: the same person by another spelling is the same person."""
    return " ".join(name.split()).casefold()


def ranges_of(frames: Iterable[int]) -> list[list[int]]:
    """[first, last] of every run of neighbouring frames, ascending; empty for none."""
    found: list[list[int]] = []
    for frame_index in sorted(frames):
        if found and frame_index == found[-1][1] + 1:
            found[-1][1] = frame_index
        else:
            found.append([frame_index, frame_index])
    return found


def frames_of(ranges: Iterable[Iterable[int]]) -> frozenset[int]:
    """The frames of [first, last] ranges."""
    return frozenset(frame for first, last in ranges for frame in range(first, last + 1))
