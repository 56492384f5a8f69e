"""Masks without videos of their own, shown on the frames of an annotation that has the videos, or
on grey.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...builder.raw import MasksAre, RawError
from ...frames import VideoIndex, VideoSource
from ..evaluation import AnnotatedVideo, Annotation, Part, on_stored
from .others import annotated_of
from .video import ExploreError, Listed, MeasureTask, NoPicturesError, Shown, ShownObject, Source


@dataclass(frozen=True, slots=True)
class _Measure:
    """The task to measure all videos of a source, in the process that has the source."""

    source: "MasksSource"

    def read(self) -> Iterator[Shown]:
        for video in self.source.videos:
            try:
                yield self.source.show(video.video_id)
            except ExploreError:
                continue  # said when somebody comes to the video


class MasksSource:
    """A folder of {video_id}/{frame}.png as a `Source`. It has no labels, types or prompts."""

    kind = "masks"
    is_remote = False

    def __init__(
        self, masks: Annotation, *, frames: Source | None, masks_are: MasksAre | None
    ) -> None:
        """
        Args:
            masks: of kind "png".
            frames: who has the videos; None: nobody.
            masks_are: how the masks were drawn, of videos that players turn, where their size does
                not tell.
        """
        self.name = str(masks.path)
        self.notices: list[str] = []
        self._parts: dict[str, Part] = {
            video_id: part for part in masks.parts for video_id in part.video_ids
        }
        self._frames = frames
        self._have = (
            frozenset(video.video_id for video in frames.videos)
            if frames is not None
            else frozenset()
        )
        self._masks_are = masks_are
        self.videos: Sequence[Listed] = [
            Listed(video_id, None, None, None, "unknown", None) for video_id in sorted(self._parts)
        ]

    def measure_tasks(self) -> list[MeasureTask]:
        return [_Measure(self)]

    def near_duplicates(self) -> None:
        return None

    def show(self, video_id: str) -> Shown:
        shown = (
            self._frames.show(video_id)
            if self._frames is not None and video_id in self._have
            else None
        )
        try:
            video = next(iter(self._parts[video_id].read()))
            if shown is not None:
                where = f"{self.name} video {video_id}"
                video = on_stored(
                    video, annotated_of(shown), masks_are=self._masks_are, where=where
                )
        except (RawError, OSError) as error:
            raise ExploreError(f"video {video_id} cannot be read: {error}") from error
        return _shown(video, shown)

    def video(self, video_id: str) -> tuple[VideoSource, VideoIndex]:
        if self._frames is None or video_id not in self._have:
            raise NoPicturesError(f"video {video_id}: {self.name} holds its masks alone")
        return self._frames.video(video_id)

    def verify(self, video_id: str) -> list[str]:
        return [f"video {video_id}: {self.name} holds masks alone, which nothing can contradict"]

    def python(self, video_id: str) -> str:
        return (
            "from pathlib import Path\n"
            "from brokenvideos.tools.evaluation import read_annotation\n\n"
            f"parts = read_annotation(Path({str(Path(self.name).resolve())!r})).parts\n"
            "video = next(video for part in parts for video in part.read() if video.video_id == "
            f"{video_id!r})\n"
            "masks = video.union()  # COCO RLE by frame, 1 = artifact\n"
        )


def _shown(video: AnnotatedVideo, frames: Shown | None) -> Shown:
    """The masks of one video. Size, rotation and times come from an annotation that has the video,
    if there is one.
    """
    placed = [
        (m.object_id, frame, counts)
        for m in video.masklets
        for frame, counts in sorted(m.counts.items())
    ]
    num_frames = video.num_frames if frames is None else frames.num_frames
    return Shown(
        listed=Listed(video.video_id, None, None, None, video.generator, None),
        height=video.height,
        width=video.width,
        num_frames=num_frames,
        rotation=0 if video.orientation is None else video.orientation.rotation,
        times_s=() if frames is None else frames.times_s,
        annotated_frames=video.frames,
        objects=tuple(
            ShownObject(masklet.object_id, None, None, None) for masklet in video.masklets
        ),
        object_ids=[object_id for object_id, _, _ in placed],
        frame_indices=[frame for _, frame, _ in placed],
        counts=[counts for _, _, counts in placed],
        facts={},
    )
