"""Reads answers.jsonl, which has one answer per line."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ....builder.chat import BOX_UNITS, QUESTIONS, BoxUnit, Question
from ....builder.raw import MAX_FRAME_INDEX, Problem, is_finite, is_whole, shown
from ....release import parse_json

MAX_LINE_BYTES = 2**24
SUFFIX = ".jsonl"


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a model to one question.

    Attributes:
        line: number of the line in the file, from 1.
        part: first and last frame of the part that was asked about; None: the whole video.
        frames: the frames that were shown or asked about; None: all frames of the part.
        unit: the unit of boxes; None for other questions.
        score: how sure the model is that something is broken; higher is surer.
    """

    line: int
    video_id: str
    question: Question
    text: str
    part: tuple[int, int] | None = None
    frames: tuple[int, ...] | None = None
    unit: BoxUnit | None = None
    score: float | None = None


class _BadRowError(ValueError):
    """A line that is not an answer; the message has the reason."""


def is_answers(path: Path) -> bool:
    """Whether a file is read as answers, not as masks."""
    return path.suffix.lower() == SUFFIX and not path.is_dir()


def read_answers(path: Path) -> tuple[list[Answer], list[Problem]]:
    """The answers in a file, and a problem for each invalid line. Empty lines are ignored.

    A line is an object with `video_id`, `question` and `answer` (text), and with `box_unit` if the
    question is `where`. It may have `first_frame` and `last_frame`, `frames`, and `score`. Other
    keys are ignored, so a line of the export can be used with the answer added.
    """
    answers: list[Answer] = []
    problems: list[Problem] = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(
                iter(lambda: file.readline(MAX_LINE_BYTES + 1), b""), start=1
            ):
                if not line.strip():
                    continue
                where = f"{path} line {number}"
                try:
                    answers.append(_answer(number, _object(line)))
                except _BadRowError as error:
                    problems.append(Problem(where, str(error)))
                    if len(line) > MAX_LINE_BYTES:
                        break
    except OSError as error:
        problems.append(Problem(str(path), f"cannot be read ({error.strerror})"))
    if not answers and not problems:
        problems.append(Problem(str(path), "no answer in it; wanted one object per line"))
    return answers, problems


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        value = parse_json(line, max_bytes=MAX_LINE_BYTES)
    except ValueError as error:
        what = f"not readable as JSON ({error})"
        if not line.endswith(b"\n"):
            raise _BadRowError(
                f"{what}; the file ends in the middle of this line, so it was cut off: write it "
                "again"
            ) from None
        raise _BadRowError(f"{what}; wanted one object per line") from None
    if not isinstance(value, dict):
        raise _BadRowError(f"{shown(value)}, wanted an object with video_id, question and answer")
    return value


def _answer(line: int, row: Mapping[str, Any]) -> Answer:
    video_id, question, text = row.get("video_id"), row.get("question"), row.get("answer")
    if not isinstance(video_id, str) or not video_id:
        raise _BadRowError(f"video_id is {shown(video_id)}, wanted text")
    if question not in QUESTIONS:
        raise _BadRowError(f"question is {shown(question)}, wanted {_one_of(QUESTIONS)}")
    if not isinstance(text, str):
        raise _BadRowError(
            f'answer is {shown(text)}, wanted the text that the model wrote, "" if it wrote nothing'
        )
    unit = "1000" if row.get("box_unit") == 1000 else row.get("box_unit")
    if question == "where" and unit not in BOX_UNITS:
        raise _BadRowError(
            f"box_unit is {shown(unit)}, wanted {_one_of(BOX_UNITS)}: what the boxes of the answer "
            "are counted in"
        )
    return Answer(
        line,
        video_id,
        cast(Question, question),
        text,
        part=_part(row),
        frames=_frames(row.get("frames")),
        unit=cast(BoxUnit, unit) if question == "where" else None,
        score=_score(row.get("score")),
    )


def _part(row: Mapping[str, Any]) -> tuple[int, int] | None:
    first, last = row.get("first_frame"), row.get("last_frame")
    if first is None and last is None:
        return None
    if not _is_frame(first) or not _is_frame(last) or first > last:  # type: ignore[operator]
        text = f"{shown(first)} and {shown(last)}"
        raise _BadRowError(
            f"first_frame and last_frame are {text}, wanted two frame numbers in order, or neither"
        )
    return cast(tuple[int, int], (first, last))


def _frames(value: object) -> tuple[int, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value or not all(_is_frame(frame) for frame in value):
        raise _BadRowError(
            f"frames is {shown(value)}, wanted a list of frame numbers from 0, or nothing"
        )
    if len(set(value)) < len(value):
        raise _BadRowError(f"frames is {shown(value)}, which names a frame twice")
    return tuple(sorted(value))


def _score(value: object) -> float | None:
    if value is None:
        return None
    if not is_finite(value):
        raise _BadRowError(f"score is {shown(value)}, wanted a number")
    return float(cast(float, value))


def _is_frame(value: object) -> bool:
    return is_whole(value, least=0, most=MAX_FRAME_INDEX)


def _one_of(names: Any) -> str:
    *most, last = names
    return f"{', '.join(most)} or {last}"
