"""What a source says of its videos: a line in the list, and one video as its page shows it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ...frames import VideoIndex, VideoSource


class ExploreError(ValueError):
    """What was asked for is not there or cannot be shown; says where, what, and what to do."""


class NoPicturesError(ExploreError):
    """Of this video there are masks alone."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What is known of a video without a look at its masks; None where the source does not say.

    height, width: of the frames as they are stored. artifact_types: of its objects, sorted; None: not given.
    """

    video_id: str
    split: str | None
    label: str | None
    artifact_types: tuple[str, ...] | None
    generator: str
    prompt: str | None
    height: int | None = None
    width: int | None = None
    num_frames: int | None = None
    fps: float | None = None
    num_objects: int | None = None


@dataclass(frozen=True, slots=True)
class ShownObject:
    """One object of a video; artifact_type None: not given."""

    object_id: int
    artifact_type: str | None
    subtype: str | None
    digest: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One video with its annotation. Sizes and masks are those of the frames as they are stored.

    times_s: seconds from the first frame to each. annotated_frames: those that somebody looked at, ascending.
    object_ids, frame_indices, counts: one entry per mask, COCO RLE; sorted by object and frame.
    facts: more to read about it, by name.
    """

    listed: Listed
    height: int
    width: int
    num_frames: int
    rotation: int
    times_s: tuple[float, ...]
    annotated_frames: tuple[int, ...]
    objects: tuple[ShownObject, ...]
    object_ids: Sequence[int]
    frame_indices: Sequence[int]
    counts: Sequence[str]
    facts: Mapping[str, str]


class MeasureTask(Protocol):
    """Some videos to be measured in another process; picklable."""

    def read(self) -> Iterator[Shown]:
        """The videos; what cannot be read is left out."""
        ...


class FindGroups(Protocol):
    """Finds groups of two and more videos that look alike, by video_id, in another process; picklable."""

    def __call__(self) -> list[list[str]]: ...


class Source(Protocol):
    """Where the videos of the page come from. May be asked from several threads."""

    name: str
    kind: str
    is_remote: bool
    """Whether reading costs a download."""
    notices: list[str]
    """What is wrong with it, one sentence each."""
    videos: Sequence[Listed]

    def measure_tasks(self) -> list[MeasureTask]:
        """Tasks that together read the masks of all videos."""
        ...

    def near_duplicates(self) -> FindGroups | None:
        """What finds the videos that look alike; None where the source has nothing to tell them by."""
        ...

    def show(self, video_id: str) -> Shown:
        """One video with its masks.

        Raises:
            ExploreError: it cannot be read.
        """
        ...

    def video(self, video_id: str) -> tuple[VideoSource, VideoIndex]:
        """The bytes or file of a video and its index.

        Raises:
            ExploreError: it cannot be read. NoPicturesError: there are masks alone.
        """
        ...

    def verify(self, video_id: str) -> list[str]:
        """Everything about this video that contradicts itself; slow."""
        ...

    def python(self, video_id: str) -> str:
        """Lines of Python that load this video."""
        ...


def as_json(shown: Shown) -> dict[str, Any]:
    """What the page is told of a video."""
    listed = shown.listed
    return {
        "video_id": listed.video_id,
        "split": listed.split,
        "label": listed.label,
        "generator": listed.generator,
        "prompt": listed.prompt,
        "height": shown.height,
        "width": shown.width,
        "num_frames": shown.num_frames,
        "fps": listed.fps,
        "rotation": shown.rotation,
        "times": [round(time, 6) for time in shown.times_s],
        "annotated": ranges(shown.annotated_frames),
        "objects": [
            {
                "object_id": found.object_id,
                "artifact_type": found.artifact_type,
                "subtype": found.subtype,
                "digest": found.digest,
            }
            for found in shown.objects
        ],
        "masks": {
            "object_id": list(shown.object_ids),
            "frame_index": list(shown.frame_indices),
            "counts": list(shown.counts),
        },
        "facts": dict(shown.facts),
    }


def ranges(frames: Sequence[int]) -> list[list[int]]:
    """Ascending numbers as [first, last] of each stretch without a gap."""
    found: list[list[int]] = []
    for frame in frames:
        if found and found[-1][1] == frame - 1:
            found[-1][1] = frame
        else:
            found.append([frame, frame])
    return found
