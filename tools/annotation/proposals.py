"""Predictions of a model as proposals: first masks, until a person accepts them or draws others."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...masks import area

if TYPE_CHECKING:
    from ..evaluation import PredictedVideo, Predictions


@dataclass(frozen=True, slots=True)
class Proposed:
    """The proposals for one video: non-empty COCO RLE by frame_index; and what could not be
    read.
    """

    by: str
    masks: dict[int, str]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Proposals:
    """Predictions for some videos."""

    predictions: "Predictions"

    @property
    def by(self) -> str:
        """The name of the file or folder of predictions."""
        return f"model {self.predictions.path.name}"

    def of(self, video_id: str, *, height: int, width: int, num_frames: int) -> Proposed | None:
        """The proposals for a video, with one mask per frame; None if there are no predictions for
        it.
        """
        video: PredictedVideo | None = self.predictions.videos.get(video_id)
        if video is None:
            return None
        frames = [frame for frame in video.frames if frame < num_frames]
        beyond = len(video.frames) - len(frames)
        problems = (
            [f"{video.where}: {beyond} frames beyond the last one, {num_frames - 1}"]
            if beyond
            else []
        )
        masks: dict[int, str] = {}
        for frame in video.read(frames, height=height, width=width):
            if frame.problem is not None:
                problems.append(str(frame.problem))
            elif area([frame.counts], height=height, width=width)[0] > 0:
                masks[frame.frame_index] = frame.counts
        return Proposed(self.by, masks, tuple(problems))

    def notices(self, video_ids: Collection[str]) -> list[str]:
        """Notices for people: the videos without predictions."""
        without = [video_id for video_id in video_ids if video_id not in self.predictions.videos]
        if not without:
            return []
        some = ", ".join(without[:3]) + (" and others" if len(without) > 3 else "")
        return [
            f"{self.predictions.path}: no predictions for {len(without)} of {len(video_ids)} "
            f"videos: {some}"
        ]


def find_proposals(path: Path) -> Proposals:
    """The predictions at `path`, in any form that `brokenvideos evaluate` reads.

    Raises:
        EvaluationError: there are no predictions, or they are wrong.
    """
    from ..evaluation import EvaluationError, find_predictions  # it imports pyarrow

    predictions = find_predictions(path)
    if predictions.problems:
        raise EvaluationError(predictions.problems)
    return Proposals(predictions)
