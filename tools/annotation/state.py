"""The state of one video's annotation. Every value comes only from the events of its log."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Origin = Literal["prompt", "drawn", "accepted", "propagated", "imported", "proposal"]
"""How a mask was made.

prompt: an engine made it from a person's clicks or box. drawn: a person drew it. accepted: a person
accepted an existing mask. propagated: an engine made it from the mask of another frame. imported:
it was in the opened folder. proposal: a model predicted it.
"""

KEYFRAMES = frozenset({"prompt", "drawn", "accepted"})
"""Origins of masks that a person made or accepted. No engine overwrites such masks."""

Status = Literal["untouched", "working", "submitted", "approved", "rejected"]
EDITABLE = frozenset({"untouched", "working", "rejected"})


class RefusedError(ValueError):
    """The action is not possible in this state. The message is for the person.

    Attributes:
        code: "refused", "status", "locked-frame" or "not-found".
        frames: the frame indices concerned; may be empty.
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
    """One object's mask in one frame, as canonical COCO RLE. An empty mask means: the object is not
    in this frame.

    Attributes:
        origin: how it was made, one of `Origin`.
        event: the number of the event that made it.
        clicks: (x, y, 1 or 0) in decoded pixels, in the order in which they were made.
        box: (x0, y0, x1, y1) in decoded pixels; None without a box.
        start: the mask that the clicks corrected; None for none.
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
        """Whether a person made or accepted this mask."""
        return self.origin in KEYFRAMES


@dataclass(frozen=True, slots=True)
class AnnotatedObject:
    """One artifact. It has the same object_id on all frames of the video."""

    object_id: int
    artifact_type: str | None
    subtype: str | None
    created_by: str


@dataclass(frozen=True, slots=True)
class Note:
    """A note of a person about the video, or about one of its frames."""

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
    """New values for some parts of the state; None removes one. Parts that are not named stay."""

    masks: Mapping[tuple[int, int], Mask | None] = field(default_factory=dict)
    """Masks by (object_id, frame_index)."""
    objects: Mapping[int, AnnotatedObject | None] = field(default_factory=dict)
    seen: Mapping[int, bool] = field(default_factory=dict)
    locked: Mapping[int, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """One step of undo: the values of the changed parts before it."""

    label: str
    name: str
    before: Part


@dataclass(frozen=True, slots=True)
class VideoState:
    """The state after all events of a log.

    Attributes:
        revision: the number of the last event.
        about: generator, prompt, split, source and review of the video, if its folder gives them.
        normal: whether a person has marked the video as normal.
        annotator: the person who submitted it last, or worked on it last.
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
        """The object's mask in the frame; None if it has none."""
        return self.masks.get(object_id, {}).get(frame_index)

    @property
    def is_empty(self) -> bool:
        """Whether no object has any mask, also no empty one."""
        return not any(self.masks.values())

    @property
    def label(self) -> str | None:
        """normal or broken; None if it is not decided yet."""
        if self.normal:
            return "normal"
        return None if self.is_empty else "broken"


def person(name: str) -> str:
    """The name in the form in which names are compared, without differences of spelling such as
    case.
    """
    return " ".join(name.split()).casefold()


def ranges_of(frames: Iterable[int]) -> list[list[int]]:
    """[first, last] of every run of consecutive frames, ascending; empty for no frames."""
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
