"""The words of the questions, and of what is to be answered."""

from collections.abc import Sequence
from typing import Literal, get_args

from ...masks import ARTIFACT_TYPES
from .boxes import BoxUnit

Question = Literal["broken", "when", "where", "type"]
QUESTIONS: tuple[Question, ...] = get_args(Question)
TYPE_NONE = "none"
"""The word for no type. In JSON it is the empty list."""

_TYPES = ", ".join(ARTIFACT_TYPES)
_BROKEN = (
    "Is anything broken in {place}, as videos that a model has generated can be: motion that cannot be, something deformed, "
    "a blur that does not belong there? Answer Yes or No."
)
_WHEN = (
    "When is something broken in {place}? Answer with a JSON list of spans, each an object with first_frame, last_frame, start_s "
    "and end_s; with [] if nothing is broken."
)
_WHERE = (
    "Where is something broken in frames {frames}? Answer with a JSON list that has an object for every broken thing in each of "
    "these frames: frame, bbox_2d as [left, top, right, bottom] {unit}, and label, which is one of {types}; with [] if nothing "
    "is broken."
)
_TYPE = (
    f"Which types of artifact does it show, of {_TYPES}? Answer with a JSON list of them; with [] if nothing is broken."
)


def question_text(
    question: Question, *, place: str, frames: Sequence[int], unit: BoxUnit, height: int, width: int
) -> str:
    """The question, without what comes before it about the video.

    Args:
        place: what is meant, in words: "the video", or "these frames" of it.
        frames: those that are asked about, of `where`.
    """
    if question == "where":
        how = (
            "in thousandths of the frame's width and height, 0 to 1000"
            if unit == "1000"
            else f"in pixels of the frame, which is {width} wide and {height} high"
        )
        return _WHERE.format(frames=listed(frames), unit=how, types=_TYPES)
    return {"broken": _BROKEN, "when": _WHEN, "type": _TYPE}[question].format(place=place)


def of_frames(frames: Sequence[int], times_s: Sequence[float]) -> str:
    """The sentence before a question about frames: their numbers and times."""
    if len(frames) == 1:
        return f"This is frame {frames[0]} of a video, at {times_s[0]:.2f} s."
    times = listed([f"{time:.2f}" for time in times_s])
    return f"These are frames {listed(frames)} of a video, at {times} s."


def of_video(num_frames: int, fps: float, stretch: tuple[int, int, float, float] | None) -> str:
    """The sentences before a question about a video: its length, and the part that is meant.

    Args:
        stretch: first frame, last frame, start and end in seconds of the part that is meant; None: all of it.
    """
    said = f"The video has {num_frames} frames, {fps:.2f} a second, counted from 0."
    if stretch is None:
        return said
    first, last, start_s, end_s = stretch
    return f"{said} Look only at frames {first} to {last}, from {start_s:.2f} to {end_s:.2f} s."


def listed(words: Sequence[object]) -> str:
    """The words as a sentence lists them: `0, 4 and 9`."""
    *most, last = map(str, words)
    return f"{', '.join(most)} and {last}" if most else last
