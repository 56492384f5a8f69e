"""Parses the text of an answer."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ....builder.chat import TYPE_NONE, BoxUnit, box_in_pixels, largest_of_unit
from ....builder.raw import is_finite, shown
from ....masks import ARTIFACT_TYPES

_THOUGHT = re.compile(r"<think>.*?</think>", re.DOTALL)
_WORD = re.compile(r"[a-z]+")


class UnreadableError(ValueError):
    """A text that is not an answer to its question; the message has the reason.

    Attributes:
        is_unit: True if the reason is that boxes are in another unit.
    """

    def __init__(self, why: str, *, is_unit: bool = False) -> None:
        super().__init__(why)
        self.is_unit = is_unit


@dataclass(frozen=True, slots=True)
class Span:
    """A span from frame first to last, or from second start to end. The other two are None."""

    first: int | None
    last: int | None
    start_s: float | None
    end_s: float | None


def parse_yes(text: str) -> bool:
    """Whether the first word of a text is yes.

    Raises:
        UnreadableError: the word is neither yes nor no.
    """
    word = _WORD.search(_THOUGHT.sub("", text).casefold())
    if word is None or word[0] not in ("yes", "no"):
        raise UnreadableError(f"{shown(text)} does not begin with Yes or No")
    return word[0] == "yes"


def parse_types(text: str) -> frozenset[str]:
    """The artifact types in a JSON list or a comma-separated text; empty for [] and for "none".

    Raises:
        UnreadableError: not such a list or text, or another word in it.
    """
    text = _THOUGHT.sub("", text).strip()
    words = _list(text) if "[" in text else [word.strip() for word in text.rstrip(".").split(",")]
    lower = [word.casefold() if isinstance(word, str) else word for word in words]
    if lower == [TYPE_NONE]:
        return frozenset()
    strange = [word for word, name in zip(words, lower, strict=True) if name not in ARTIFACT_TYPES]
    if strange:
        raise UnreadableError(
            f"{shown(strange[0])} is not a type; wanted a list of {', '.join(ARTIFACT_TYPES)}"
        )
    return frozenset(lower)


def parse_spans(text: str) -> list[Span]:
    """The spans in a JSON list of objects.

    Raises:
        UnreadableError: no such list, or a span without first_frame and last_frame or start_s and
            end_s, or with its end before its start.
    """
    return [_span(value) for value in _list(text)]


def _span(value: object) -> Span:
    span = value if isinstance(value, dict) else {}
    frames, seconds = _pair(span, "first_frame", "last_frame"), _pair(span, "start_s", "end_s")
    if frames is not None:
        return Span(int(frames[0]), int(frames[1]), None, None)
    if seconds is not None:
        return Span(None, None, *seconds)
    raise UnreadableError(
        f"{shown(value)} is not a span; wanted first_frame and last_frame, or start_s and end_s"
    )


def _pair(span: Mapping[str, Any], first: str, last: str) -> tuple[float, float] | None:
    low, high = span.get(first), span.get(last)
    if low is None and high is None:
        return None
    if not is_finite(low) or not is_finite(high) or low > high:  # type: ignore[operator]
        raise UnreadableError(
            f"a span has {first} {shown(low)} and {last} {shown(high)}; wanted numbers in order"
        )
    return cast(float, low), cast(float, high)


def parse_boxes(
    text: str, *, frames: Sequence[int], unit: BoxUnit, height: int, width: int
) -> dict[int, list[tuple[float, ...]]]:
    """The boxes in a JSON list of objects with `frame` and `bbox_2d`: their edges in pixels, by
    frame.

    Args:
        frames: the frames that were asked about; if it is only one, `frame` may be left out.

    Raises:
        UnreadableError: no such list, a frame that was not asked about, an invalid box, or a box in
            another unit.
    """
    boxes: dict[int, list[tuple[float, ...]]] = {}
    for value in _list(text):
        if not isinstance(value, dict):
            raise UnreadableError(f"{shown(value)} is not an object with frame and bbox_2d")
        frame = value.get("frame", frames[0] if len(frames) == 1 else None)
        if type(frame) is not int or frame not in frames:
            raise UnreadableError(f"frame {shown(frame)} was not asked about")
        box = value.get("bbox_2d")
        _check_box(box, unit, height=height, width=width)
        boxes.setdefault(frame, []).append(box_in_pixels(box, unit, height=height, width=width))  # type: ignore[arg-type]
    return boxes


def _check_box(box: object, unit: BoxUnit, *, height: int, width: int) -> None:
    if not isinstance(box, list) or len(box) != 4 or not all(is_finite(edge) for edge in box):
        raise UnreadableError(
            f"bbox_2d is {shown(box)}, wanted four numbers: left, top, right, bottom"
        )
    most_x, most_y = largest_of_unit(unit, height=height, width=width)
    left, top, right, bottom = box
    unit_text = "thousandths of the frame" if unit == "1000" else "pixels"
    wanted = f"wanted {unit_text}, left and right 0 to {most_x}, top and bottom 0 to {most_y}"
    if max(box) <= 1 and any(edge != int(edge) for edge in box):
        raise UnreadableError(
            f"bbox_2d is {shown(box)}, which looks like shares of 1; {wanted}", is_unit=True
        )
    if min(box) < 0 or max(left, right) > most_x or max(top, bottom) > most_y:
        raise UnreadableError(
            f"bbox_2d is {shown(box)}, which reaches out of the frame; {wanted}", is_unit=True
        )
    if left >= right or top >= bottom:
        raise UnreadableError(
            f"bbox_2d is {shown(box)}, wanted left below right and top below bottom"
        )


def _list(text: str) -> list[Any]:
    """The first JSON list in a text, which may have words or a code fence around it.

    A single object counts as a list of one.
    """
    text = _THOUGHT.sub("", text)
    start = min((place for place in (text.find("["), text.find("{")) if place >= 0), default=-1)
    if start < 0:
        raise UnreadableError(f"{shown(text)} has no JSON list")
    try:
        value, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        raise UnreadableError(f"{shown(text[start:])} cannot be read as a JSON list") from None
    return value if isinstance(value, list) else [value]
