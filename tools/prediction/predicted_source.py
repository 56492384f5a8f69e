"""The videos of a prediction with the masks of the model, as the page of explore shows them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...frames import VideoIndex
from ...masks import empty
from ..explorer import Listed, MeasureTask, Shown, ShownObject
from .kinds import Video
from .verdict import Report, VideoReport

MEASURED_AT_A_TIME = 8
"""Videos that a process measures before it is given the next ones."""


@dataclass(frozen=True, slots=True)
class _Measure:
    """All videos of a source, which is one of a few videos."""

    source: "PredictedSource"

    def __str__(self) -> str:
        return ", ".join(video.video_id for video in self.source.videos)

    def read(self) -> Iterator[Shown]:
        for video in self.source.videos:
            yield self.source.show(video.video_id)


class PredictedSource:
    """A prediction as `Source` of tools/explorer: one object per video, which is what the model
    marks.
    """

    kind = "prediction"
    is_remote = False

    def __init__(
        self, report: Report, videos: Sequence[Video], counts_of: Callable[[str], Sequence[str]]
    ) -> None:
        """
        Args:
            videos: those of the report, for their frames.
            counts_of: COCO RLE of every frame of a video, by video_id; picklable where the source
                is sent to another process.
        """
        self.name = report.model
        self.notices: list[str] = []
        self._report = report
        self._reports: Mapping[str, VideoReport] = {
            found.video_id: found for found in report.videos
        }
        self._videos = {video.video_id: video for video in videos}
        self._counts_of = counts_of
        self.videos: Sequence[Listed] = [_listed(found) for found in report.videos]

    def measure_tasks(self) -> list[MeasureTask]:
        names = list(self._reports)
        return [
            _Measure(self._part(names[start : start + MEASURED_AT_A_TIME]))
            for start in range(0, len(names), MEASURED_AT_A_TIME)
        ]

    def _part(self, video_ids: Sequence[str]) -> "PredictedSource":
        """Some videos, to be sent to another process without the others."""
        videos = tuple(self._reports[video_id] for video_id in video_ids)
        return PredictedSource(
            replace(self._report, videos=videos),
            [self._videos[video_id] for video_id in video_ids],
            self._counts_of,
        )

    def near_duplicates(self) -> None:
        return None

    def show(self, video_id: str) -> Shown:
        predicted = self._reports[video_id]
        nothing = empty(predicted.height, predicted.width)
        marked = [
            (frame, counts)
            for frame, counts in enumerate(self._counts_of(video_id))
            if counts != nothing
        ]
        ends = np.cumsum(predicted.durations_s)
        return Shown(
            listed=_listed(predicted),
            height=predicted.height,
            width=predicted.width,
            num_frames=len(predicted.areas),
            rotation=predicted.rotation,
            times_s=tuple((ends - predicted.durations_s).tolist()),
            annotated_frames=tuple(range(len(predicted.areas))),
            objects=tuple(
                ShownObject(1, _type_of(predicted), "predicted", None) for _ in marked[:1]
            ),
            object_ids=[1] * len(marked),
            frame_indices=[frame for frame, _ in marked],
            counts=[counts for _, counts in marked],
            facts={"video": predicted.where, "model": self.name},
        )

    def video(self, video_id: str) -> tuple[bytes, VideoIndex]:
        return self._videos[video_id].read()

    def verify(self, video_id: str) -> list[str]:
        return [f"video {video_id}: its masks are a prediction, which nothing can contradict"]

    def python(self, video_id: str) -> str:
        return (
            "import pyarrow.parquet as pq\n"
            "from brokenvideos.masks import decode\n\n"
            'rows = pq.read_table("predictions.parquet", filters=[("video_id", "==", '
            f"{video_id!r})])\n"
            f"size = {{'height': {self._reports[video_id].height}, 'width': "
            f"{self._reports[video_id].width}}}\n"
            'masks = decode(rows["counts"].to_pylist(), **size)  # uint8[T, H, W], 1 = artifact\n'
        )


def _type_of(found: VideoReport) -> str | None:
    """The type of what is marked, where the model names one alone."""
    return found.artifact_types[0] if len(found.artifact_types) == 1 else None


def _listed(found: VideoReport) -> Listed:
    return Listed(
        video_id=found.video_id,
        split=None,
        label="broken" if found.flagged else "normal",
        artifact_types=found.artifact_types or (None if found.flagged else ()),
        generator="",
        prompt=None,
        height=found.height,
        width=found.width,
        num_frames=len(found.areas),
        fps=found.fps,
        num_objects=int(found.areas.any()),
    )
