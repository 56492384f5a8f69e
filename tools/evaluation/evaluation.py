"""Scores predictions against a truth: all videos and groups of videos, with intervals and floors.

A floor is the score of a prediction that does not look at the video (see `floors`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...builder.raw import MasksAre, Problem
from ...builder.work import Progress, executor_of, no_progress, run_tasks
from ...masks import TYPE_NOT_GIVEN, Float64Array
from ...release import __version__
from .counts import Counts
from .floors import FLOORS, MaskSum, MeanMask, mean_mask, sum_masks
from .intervals import Difference, difference, estimate, mean_of
from .predictions import Predictions, Reading, Values, find_predictions
from .protocol import ObjectScores, Protocol, objects_of
from .scores import (
    BROKEN_METRICS,
    CONVENTIONS,
    NORMAL_METRICS,
    ScoredVideo,
    average_precision,
    disputed,
    micro_scores,
    video_auc,
    video_scores,
)
from .scoring import Missing, Task, score_part
from .summary import Cell, Comparison, Scores, VideoScores
from .table import table
from .truth import Annotation, EvaluationError, Part, read_annotation

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result of an evaluation."""

    truth: str
    predictions: str
    options: Mapping[str, Any]
    scores: Scores
    floors: Mapping[str, Scores]
    breakdown: tuple[Cell, ...]
    videos: tuple[VideoScores, ...]
    comparison: Comparison | None = None
    objects: ObjectScores | None = None
    """The scores of each object on its own; None unless a protocol was given."""

    def to_dict(self) -> dict[str, Any]:
        """The whole result as plain values for JSON; a number that is not defined is None."""
        return {
            "format_version": FORMAT_VERSION,
            "brokenvideos": __version__,
            "truth": self.truth,
            "predictions": self.predictions,
            "options": dict(self.options),
            "conventions": dict(CONVENTIONS),
            **self.scores.to_dict(),
            "floors": {
                name: {"what": FLOORS[name], **scores.to_dict()}
                for name, scores in self.floors.items()
            },
            "comparison": self.comparison.to_dict() if self.comparison else None,
            "per_object": self.objects.to_dict() if self.objects else None,
            "breakdown": [cell.to_dict() for cell in self.breakdown],
            "videos": [video.to_dict() for video in self.videos],
        }

    def table(self) -> str:
        """The main scores as Markdown tables: means of the prediction with 95 % intervals, then the
        floors.
        """
        headline = table({self.predictions: self.scores, **self.floors}, self.comparison)
        return headline if self.objects is None else f"{headline}\n\n{self.objects.line()}"


def evaluate(
    truth: str | Path,
    predictions: str | Path,
    *,
    missing: Missing = "error",
    values: Values = "auto",
    first_frame: int | None = None,
    names: str | Path | None = None,
    splits: Sequence[str] | None = None,
    skip_ends: bool = False,
    floors: bool = True,
    compare: str | Path | None = None,
    void: int | None = None,
    masks_are: MasksAre | None = None,
    protocol: Protocol | None = None,
    workers: int = 1,
    on_progress: Progress = no_progress,
) -> Evaluation:
    """Scores of predictions against a truth; the same for any number of workers.

    Args:
        truth: see `truth.read_annotation`.
        predictions: see `predictions.find_predictions`.
        missing: whether a frame or video without a prediction is an error or counts as empty.
        values: how PNGs are read.
        first_frame: the number that predictions give a video's first frame, 0 or 1; None: 0, and
            numbers that only fit from 1 on are refused.
        names: a COCO or YouTube-VIS file that gives the names of numbered videos or images; None:
            such a file is looked for beside the predictions.
        splits: score only the videos of these splits; predictions for other videos are ignored.
        skip_ends: leave out the first and last annotated frame of every video, as DAVIS's
            semi-supervised task does.
        floors: also score the floors: predictions that do not look at the video.
        compare: another prediction, to be compared video by video.
        void: a mask value of a DAVIS truth that is read as background.
        masks_are: whether masks of rotated videos were drawn on displayed or stored frames, in
            truth and predictions, if their size does not show it. None: such a mask is a problem.
        protocol: also score each object on its own, by this rule (see `protocol.Protocol`).

    Raises:
        EvaluationError: every problem of the predictions, before anything is scored; or `names` is
            given and not needed.

    Examples:
        A truth that is used as its own prediction gets 1.0. The floor "all-empty" is a prediction
        that marks nothing:

        >>> evaluation = brokenvideos.evaluate("release", "release")
        >>> evaluation.scores.broken["jf"].value
        1.0
        >>> evaluation.floors["all-empty"].broken["active_jf"].value
        0.0
        >>> evaluation.table().startswith("| Broken videos (n = 6) | J&F ")
        True
    """
    truth, predictions = Path(truth), Path(predictions)
    names, compare = (None if path is None else Path(path) for path in (names, compare))
    annotation = read_annotation(truth, splits=splits, void=void, masks_are=masks_are)
    reading = Reading(values, first_frame, names, annotation.splits.keys(), masks_are)
    sources = [
        find_predictions(path, reading=reading)
        for path in (predictions, compare)
        if path is not None
    ]
    if names is not None and not any(source.names or source.problems for source in sources):
        what = (
            f"not needed: {predictions} is read as {sources[0].kind} and names its videos "
            "itself; leave --names out"
        )
        raise EvaluationError([Problem(str(names), what)])
    with executor_of(workers) as executor:
        mean = (
            _train_mean_mask(
                annotation, executor, void=void, masks_are=masks_are, on_progress=on_progress
            )
            if floors
            else None
        )
        scored = []
        for number, source in enumerate(sources):
            task = Task(
                annotation.parts[0],
                {},
                missing,
                skip_ends,
                floors and number == 0,
                mean,
                protocol=protocol if number == 0 else None,
            )
            on_done = partial(on_progress, "score" if number == 0 else "score the other")
            scored.append(
                _scored(annotation, source, task, executor, reading=reading, on_done=on_done)
            )
    result = evaluation_of(
        scored[0],
        truth=str(truth),
        predictions=str(predictions),
        options={
            "empty": "davis",
            "missing": missing,
            "values": values,
            "first_frame": first_frame,
            "names": str(sources[0].names) if sources[0].names is not None else None,
            "splits": list(splits) if splits is not None else None,
            "skip_ends": skip_ends,
            "void": void,
            "masks_are": masks_are,
            "protocol": protocol,
        },
    )
    if protocol is not None:
        objects = [scored_object for video in scored[0] for scored_object in video.objects]
        result = replace(result, objects=objects_of(protocol, objects))
    if compare is None:
        return result
    return _with_comparison(result, scored[0], scored[1], str(compare))


def _scored(
    annotation: Annotation,
    source: Predictions,
    task: Task,
    executor: Any,
    *,
    reading: Reading,
    on_done: Callable[[int, int], None],
) -> list[ScoredVideo]:
    """The scored videos of an annotation, sorted by video_id.

    Args:
        task: a task with everything that does not depend on the part.
    """
    strangers = _strangers(annotation, source)
    incomplete = source.incomplete
    if incomplete is not None:
        incomplete |= {meant for _, meant in strangers if meant is not None}
    tasks = [
        replace(
            task,
            part=part,
            predictions=_of_part(part, source),
            incomplete=incomplete,
            counts_from_0=reading.first_frame is not None,
            masks_are=reading.masks_are,
        )
        for part in annotation.parts
    ]
    parts = list(run_tasks(executor, score_part, tasks, on_done))
    problems = [
        *source.problems,
        *(problem for problem, _ in strangers),
        *(p for part in parts for p in part.problems),
    ]
    if problems:
        raise EvaluationError(problems, summary=_summary(source, problems))
    return sorted(
        (video for part in parts for video in part.videos), key=lambda video: video.video_id
    )


def evaluation_of(
    videos: Sequence[ScoredVideo], *, truth: str, predictions: str, options: Mapping[str, Any]
) -> Evaluation:
    """The evaluation of videos whose pixels have been counted."""
    details = tuple(
        VideoScores(
            video.video_id,
            video.split,
            video.generator,
            video.artifact_types,
            video.broken,
            len(video.counts),
            video_scores(video.counts, broken=video.broken),
            *disputed(video.counts),
        )
        for video in videos
    )
    names = [name for name in FLOORS if videos and all(name in video.floors for video in videos)]
    floors = {
        name: _scores([(video, video.floors[name]) for video in videos], is_floor=True)
        for name in names
    }
    scores = _scores([(video, video.counts) for video in videos], is_floor=False)
    return Evaluation(truth, predictions, options, scores, floors, _breakdown(details), details)


def _scores(videos: Sequence[tuple[ScoredVideo, Counts]], *, is_floor: bool) -> Scores:
    tables = {
        broken: [
            video_scores(counts, broken=broken)
            for video, counts in videos
            if video.broken == broken
        ]
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
        broken={
            name: estimate(_column(tables[True], name), least=_least(name))
            for name in BROKEN_METRICS
        },
        normal={
            name: estimate(_column(tables[False], name), least=_least(name))
            for name in NORMAL_METRICS
        },
        micro=micro_scores([counts for video, counts in videos if video.broken]),
        auc=auc,
        pixel_ap=pixel_ap,
    )


def _column(table: Sequence[Mapping[str, float]], name: str) -> Float64Array:
    return np.array([scores[name] for scores in table], np.float64)


def _least(metric: str) -> float:
    return -1.0 if metric.endswith("decay") else 0.0


def _breakdown(videos: Sequence[VideoScores]) -> tuple[Cell, ...]:
    """A cell for each combination of artifact type, generator and split that has videos.

    Each of the three may also be None, which stands for any value.
    """
    members: dict[tuple[str | None, str | None, str | None], list[VideoScores]] = {}
    for video in videos:
        # A broken video whose objects have no type is counted as "type not given", not as normal.
        types = video.artifact_types or ((TYPE_NOT_GIVEN,) if video.broken else ("normal",))
        for kind in (None, *types):
            for generator in (None, video.generator):
                for split in {None, video.split}:
                    members.setdefault((kind, generator, split), []).append(video)
    cells = []
    for (kind, generator, split), group in sorted(
        members.items(), key=lambda item: tuple(map(_sortable, item[0]))
    ):
        broken = [video.scores for video in group if video.broken]
        normal = [video.scores for video in group if not video.broken]
        scores: dict[str, float | None] = {"n_broken": len(broken), "n_normal": len(normal)}
        for name in ("jf", "j", "f", "active_jf", "strict_jf", "temporal_iou"):
            scores[name] = mean_of(_column(broken, name)) if broken else None
        for name in ("jf", "false_frames", "false_videos", "false_area"):
            scores[f"normal_{name}"] = mean_of(_column(normal, name)) if normal else None
        cells.append(Cell(kind, generator, split, len(group), scores))
    return tuple(cells)


def _sortable(name: str | None) -> tuple[bool, str]:
    return name is not None, name or ""


def _with_comparison(
    result: Evaluation, ours: Sequence[ScoredVideo], others: Sequence[ScoredVideo], name: str
) -> Evaluation:
    sides: dict[bool, dict[str, Difference]] = {}
    for broken, names in ((True, BROKEN_METRICS), (False, NORMAL_METRICS)):
        tables = [
            [
                video_scores(video.counts, broken=broken)
                for video in videos
                if video.broken == broken
            ]
            for videos in (ours, others)
        ]
        sides[broken] = {
            metric: difference(
                *(_column(table, metric) for table in tables), widest=1 - _least(metric)
            )
            for metric in names
        }
    return replace(result, comparison=Comparison(name, sides[True], sides[False]))


def _of_part(part: Part, source: Predictions) -> Mapping[str, Any]:
    return {
        video_id: source.videos[video_id]
        for video_id in part.video_ids
        if video_id in source.videos
    }


def _strangers(annotation: Annotation, source: Predictions) -> list[tuple[Problem, str | None]]:
    """The problems of predicted videos that the truth does not have.

    With each problem comes the video of the truth whose name differs only in upper and lower case,
    or None.
    """
    by_lower = {
        video_id.casefold(): video_id
        for video_id in annotation.splits
        if video_id not in source.videos
    }
    problems: list[tuple[Problem, str | None]] = []
    for video_id, video in source.videos.items():
        if video_id not in annotation.splits:
            meant = by_lower.get(video_id.casefold())
            what = f"the truth has no video {video_id}; remove it, or check its name"
            if meant is not None:
                what = f"the truth has no video {video_id}, but a video {meant}; rename it"
            problems.append((Problem(video.where, what), meant))
    return problems


def _summary(source: Predictions, problems: Sequence[Problem]) -> str:
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    return f"{source.path}: {count} in the predictions, nothing was scored"


def _train_mean_mask(
    annotation: Annotation,
    executor: Any,
    *,
    void: int | None,
    masks_are: MasksAre | None,
    on_progress: Callable[[str, int, int], None],
) -> MeanMask | None:
    if "train" not in annotation.splits.values():
        return None
    train = read_annotation(annotation.path, splits=["train"], void=void, masks_are=masks_are)
    sums = run_tasks(executor, _sum_part, train.parts, partial(on_progress, "mean mask of train"))
    return mean_mask(list(sums))


def _sum_part(part: Part) -> MaskSum:
    return sum_masks(part.read())
