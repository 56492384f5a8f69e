"""Scores a model on a split of a release, with the kernel and the conventions of
`brokenvideos evaluate`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from torch.utils.data import DataLoader

from ...builder.work import atomic_file
from ...sampling import ReleaseRows
from ..evaluation import (
    FIELDS,
    AnnotatedVideo,
    Counts,
    Evaluation,
    EvaluationError,
    Part,
    PredictedFrame,
    ScoredVideo,
    Task,
    against_empty,
    evaluation_of,
    mean_mask,
    read_annotation,
    score_part,
    sum_masks,
    video_scores,
)
from .predictor import Predictor, VideoPrediction, kept_frames
from .rows import ChosenRows, WholeVideos

GATES: tuple[float, ...] = tuple(np.linspace(0, 0.98, 50).tolist())
"""Frame gates to choose from."""

FALSE_VIDEOS = 0.08
"""The share of new normal videos that a model may flag, on average."""


def predictions_for(
    predictor: Predictor,
    rows: ReleaseRows | ChosenRows,
    *,
    first: int,
    share: int,
    workers: int,
    on_progress: Callable[[int, int], None],
) -> dict[str, VideoPrediction]:
    """Predictions for every `share`-th video from number `first` on, by video_id; `workers`
    processes decode.
    """
    videos = WholeVideos(rows, size=predictor.feeding.size, first=first, share=share)
    predictions = {}
    for done, video in enumerate(DataLoader(videos, batch_size=None, num_workers=workers), start=1):
        size = {"height": video["height"], "width": video["width"]}
        predictions[video["video_id"]] = predictor.predict(video["frames"], **size)
        on_progress(done, len(videos))
    return predictions


@dataclass(frozen=True, slots=True)
class _Given:
    """A prediction in memory, with the methods of `PredictedVideo`."""

    where: str
    prediction: VideoPrediction

    @property
    def frames(self) -> Sequence[int]:
        return range(len(self.prediction.counts))

    def read(self, frames: Sequence[int], *, height: int, width: int) -> Iterator[PredictedFrame]:
        for frame in frames:
            yield PredictedFrame(
                frame, self.prediction.counts[frame], float(self.prediction.scores[frame])
            )

    def objects(self) -> None:
        """None, because the masks do not distinguish objects."""


@dataclass(frozen=True, slots=True)
class _ChosenPart:
    """Some videos of a part."""

    part: Part
    video_ids: Sequence[str]

    def read(self) -> Iterator[AnnotatedVideo]:
        chosen = set(self.video_ids)
        return (video for video in self.part.read() if video.video_id in chosen)


def scored_videos(
    release: Path, split: str, predictions: Mapping[str, VideoPrediction], *, floors: bool
) -> tuple[ScoredVideo, ...]:
    """The scored videos, sorted by video_id.

    Raises:
        EvaluationError: a prediction does not fit its video.
    """
    annotation = read_annotation(release, splits=[split])
    mean = None
    if floors and "train" in annotation.splits.values():
        mean = mean_mask(
            [sum_masks(part.read()) for part in read_annotation(release, splits=["train"]).parts]
        )
    by_id = {
        video_id: _Given(f"prediction for {video_id}", results)
        for video_id, results in predictions.items()
    }
    parts = (_ChosenPart(part, list(by_id)) for part in annotation.parts)
    # A model predicts on the stored frames.
    results = [
        score_part(Task(part, by_id, "error", False, floors, mean, masks_are="coded"))
        for part in parts
    ]
    problems = [problem for part in results for problem in part.problems]
    if problems:
        raise EvaluationError(problems)
    return tuple(
        sorted(
            (video for part in results for video in part.videos), key=lambda video: video.video_id
        )
    )


def evaluated(
    videos: Collection[ScoredVideo], *, release: Path, split: str, predictions: str = "model"
) -> Evaluation:
    """The evaluation of these videos, with the same options as from `brokenvideos evaluate`."""
    options = {
        "missing": "error",
        "values": "auto",
        "splits": [split],
        "skip_ends": False,
        "void": None,
    }
    return evaluation_of(
        list(videos),
        truth=str(release),
        predictions=predictions,
        options={"empty": "davis", **options},
    )


def video_gate_of(normal: Sequence[float]) -> float:
    """The lowest video gate that flags at most `FALSE_VIDEOS` of new normal videos, if they are
    like these; 0.0 without any.

    Of n + 1 such videos each is as likely as any other to have one of the k + 1 highest scores. So
    a gate that flags k of these n flags (k + 1) / (n + 1) of new ones on average. Where even k = 0
    would be too many, no gate can be trusted, and k = 0 is taken.

    Args:
        normal: the highest score of a frame, of each normal video.

    Source: Vovk et al., Algorithmic Learning in a Random World, 2005 (conformal prediction).
    """
    highest = sorted(normal, reverse=True)
    flagged = max(int(FALSE_VIDEOS * (len(highest) + 1)) - 1, 0)
    # The next number above the highest score that must not pass.
    return float(np.nextafter(highest[flagged], 2.0)) if highest else 0.0


def best_gates(
    videos: Sequence[ScoredVideo], predictions: Mapping[str, VideoPrediction]
) -> dict[str, float]:
    """Chooses `gate` and `video_gate` for ungated predictions.

    The video gate is `video_gate_of` the normal videos. The frame gate is the one with the highest
    sum of J&F and J&F of active frames for broken videos; of equal ones, the lowest. J&F alone
    would prefer empty masks, because most frames have no artifact.
    """
    normal = (predictions[video.video_id].scores for video in videos if not video.broken)
    video_gate = video_gate_of([float(scores.max()) for scores in normal])
    broken = [video for video in videos if video.broken]

    def worth(gate: float) -> float:
        kept = gated(broken, predictions, gate=gate, video_gate=video_gate)
        scores = (video_scores(video.counts, broken=True) for video in kept)
        return float(
            np.mean(
                [scores_of_video["jf"] + scores_of_video["active_jf"] for scores_of_video in scores]
            )
        )

    return {"gate": max(GATES, key=worth), "video_gate": video_gate}


def gated(
    videos: Sequence[ScoredVideo],
    predictions: Mapping[str, VideoPrediction],
    *,
    gate: float,
    video_gate: float,
) -> list[ScoredVideo]:
    """The counts that these videos would have with these gates."""
    videos_with_gates = []
    for video in videos:
        kept = kept_frames(predictions[video.video_id].scores, gate=gate, video_gate=video_gate)[
            video.counts.frames
        ]
        nothing = against_empty(video.counts)
        columns = (
            np.where(kept, getattr(video.counts, name), getattr(nothing, name)) for name in FIELDS
        )
        counts = Counts(video.counts.height, video.counts.width, video.counts.frames, *columns)
        videos_with_gates.append(replace(video, counts=counts))
    return videos_with_gates


def write_predictions(path: Path, predictions: Mapping[str, VideoPrediction]) -> None:
    """Writes predictions as Parquet for `brokenvideos evaluate`, one row per frame.

    The columns are video_id, frame_index, counts and score.
    """
    columns: dict[str, list[object]] = {
        "video_id": [],
        "frame_index": [],
        "counts": [],
        "score": [],
    }
    for video_id, prediction in sorted(predictions.items()):
        columns["video_id"] += [video_id] * len(prediction.counts)
        columns["frame_index"] += range(len(prediction.counts))
        columns["counts"] += prediction.counts
        columns["score"] += prediction.scores.tolist()
    schema = pa.schema(
        {
            "video_id": pa.string(),
            "frame_index": pa.int32(),
            "counts": pa.string(),
            "score": pa.float64(),
        }
    )
    with atomic_file(path) as file:
        pq.write_table(pa.table(columns, schema=schema), file, compression="zstd")
