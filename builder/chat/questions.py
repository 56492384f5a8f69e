"""The texts of the questions, which also describe the form of the answer."""

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
    "Is anything broken in {place}, as videos that a model has generated can be: motion that "
    "cannot be, something deformed, a blur that does not belong there? Answer Yes or No."
)
_WHEN = (
    "When is something broken in {place}? Answer with a JSON list of spans, each an object with "
    "first_frame, last_frame, start_s and end_s; with [] if nothing is broken."
)
_WHERE = (
    "Where is something broken in frames {frames}? Answer with a JSON list that has an object for "
    "every broken thing in each of these frames: frame, bbox_2d as [left, top, right, bottom] "
    "{unit}, and label, which is one of {types}; with [] if nothing is broken."
)
_TYPE = (
    f"Which types of artifact does it show, of {_TYPES}? Answer with a JSON list of them; with [] "
    "if nothing is broken."
)


def question_text(
    question: Question, *, place: str, frames: Sequence[int], unit: BoxUnit, height: int, width: int
) -> str:
    """The question alone, without the sentences about the video before it.

    Args:
        place: the words for the part that is asked about: "the video" or "these frames".
        frames: the frame indices for which `where` asks.
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
    """The sentence before a question about frames, with their indices and times."""
    if len(frames) == 1:
        return f"This is frame {frames[0]} of a video, at {times_s[0]:.2f} s."
    times = listed([f"{time:.2f}" for time in times_s])
    return f"These are frames {listed(frames)} of a video, at {times} s."


def of_video(num_frames: int, fps: float, stretch: tuple[int, int, float, float] | None) -> str:
    """The sentences before a question about a video: its length, and the part that is asked about.

    Args:
        stretch: (first frame, last frame, start in s, end in s) of the part; None: the whole video.
    """
    length_text = f"The video has {num_frames} frames, {fps:.2f} a second, counted from 0."
    if stretch is None:
        return length_text
    first, last, start_s, end_s = stretch
    return (
        f"{length_text} Look only at frames {first} to {last}, from {start_s:.2f} to {end_s:.2f} s."
    )


def listed(words: Sequence[object]) -> str:
    """Words in a sentence, as in `0, 4 and 9`."""
    *most, last = map(str, words)
    return f"{', '.join(most)} and {last}" if most else last
