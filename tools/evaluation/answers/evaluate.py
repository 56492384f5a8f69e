"""Scores answers.jsonl against a truth."""

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
from .values import AnswerContent, Unreadable, content_of, floors_of

_SHARES = {"accuracy", "yes_broken", "yes_normal", "false_spans", "exact_types"}
"""Metrics that are 0 or 1 for each video; they have Wilson's interval."""
_HINT = "answer it, or count it as wrong with --missing empty"


@dataclass(frozen=True, slots=True)
class _Scored:
    """One video: its answers, its scores, the scores of floors by name, and its pairs for the table
    of types.
    """

    facts: AnsweredVideo
    content: AnswerContent
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
    """Scores the answers of a language model about videos against a truth.

    Args:
        truth: see `truth.read_annotation`.
        answers: see `read.read_answers`.
        missing: if a video lacks an answer to a question that is answered for other videos:
            "error", or "empty" to count it as wrong.
        splits: score only the videos of these splits; answers about other videos are ignored.
        floors: also score answers that do not depend on the video, and exact boxes.
        void: a mask value of a DAVIS truth that is read as background.
        masks_are: how masks of a raw truth were drawn on rotated videos, if their size does not
            show it.

    Raises:
        EvaluationError: the message lists every problem; no score is given then. An answer whose
            text cannot be read is not a problem but counts as wrong.
    """
    annotation = read_annotation(truth, splits=splits, void=void, masks_are=masks_are)
    all_answers, problems = read_answers(answers)
    problems += strangers(annotation, all_answers, path=answers)
    by_video: dict[str, list[Answer]] = defaultdict(list)
    for answer in all_answers:
        if answer.video_id in annotation.splits and (
            splits is None or annotation.splits[answer.video_id] in splits
        ):
            by_video[answer.video_id].append(answer)
    questions = frozenset(
        answer.question for of_video in by_video.values() for answer in of_video
    ) - {"broken"}
    scored, unreadable, faults = _score(
        annotation, by_video, questions, path=answers, floors=floors, on_progress=on_progress
    )
    problems += faults
    problems += unit_problems(unreadable, all_answers, path=answers)
    if any("broken" in answered.content.asked for answered in scored):
        questions |= {"broken"}
    if missing == "error" and not problems:
        problems += [problem for answered in scored for problem in _missing(answered, questions)]
    if not problems and not scored:
        problems.append(
            Problem(str(truth), "no video with an annotated frame, so there is nothing to score")
        )
    if problems:
        count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
        raise EvaluationError(
            problems, summary=f"{answers}: {count} in the answers, nothing was scored"
        )
    return _evaluation(
        [_with_missing(answered, questions) for answered in scored],
        truth=str(truth),
        answers=str(answers),
        options={
            "missing": missing,
            "splits": list(splits) if splits is not None else None,
            "void": void,
            "masks_are": masks_are,
        },
        num_answers=sum(len(by_video.get(answered.facts.video_id, ())) for answered in scored),
        unreadable=sorted(unreadable, key=lambda answer: answer.line),
        floors=floors,
    )


def _score(
    annotation: Annotation,
    by_video: Mapping[str, Sequence[Answer]],
    questions: frozenset[Question],
    *,
    path: Path,
    floors: bool,
    on_progress: Progress,
) -> tuple[list[_Scored], list[Unreadable], list[Problem]]:
    """The scores of all annotated videos without a problem, the unreadable answers, and the
    problems.
    """
    commonest = None
    if floors and "type" in questions:
        commonest = _commonest_type(annotation, partial(on_progress, "look for types"))
    scored: list[_Scored] = []
    unreadable: list[Unreadable] = []
    problems: list[Problem] = []
    for video in _videos(annotation, partial(on_progress, "score")):
        of_video = by_video.get(video.video_id, ())
        faults = video_faults(video, of_video, path=path)
        problems += faults
        if video.frames and not faults:
            content, bad = content_of(video, of_video)
            unreadable += bad
            scored.append(
                _scored(video, content, questions, floors=floors, commonest_type=commonest)
            )
    return scored, unreadable, problems


def _videos(annotation: Annotation, on_done: "partial[None]") -> Iterator[AnnotatedVideo]:
    for number, part in enumerate(annotation.parts):
        on_done(number, len(annotation.parts))
        yield from part.read()
    on_done(len(annotation.parts), len(annotation.parts))


def _commonest_type(annotation: Annotation, on_done: "partial[None]") -> str | None:
    """The type that most videos have; None if no type is given. Of equal ones, the first in
    ARTIFACT_TYPES.
    """
    counts = Counter(
        name for video in _videos(annotation, on_done) for name in video.artifact_types
    )
    types = [name for name in ARTIFACT_TYPES if counts[name]]
    return max(types, key=lambda name: counts[name], default=None)


def _scored(
    video: AnnotatedVideo,
    content: AnswerContent,
    questions: frozenset[Question],
    *,
    floors: bool,
    commonest_type: str | None,
) -> _Scored:
    completed = _all_asked(video, content, questions)
    facts = AnsweredVideo(
        video_id=video.video_id,
        split=video.split,
        generator=video.generator,
        artifact_types=video.artifact_types,
        broken=bool(video.union()),
        scores=scores_of(video, completed),
    )
    # Floors answer all questions, about the same frames.
    floor_contents = floors_of(
        video, replace(completed, asked=completed.asked | {"broken"}), commonest_type=commonest_type
    )
    return _Scored(
        facts,
        content,
        {name: scores_of(video, floor) for name, floor in floor_contents.items()} if floors else {},
        confusions(video, completed) if "type" in completed.asked and has_types(video) else (),
    )


def _all_asked(
    video: AnnotatedVideo, content: AnswerContent, questions: frozenset[Question]
) -> AnswerContent:
    """The answers, with an unreadable answer for each missing one, about all annotated frames."""
    if "when" in questions - content.asked:
        content = replace(content, when_frames=video.frames)
    if "where" in questions - content.asked:
        content = replace(content, where_frames=video.frames, where=dict.fromkeys(video.frames))
    return replace(content, asked=content.asked | questions)


def _missing(answered: _Scored, questions: frozenset[Question]) -> list[Problem]:
    where, lacks = f"video {answered.facts.video_id}", sorted(questions - answered.content.asked)
    no_type = "exact_types" not in answered.facts.scores  # the truth gives no types for this video
    return [
        Problem(where, f"no answer to the question {name!r}; {_HINT}")
        for name in lacks
        if not (name == "type" and no_type)
    ]


def _with_missing(answered: _Scored, questions: frozenset[Question]) -> _Scored:
    if "broken" not in questions - answered.content.asked:
        return answered
    worst = {"accuracy": 0.0} | (
        {"yes_broken": 0.0} if answered.facts.broken else {"yes_normal": 1.0}
    )
    return replace(
        answered, facts=replace(answered.facts, scores={**worst, **answered.facts.scores})
    )


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
    scored = sorted(scored, key=lambda answered: answered.facts.video_id)
    scores = _estimates([answered.facts.scores for answered in scored])
    asked_broken = "accuracy" in scores
    has_scores = any(answered.content.broken_score is not None for answered in scored)
    broken = np.array([answered.facts.broken for answered in scored])
    if asked_broken:
        scores["auroc"] = auroc(
            broken, np.array([_rank(answered, has_scores=has_scores) for answered in scored])
        )
    floor_scores = (
        {name: _estimates([answered.floors[name] for answered in scored]) for name in FLOORS}
        if floors
        else {}
    )
    floor_scores = {
        name: {metric: value for metric, value in estimates.items() if metric in scores}
        for name, estimates in floor_scores.items()
    }
    if asked_broken and floors:
        floor_scores["always-yes"]["auroc"] = auroc(broken, np.ones(len(broken)))
    return AnswersEvaluation(
        truth=truth,
        answers=answers,
        options=options,
        num_answers=num_answers,
        scores={name: scores[name] for name in METRICS if name in scores},
        floors={name: estimates for name, estimates in floor_scores.items() if estimates},
        confusion=totals(pair for answered in scored for pair in answered.pairs),
        has_scores=has_scores,
        unreadable=tuple(unreadable),
        videos=tuple(answered.facts for answered in scored),
    )


def _estimates(videos: Sequence[Mapping[str, float]]) -> dict[str, Estimate]:
    """The mean of each metric over the videos that have it, with its interval."""
    estimates: dict[str, Estimate] = {}
    for metric in METRICS:
        values = np.array([scores[metric] for scores in videos if metric in scores], np.float64)
        if not len(values):
            continue
        estimates[metric] = estimate(values)
        if metric in _SHARES:
            low, high = wilson_interval(int(values.sum()), len(values)) or (None, None)
            estimates[metric] = replace(estimates[metric], low=low, high=high)
    return estimates


def _rank(answered: _Scored, *, has_scores: bool) -> float:
    """The score by which the video is ranked. A missing or unreadable answer ranks on the wrong
    side.
    """
    worst = -np.inf if answered.facts.broken else np.inf
    if has_scores:
        return worst if answered.content.broken_score is None else answered.content.broken_score
    return worst if answered.content.broken is None else float(answered.content.broken)
