"""Boxes as language models write them: the edges left, top, right, bottom, in pixels or thousandths
of the frame.
"""

from collections.abc import Sequence
from typing import Literal, get_args

BoxUnit = Literal["1000", "pixels"]
"""The unit of a box: "1000" is thousandths of width and height, 0 to 1000 (Qwen2-VL, Qwen3-VL);
"pixels" is pixels of the stored frame (Qwen2.5-VL)."""
BOX_UNITS: tuple[BoxUnit, ...] = get_args(BoxUnit)


def largest_of_unit(unit: BoxUnit, *, height: int, width: int) -> tuple[int, int]:
    """The largest (x, y) that a box can have: the right and lower edge of the frame."""
    return (1000, 1000) if unit == "1000" else (width, height)


def box_in_unit(box_px: Sequence[float], unit: BoxUnit, *, height: int, width: int) -> list[int]:
    """[left, top, right, bottom] in the unit, rounded to integers; at least 1 wide and high.

    Args:
        box_px: edges in pixels; the box of the pixel at the upper left is [0, 0, 1, 1].
    """
    most_x, most_y = largest_of_unit(unit, height=height, width=width)
    left, right = _rounded(box_px[0], box_px[2], length=width, most=most_x)
    top, bottom = _rounded(box_px[1], box_px[3], length=height, most=most_y)
    return [left, top, right, bottom]


def box_in_pixels(
    box: Sequence[float], unit: BoxUnit, *, height: int, width: int
) -> tuple[float, float, float, float]:
    """The edges (left, top, right, bottom) of a box in pixels, not rounded."""
    most_x, most_y = largest_of_unit(unit, height=height, width=width)
    left, top, right, bottom = box
    return (
        left * width / most_x,
        top * height / most_y,
        right * width / most_x,
        bottom * height / most_y,
    )


def _rounded(low: float, high: float, *, length: int, most: int) -> tuple[int, int]:
    first, last = round(low * most / length), round(high * most / length)
    if first == last:  # less than one unit wide
        first = min(first, most - 1)
        last = first + 1
    return first, last
