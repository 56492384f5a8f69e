"""The records of videos: a line in the list, and one video with its annotation; and the interface
of sources.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ...frames import VideoIndex, VideoSource


class ExploreError(ValueError):
    """A source, video or frame does not exist or cannot be shown."""


class NoPicturesError(ExploreError):
    """The video has masks but no frames."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The facts of a video that are known without its masks. A value is None if the source does not
    give it.

    Attributes:
        height, width: size of the stored frames in pixels.
        artifact_types: types of its objects, sorted.
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
    """One object of a video. `artifact_type` is None if it is not given."""

    object_id: int
    artifact_type: str | None
    subtype: str | None
    digest: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One video with its annotation. Sizes and masks belong to the stored frames.

    Attributes:
        times_s: seconds from the first frame to each frame.
        annotated_frames: frames that a person has looked at, ascending.
        object_ids, frame_indices, counts: one entry per mask, COCO RLE, sorted by object and frame.
        facts: further facts for people, by name.
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
    """A task for another process: some videos to measure. It must be picklable."""

    def read(self) -> Iterator[Shown]:
        """The videos, without those that cannot be read."""
        ...


class FindGroups(Protocol):
    """Finds groups of at least two similar videos, by video_id, in another process. It must be
    picklable.
    """

    def __call__(self) -> list[list[str]]: ...


class Source(Protocol):
    """A source of videos for the page. Its methods may be called from several threads."""

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
        """The task that finds similar videos; None if the source has no hashes of their
        pictures.
        """
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
        """All problems of this video: values that contradict each other. This is slow."""
        ...

    def python(self, video_id: str) -> str:
        """Lines of Python that load this video."""
        ...


def as_json(shown: Shown) -> dict[str, Any]:
    """One video in the form for the page."""
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
                "object_id": item.object_id,
                "artifact_type": item.artifact_type,
                "subtype": item.subtype,
                "digest": item.digest,
            }
            for item in shown.objects
        ],
        "masks": {
            "object_id": list(shown.object_ids),
            "frame_index": list(shown.frame_indices),
            "counts": list(shown.counts),
        },
        "facts": dict(shown.facts),
    }


def ranges(frames: Sequence[int]) -> list[list[int]]:
    """Ascending numbers as [first, last] of each run of consecutive numbers."""
    runs: list[list[int]] = []
    for frame in frames:
        if runs and runs[-1][1] == frame - 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return runs
