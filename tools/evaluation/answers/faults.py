"""Finds problems of an answers file that need more than one line, or the truth."""

from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path

from ....builder.raw import Problem
from ..truth import AnnotatedVideo, Annotation, frame_ranges
from .read import Answer
from .values import Unreadable, is_whole, scope

_FEW = 2
"""The smallest number of answers with boxes from which a wrong unit is reported."""


def strangers(annotation: Annotation, answers: Sequence[Answer], *, path: Path) -> list[Problem]:
    """A problem for each video that has answers but is not in the truth."""
    first: dict[str, int] = {}
    for answer in answers:
        first.setdefault(answer.video_id, answer.line)
    by_lower = {
        video_id.casefold(): video_id for video_id in annotation.splits if video_id not in first
    }
    problems = []
    for video_id, line in first.items():
        if video_id not in annotation.splits:
            meant = by_lower.get(video_id.casefold())
            what = f"the truth has no video {video_id}; remove its answers, or check the name"
            if meant is not None:
                what = f"the truth has no video {video_id}, but a video {meant}; rename it"
            problems.append(Problem(f"{path} line {line}", what))
    return problems


def video_faults(video: AnnotatedVideo, answers: Sequence[Answer], *, path: Path) -> list[Problem]:
    """Problems of answers about one video: missing or unannotated frames, and questions answered
    twice.
    """
    problems = []
    first: dict[Hashable, int] = {}
    for answer in answers:
        where = f"{path} line {answer.line}"
        highest = max([*(answer.frames or ()), *(answer.part or ())], default=0)
        if highest >= video.num_frames:
            what = (
                f"video {video.video_id} has no frame {highest}, its last is "
                f"{video.num_frames - 1}; name frames from 0"
            )
            problems.append(Problem(where, what))
            continue
        if not scope(video, answer) and video.frames:
            what = (
                f"the frames of this answer about video {video.video_id} are not annotated, "
                f"only {frame_ranges(video.frames)}"
            )
            problems.append(Problem(where, f"{what}; remove the answer"))
            continue
        before = {first[key] for key in _keys(video, answer) if key in first}
        if before:
            what = (
                f"video {video.video_id} {answer.question!r} is answered already on line "
                f"{min(before)}; keep one of them"
            )
            problems.append(Problem(where, what))
        first |= dict.fromkeys(_keys(video, answer), answer.line)
    return problems


def _keys(video: AnnotatedVideo, answer: Answer) -> Iterator[Hashable]:
    """The keys of the questions that an answer answers. Boxes have one key for each frame."""
    if answer.question == "where":
        for frame in scope(video, answer):
            yield answer.question, frame
    elif answer.question == "broken" and not is_whole(video, answer):
        yield answer.question, answer.part
    else:
        yield answer.question


def unit_problems(
    unreadable: Sequence[Unreadable], answers: Sequence[Answer], *, path: Path
) -> list[Problem]:
    """A problem if no answer has its boxes in the unit that it states; the file then states a wrong
    unit.
    """
    wrong = [answer for answer in unreadable if answer.is_unit]
    lines = {answer.line for answer in unreadable}
    right = any(
        a.question == "where" and a.line not in lines and "bbox_2d" in a.text for a in answers
    )
    if right or len(wrong) < _FEW:
        return []
    what = (
        f"{wrong[0].why}. All {len(wrong)} answers with boxes are so: give the box_unit that "
        "they are in, or convert them"
    )
    return [Problem(f"{path} line {wrong[0].line}", what)]
