"""A truth and answers.jsonl in, scores out."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ....builder.chat import Question
from ....builder.raw import MasksAre, Problem
from ....builder.work import Progress, no_progress
from ....card import wilson_interval
from ....masks import ARTIFACT_TYPES
from ..intervals import Estimate, estimate
from ..scoring import Missing
from ..truth import AnnotatedVideo, Annotation, EvaluationError, read_annotation
from .auroc import auroc
from .faults import strangers, unit_problems, video_faults
from .read import Answer, read_answers
from .score import confusions, has_types, scores_of, totals
from .summary import FLOORS, METRICS, AnsweredVideo, AnswersEvaluation
from .values import Said, Unreadable, floors_of, said_of

_SHARES = {"accuracy", "yes_broken", "yes_normal", "false_spans", "exact_types"}
"""Metrics that are 0 or 1 of every video: their interval is Wilson's."""
_HINT = "answer it, or count it as wrong with --missing empty"


@dataclass(frozen=True, slots=True)
class _Scored:
    """One video: what was said, its scores, those of the floors by name, its pairs for the table of types."""

    facts: AnsweredVideo
    said: Said
    floors: Mapping[str, Mapping[str, float]]
    pairs: Sequence[tuple[str, str]]


def evaluate_answers(
    truth: Path,
    answers: Path,
    *,
    missing: Missing = "error",
    splits: Sequence[str] | None = None,
    floors: bool = True,
    void: int | None = None,
    masks_are: MasksAre | None = None,
    on_progress: Progress = no_progress,
) -> AnswersEvaluation:
    """Scores of what a language model said of videos, against a truth.

    Args:
        truth: see `truth.read_annotation`.
        answers: see `read.read_answers`.
        missing: whether a video without an answer to a question that others have one for is an error or counts as wrong.
        splits: score the videos of these alone; answers about others are passed over.
        floors: also score what knows nothing, and exact boxes.
        void: of a DAVIS truth: a value to read as background.
        masks_are: how masks of a raw truth were drawn on videos that players turn, where their size does not tell.

    Raises:
        EvaluationError: every problem of the file, before anything is scored. An answer whose text cannot be read is no problem: it
            counts as wrong.
    """
    annotation = read_annotation(truth, splits=splits, void=void, masks_are=masks_are)
    read, problems = read_answers(answers)
    problems += strangers(annotation, read, path=answers)
    by_video: dict[str, list[Answer]] = defaultdict(list)
    for answer in read:
        if answer.video_id in annotation.splits and (splits is None or annotation.splits[answer.video_id] in splits):
            by_video[answer.video_id].append(answer)
    wanted = frozenset(answer.question for found in by_video.values() for answer in found) - {"broken"}
    scored, unreadable, faults = _score(
        annotation, by_video, wanted, path=answers, floors=floors, on_progress=on_progress
    )
    problems += faults
    problems += unit_problems(unreadable, read, path=answers)
    if any("broken" in one.said.asked for one in scored):
        wanted |= {"broken"}
    if missing == "error" and not problems:
        problems += [problem for one in scored for problem in _missing(one, wanted)]
    if not problems and not scored:
        problems.append(Problem(str(truth), "no video with an annotated frame, so there is nothing to score"))
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise EvaluationError(problems, summary=f"{answers}: {count} in the answers, nothing was scored")
    return _evaluation(
        [_with_missing(one, wanted) for one in scored],
        truth=str(truth),
        answers=str(answers),
        options={
            "missing": missing,
            "splits": list(splits) if splits is not None else None,
            "void": void,
            "masks_are": masks_are,
        },
        num_answers=sum(len(by_video.get(one.facts.video_id, ())) for one in scored),
        unreadable=sorted(unreadable, key=lambda found: found.line),
        floors=floors,
    )


def _score(
    annotation: Annotation,
    by_video: Mapping[str, Sequence[Answer]],
    wanted: frozenset[Question],
    *,
    path: Path,
    floors: bool,
    on_progress: Progress,
) -> tuple[list[_Scored], list[Unreadable], list[Problem]]:
    """Every annotated video without a fault, the answers that cannot be read, and the faults."""
    commonest = None
    if floors and "type" in wanted:
        commonest = _commonest_type(annotation, partial(on_progress, "look for types"))
    scored: list[_Scored] = []
    unreadable: list[Unreadable] = []
    problems: list[Problem] = []
    for video in _videos(annotation, partial(on_progress, "score")):
        of_video = by_video.get(video.video_id, ())
        faults = video_faults(video, of_video, path=path)
        problems += faults
        if video.frames and not faults:
            said, bad = said_of(video, of_video)
            unreadable += bad
            scored.append(_scored(video, said, wanted, floors=floors, commonest_type=commonest))
    return scored, unreadable, problems


def _videos(annotation: Annotation, on_done: "partial[None]") -> Iterator[AnnotatedVideo]:
    for number, part in enumerate(annotation.parts):
        on_done(number, len(annotation.parts))
        yield from part.read()
    on_done(len(annotation.parts), len(annotation.parts))


def _commonest_type(annotation: Annotation, on_done: "partial[None]") -> str | None:
    """The type that most videos have, the first of ARTIFACT_TYPES where several do; None where no type is given."""
    counts = Counter(name for video in _videos(annotation, on_done) for name in video.artifact_types)
    found = [name for name in ARTIFACT_TYPES if counts[name]]
    return max(found, key=lambda name: counts[name], default=None)


def _scored(
    video: AnnotatedVideo,
    said: Said,
    wanted: frozenset[Question],
    *,
    floors: bool,
    commonest_type: str | None,
) -> _Scored:
    whole = _all_asked(video, said, wanted)
    facts = AnsweredVideo(
        video_id=video.video_id,
        split=video.split,
        generator=video.generator,
        artifact_types=video.artifact_types,
        broken=bool(video.union()),
        scores=scores_of(video, whole),
    )
    # Floors are asked what could have been asked, of the same frames.
    others = floors_of(video, replace(whole, asked=whole.asked | {"broken"}), commonest_type=commonest_type)
    return _Scored(
        facts,
        said,
        {name: scores_of(video, other) for name, other in others.items()} if floors else {},
        confusions(video, whole) if "type" in whole.asked and has_types(video) else (),
    )


def _all_asked(video: AnnotatedVideo, said: Said, wanted: frozenset[Question]) -> Said:
    """What was said, with an unreadable answer in place of each that is missing, about every annotated frame."""
    if "when" in wanted - said.asked:
        said = replace(said, when_frames=video.frames)
    if "where" in wanted - said.asked:
        said = replace(said, where_frames=video.frames, where=dict.fromkeys(video.frames))
    return replace(said, asked=said.asked | wanted)


def _missing(one: _Scored, wanted: frozenset[Question]) -> list[Problem]:
    where, lacks = f"video {one.facts.video_id}", sorted(wanted - one.said.asked)
    no_type = "exact_types" not in one.facts.scores  # nobody said it of this video
    return [
        Problem(where, f"no answer to the question {name!r}; {_HINT}")
        for name in lacks
        if not (name == "type" and no_type)
    ]


def _with_missing(one: _Scored, wanted: frozenset[Question]) -> _Scored:
    if "broken" not in wanted - one.said.asked:
        return one
    worst = {"accuracy": 0.0} | ({"yes_broken": 0.0} if one.facts.broken else {"yes_normal": 1.0})
    return replace(one, facts=replace(one.facts, scores={**worst, **one.facts.scores}))


def _evaluation(
    scored: Sequence[_Scored],
    *,
    truth: str,
    answers: str,
    options: Mapping[str, object],
    num_answers: int,
    unreadable: Sequence[Unreadable],
    floors: bool,
) -> AnswersEvaluation:
    scored = sorted(scored, key=lambda one: one.facts.video_id)
    scores = _estimates([one.facts.scores for one in scored])
    asked_broken = "accuracy" in scores
    has_scores = any(one.said.broken_score is not None for one in scored)
    broken = np.array([one.facts.broken for one in scored])
    if asked_broken:
        scores["auroc"] = auroc(broken, np.array([_rank(one, has_scores=has_scores) for one in scored]))
    found_floors = {name: _estimates([one.floors[name] for one in scored]) for name in FLOORS} if floors else {}
    found_floors = {
        name: {metric: value for metric, value in found.items() if metric in scores}
        for name, found in found_floors.items()
    }
    if asked_broken and floors:
        found_floors["always-yes"]["auroc"] = auroc(broken, np.ones(len(broken)))
    return AnswersEvaluation(
        truth=truth,
        answers=answers,
        options=options,
        num_answers=num_answers,
        scores={name: scores[name] for name in METRICS if name in scores},
        floors={name: found for name, found in found_floors.items() if found},
        confusion=totals(pair for one in scored for pair in one.pairs),
        has_scores=has_scores,
        unreadable=tuple(unreadable),
        videos=tuple(one.facts for one in scored),
    )


def _estimates(videos: Sequence[Mapping[str, float]]) -> dict[str, Estimate]:
    """The mean of every metric over the videos that have it, with its interval."""
    found: dict[str, Estimate] = {}
    for metric in METRICS:
        values = np.array([scores[metric] for scores in videos if metric in scores], np.float64)
        if not len(values):
            continue
        found[metric] = estimate(values)
        if metric in _SHARES:
            low, high = wilson_interval(int(values.sum()), len(values)) or (None, None)
            found[metric] = replace(found[metric], low=low, high=high)
    return found


def _rank(one: _Scored, *, has_scores: bool) -> float:
    """The score by which the video is ranked. A missing or unreadable answer ranks on the wrong side."""
    worst = -np.inf if one.facts.broken else np.inf
    if has_scores:
        return worst if one.said.broken_score is None else one.said.broken_score
    return worst if one.said.broken is None else float(one.said.broken)
