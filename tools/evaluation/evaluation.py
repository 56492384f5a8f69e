"""A truth and predictions in, scores out: for all videos, by group, with intervals and with floors beside them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...builder.raw import Problem
from ...builder.work import Progress, executor_of, no_progress, run_tasks
from ...masks import Float64Array
from ...release import __version__
from .counts import Counts
from .floors import FLOORS, MaskSum, MeanMask, mean_mask, sum_masks
from .intervals import Difference, Estimate, difference, estimate
from .predictions import Predictions, Values, find_predictions
from .scores import (
    BROKEN_METRICS,
    CONVENTIONS,
    NORMAL_METRICS,
    ScoredVideo,
    average_precision,
    micro_scores,
    video_auc,
    video_scores,
)
from .scoring import Missing, Task, score_part
from .truth import Annotation, EvaluationError, Part, read_annotation

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Scores:
    """Broken and normal videos, each metric with its interval, and what can only be said of all of them."""

    broken: Mapping[str, Estimate]
    normal: Mapping[str, Estimate]
    micro: Mapping[str, float]
    """Pixel scores of all pixels of all broken videos together."""
    auc: float | None = None
    pixel_ap: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "broken": {name: found.to_dict() for name, found in self.broken.items()},
            "normal": {name: found.to_dict() for name, found in self.normal.items()},
            "broken_pixel_micro": dict(self.micro),
            "auc": self.auc,
            "pixel_ap": self.pixel_ap,
        }


@dataclass(frozen=True, slots=True)
class Cell:
    """Videos of one artifact type, generator and split; None: of any. Type "normal": the videos without an artifact."""

    artifact_type: str | None
    generator: str | None
    split: str | None
    n: int
    scores: Mapping[str, float | None]
    """Means over the cell's videos; a metric that its videos do not have is None."""

    def to_dict(self) -> dict[str, Any]:
        names = {"artifact_type": self.artifact_type, "generator": self.generator, "split": self.split, "n": self.n}
        return names | dict(self.scores)


@dataclass(frozen=True, slots=True)
class VideoScores:
    """Every metric of one video; NaN where there is nothing to say."""

    video_id: str
    split: str | None
    generator: str
    artifact_types: tuple[str, ...]
    broken: bool
    num_frames: int
    scores: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        return {
            "video_id": self.video_id,
            "split": self.split,
            "generator": self.generator,
            "artifact_types": list(self.artifact_types),
            "label": "broken" if self.broken else "normal",
            "frames": self.num_frames,
            **{name: _json_number(value) for name, value in self.scores.items()},
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours minus another prediction's, on the same videos."""

    name: str
    broken: Mapping[str, Difference]
    normal: Mapping[str, Difference]

    def to_dict(self) -> dict[str, Any]:
        return {
            "with": self.name,
            "broken": {name: found.to_dict() for name, found in self.broken.items()},
            "normal": {name: found.to_dict() for name, found in self.normal.items()},
        }


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found."""

    truth: str
    predictions: str
    options: Mapping[str, Any]
    scores: Scores
    floors: Mapping[str, Scores]
    breakdown: tuple[Cell, ...]
    videos: tuple[VideoScores, ...]
    comparison: Comparison | None = None

    def to_dict(self) -> dict[str, Any]:
        """Everything, as plain values for JSON; numbers that nobody can give are None."""
        return {
            "format_version": FORMAT_VERSION,
            "brokenvideos": __version__,
            "truth": self.truth,
            "predictions": self.predictions,
            "options": dict(self.options),
            "conventions": dict(CONVENTIONS),
            **self.scores.to_dict(),
            "floors": {name: {"what": FLOORS[name], **found.to_dict()} for name, found in self.floors.items()},
            "comparison": self.comparison.to_dict() if self.comparison else None,
            "breakdown": [cell.to_dict() for cell in self.breakdown],
            "videos": [video.to_dict() for video in self.videos],
        }

    def table(self) -> str:
        """The headline as a Markdown table: the prediction, then the floors; means with their 95 % intervals."""
        from .table import table

        return table(self)


def evaluate(
    truth: Path,
    predictions: Path,
    *,
    missing: Missing = "error",
    values: Values = "auto",
    splits: Sequence[str] | None = None,
    skip_ends: bool = False,
    floors: bool = True,
    compare: Path | None = None,
    void: int | None = None,
    workers: int = 1,
    on_progress: Progress = no_progress,
) -> Evaluation:
    """Scores of predictions against a truth; the same for any number of workers.

    Args:
        truth: see `truth.read_annotation`.
        predictions: see `predictions.find_predictions`.
        missing: whether a frame or video without a prediction is an error or counts as empty.
        values: how PNGs are read.
        splits: score the videos of these alone; predictions for others are passed over.
        skip_ends: leave out the first and last annotated frame of every video, as DAVIS's semi-supervised task does.
        floors: also score the predictions that know nothing.
        compare: another prediction, to be compared video by video.
        void: of a DAVIS truth: a value to read as background.

    Raises:
        EvaluationError: every problem of the predictions, before anything is scored.
    """
    annotation = read_annotation(truth, splits=splits, void=void)
    sources = [find_predictions(path, values=values) for path in (predictions, compare) if path is not None]
    with executor_of(workers) as executor:
        mean = _train_mean_mask(annotation, executor, void=void, on_progress=on_progress) if floors else None
        found = []
        for number, source in enumerate(sources):
            tasks = [
                Task(part, _of_part(part, source), missing, skip_ends, floors and number == 0, mean)
                for part in annotation.parts
            ]
            on_done = partial(on_progress, "score" if number == 0 else "score the other")
            parts = list(run_tasks(executor, score_part, tasks, on_done))
            problems = [*source.problems, *_extra(annotation, source), *(p for part in parts for p in part.problems)]
            if problems:
                raise EvaluationError(problems, summary=_summary(source, problems))
            found.append(sorted((v for part in parts for v in part.videos), key=lambda video: video.video_id))
    result = evaluation_of(
        found[0],
        truth=str(truth),
        predictions=str(predictions),
        options={
            "empty": "davis",
            "missing": missing,
            "values": values,
            "splits": list(splits) if splits is not None else None,
            "skip_ends": skip_ends,
            "void": void,
        },
    )
    if compare is None:
        return result
    return _with_comparison(result, found[0], found[1], str(compare))


def evaluation_of(
    videos: Sequence[ScoredVideo], *, truth: str, predictions: str, options: Mapping[str, Any]
) -> Evaluation:
    """The evaluation of videos whose pixels are counted already."""
    details = tuple(
        VideoScores(
            video.video_id,
            video.split,
            video.generator,
            video.artifact_types,
            video.broken,
            len(video.counts),
            video_scores(video.counts, broken=video.broken),
        )
        for video in videos
    )
    names = [name for name in FLOORS if videos and all(name in video.floors for video in videos)]
    floors = {name: _scores([(video, video.floors[name]) for video in videos], is_floor=True) for name in names}
    scores = _scores([(video, video.counts) for video in videos], is_floor=False)
    return Evaluation(truth, predictions, options, scores, floors, _breakdown(details), details)


def _scores(videos: Sequence[tuple[ScoredVideo, Counts]], *, is_floor: bool) -> Scores:
    tables = {
        broken: [video_scores(counts, broken=broken) for video, counts in videos if video.broken == broken]
        for broken in (True, False)
    }
    auc = pixel_ap = None
    if not is_floor and any(video.score is not None for video, _ in videos):
        ranks = np.array([-np.inf if video.score is None else video.score for video, _ in videos])
        auc = video_auc(np.array([video.broken for video, _ in videos]), ranks)
    levels = [video.levels for video, _ in videos if video.levels is not None]
    if not is_floor and levels:
        pixel_ap = average_precision(np.sum(levels, axis=0))
    return Scores(
        broken={name: estimate(_column(tables[True], name)) for name in BROKEN_METRICS},
        normal={name: estimate(_column(tables[False], name)) for name in NORMAL_METRICS},
        micro=micro_scores([counts for video, counts in videos if video.broken]),
        auc=auc,
        pixel_ap=pixel_ap,
    )


def _column(table: Sequence[Mapping[str, float]], name: str) -> Float64Array:
    return np.array([scores[name] for scores in table], np.float64)


def _breakdown(videos: Sequence[VideoScores]) -> tuple[Cell, ...]:
    """A cell for every artifact type, generator and split that has videos, and for every two, one and none of them fixed."""
    members: dict[tuple[str | None, str | None, str | None], list[VideoScores]] = {}
    for video in videos:
        # A broken video whose objects have no type still is one.
        types = video.artifact_types or (("unknown",) if video.broken else ("normal",))
        for kind in (None, *types):
            for generator in (None, video.generator):
                for split in {None, video.split}:
                    members.setdefault((kind, generator, split), []).append(video)
    cells = []
    for (kind, generator, split), found in sorted(members.items(), key=lambda item: tuple(map(_sortable, item[0]))):
        broken = [video.scores for video in found if video.broken]
        normal = [video.scores for video in found if not video.broken]
        scores: dict[str, float | None] = {"n_broken": len(broken), "n_normal": len(normal)}
        for name in ("jf", "j", "f", "active_jf", "strict_jf", "temporal_iou"):
            scores[name] = estimate(_column(broken, name)).value if broken else None
        for name in ("jf", "false_frames", "false_videos", "false_area"):
            scores[f"normal_{name}"] = float(np.nanmean(_column(normal, name))) if normal else None
        cells.append(Cell(kind, generator, split, len(found), scores))
    return tuple(cells)


def _sortable(name: str | None) -> tuple[bool, str]:
    return name is not None, name or ""


def _with_comparison(
    result: Evaluation, ours: Sequence[ScoredVideo], others: Sequence[ScoredVideo], name: str
) -> Evaluation:
    sides: dict[bool, dict[str, Difference]] = {}
    for broken, names in ((True, BROKEN_METRICS), (False, NORMAL_METRICS)):
        tables = [
            [video_scores(video.counts, broken=broken) for video in videos if video.broken == broken]
            for videos in (ours, others)
        ]
        sides[broken] = {metric: difference(*(_column(table, metric) for table in tables)) for metric in names}
    comparison = Comparison(name, sides[True], sides[False])
    return Evaluation(
        result.truth,
        result.predictions,
        result.options,
        result.scores,
        result.floors,
        result.breakdown,
        result.videos,
        comparison,
    )


def _of_part(part: Part, source: Predictions) -> Mapping[str, Any]:
    return {video_id: source.videos[video_id] for video_id in part.video_ids if video_id in source.videos}


def _extra(annotation: Annotation, source: Predictions) -> Iterable[Problem]:
    for video_id, video in source.videos.items():
        if video_id not in annotation.splits:
            yield Problem(video.where, f"the truth has no video {video_id}; remove it, or check its name")


def _summary(source: Predictions, problems: Sequence[Problem]) -> str:
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    return f"{source.path}: {count} in the predictions, nothing was scored"


def _train_mean_mask(
    annotation: Annotation, executor: Any, *, void: int | None, on_progress: Callable[[str, int, int], None]
) -> MeanMask | None:
    if "train" not in annotation.splits.values():
        return None
    train = read_annotation(annotation.path, splits=["train"], void=void)
    sums = run_tasks(executor, _sum_part, train.parts, partial(on_progress, "mean mask of train"))
    return mean_mask(list(sums))


def _sum_part(part: Part) -> MaskSum:
    return sum_masks(part.read())


def _json_number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
