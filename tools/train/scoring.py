"""Scores of a model on a split of a release, by the kernel and the conventions of `brokenvideos evaluate`."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from torch.utils.data import DataLoader

from brokenvideos.builder.atomic import atomic_file
from brokenvideos.frames.release_rows import ReleaseRows
from brokenvideos.tools.evaluate.counts import FIELDS, Counts, against_empty
from brokenvideos.tools.evaluate.evaluation import Evaluation, evaluation_of
from brokenvideos.tools.evaluate.floors import mean_mask, sum_masks
from brokenvideos.tools.evaluate.predictions import PredictedFrame
from brokenvideos.tools.evaluate.scores import ScoredVideo
from brokenvideos.tools.evaluate.scoring import Task, score_part
from brokenvideos.tools.evaluate.truth import AnnotatedVideo, EvaluationError, Part, read_annotation
from brokenvideos.tools.train.predictor import Predictor, VideoPrediction
from brokenvideos.tools.train.rows import ChosenRows, WholeVideos

GATES: tuple[float, ...] = tuple(np.linspace(0, 0.98, 50).tolist())


def predictions_for(
    predictor: Predictor,
    rows: ReleaseRows | ChosenRows,
    *,
    gate: float | None,
    first: int,
    share: int,
    workers: int,
    on_progress: Callable[[int, int], None],
) -> dict[str, VideoPrediction]:
    """Predictions for every `share`-th video from the `first` on, by video_id; decoded by `workers` processes."""
    videos = WholeVideos(rows, size=predictor.feeding.size, first=first, share=share)
    found = {}
    for done, video in enumerate(DataLoader(videos, batch_size=None, num_workers=workers), start=1):
        size = {"height": video["height"], "width": video["width"]}
        found[video["video_id"]] = predictor.predict(video["frames"], **size, gate=gate)
        on_progress(done, len(videos))
    return found


@dataclass(frozen=True, slots=True)
class _Given:
    """A prediction in memory as `evaluate` reads one."""

    where: str
    prediction: VideoPrediction

    @property
    def frames(self) -> Sequence[int]:
        return range(len(self.prediction.counts))

    def read(self, frames: Sequence[int], *, height: int, width: int) -> Iterator[PredictedFrame]:
        for frame in frames:
            yield PredictedFrame(frame, self.prediction.counts[frame], float(self.prediction.scores[frame]))


@dataclass(frozen=True, slots=True)
class _ChosenPart:
    """The videos of a part that are named."""

    part: Part
    video_ids: Sequence[str]

    def read(self) -> Iterator[AnnotatedVideo]:
        chosen = set(self.video_ids)
        return (video for video in self.part.read() if video.video_id in chosen)


def scored_videos(
    release: Path, split: str, predictions: Mapping[str, VideoPrediction], *, floors: bool
) -> tuple[ScoredVideo, ...]:
    """The predicted videos, counted against the release; by video_id.

    Raises:
        EvaluationError: a prediction does not fit its video.
    """
    annotation = read_annotation(release, splits=[split])
    mean = None
    if floors and "train" in annotation.splits.values():
        mean = mean_mask([sum_masks(part.read()) for part in read_annotation(release, splits=["train"]).parts])
    given = {video_id: _Given(f"prediction for {video_id}", found) for video_id, found in predictions.items()}
    parts = (_ChosenPart(part, list(given)) for part in annotation.parts)
    found = [score_part(Task(part, given, "error", False, floors, mean)) for part in parts]
    problems = [problem for part in found for problem in part.problems]
    if problems:
        raise EvaluationError(problems)
    return tuple(sorted((video for part in found for video in part.videos), key=lambda video: video.video_id))


def evaluated(videos: Collection[ScoredVideo], *, release: Path, split: str, predictions: str = "model") -> Evaluation:
    """The evaluation of these videos, with the options that `brokenvideos evaluate` would say."""
    options = {"missing": "error", "values": "auto", "splits": [split], "skip_ends": False, "void": None}
    return evaluation_of(
        list(videos), truth=str(release), predictions=predictions, options={"empty": "davis", **options}
    )


def best_gate(videos: Sequence[ScoredVideo], predictions: Mapping[str, VideoPrediction]) -> float:
    """The gate with the highest sum of J&F over broken videos and the share of normal ones that are left alone; of equal ones
    the lowest."""

    def worth(gate: float) -> float:
        jf, left = [], []
        for video in videos:
            counts = gated_counts(video.counts, predictions[video.video_id], gate)
            if video.broken:
                jf.append((counts.j().mean() + counts.f().mean()) / 2)
            else:
                left.append(not counts.pred_px.any())
        means = [float(np.mean(values)) for values in (jf, left) if values]
        return sum(means, start=0.0)

    return max(GATES, key=worth)


def gated_counts(counts: Counts, prediction: VideoPrediction, gate: float) -> Counts:
    """The counts, had frames with a score below the gate been left empty."""
    nothing, kept = against_empty(counts), prediction.scores[counts.frames] >= gate
    columns = (np.where(kept, getattr(counts, name), getattr(nothing, name)) for name in FIELDS)
    return Counts(counts.height, counts.width, counts.frames, *columns)


def gated(videos: Sequence[ScoredVideo], predictions: Mapping[str, VideoPrediction], gate: float) -> list[ScoredVideo]:
    """The videos, had they been predicted with this gate."""
    return [replace(v, counts=gated_counts(v.counts, predictions[v.video_id], gate)) for v in videos]


def write_predictions(path: Path, predictions: Mapping[str, VideoPrediction]) -> None:
    """Writes predictions as Parquet that `brokenvideos evaluate` reads: video_id, frame_index, counts, score; a row a frame."""
    columns: dict[str, list[object]] = {"video_id": [], "frame_index": [], "counts": [], "score": []}
    for video_id, found in sorted(predictions.items()):
        columns["video_id"] += [video_id] * len(found.counts)
        columns["frame_index"] += range(len(found.counts))
        columns["counts"] += found.counts
        columns["score"] += found.scores.tolist()
    schema = pa.schema(
        {"video_id": pa.string(), "frame_index": pa.int32(), "counts": pa.string(), "score": pa.float64()}
    )
    with atomic_file(path) as file:
        pq.write_table(pa.table(columns, schema=schema), file, compression="zstd")
