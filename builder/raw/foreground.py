"""Decides which pixels of a mask PNG are marked. Truth and predictions use this rule;
docs/raw-layouts.md shows it as a table.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .video import LabelMap, RawError

WHITE = 255
MAX_GREYS = 32
"""A grey PNG of one frame with more values than this beside 0 is a soft mask, not a map of object
ids.
"""

IDS_RULE = "the value of a pixel (palette index or grey) is its object_id, 0 is background"
WHITE_RULE = "black and white alone: white is object 1"


@dataclass(frozen=True, slots=True)
class Foreground:
    """Object ids uint16[H, W] of a frame, and the rule that gave them."""

    labels: LabelMap
    kind: Literal["nothing", "ids", "white"]
    """nothing: every pixel is background. ids: values as they stand. white: 255 was made 1."""
    rules: tuple[str, ...]
    """The rule as a text for people; empty if nothing is marked."""


def foreground(
    mode: str, labels: LabelMap, *, where: str, listed: Collection[int] | None = None
) -> Foreground:
    """The object ids that a mask PNG states.

    Args:
        mode, labels: as `decode_png` gives them.
        where: names the file in messages.
        listed: the object ids of the video, if another file lists them. Then every value is an id,
            which the caller checks against the list. One exception: if 255 is not listed, white is
            object 1.

    Raises:
        RawError: nothing is listed, and 255 is in a palette or beside other values (void, soft or
            white), or there are more than MAX_GREYS greys.
    """
    marked = [value for value in label_values(labels) if value > 0]
    if not marked:
        return Foreground(labels, "nothing", ())
    if marked == [WHITE] and mode != "P" and WHITE not in (listed or ()):
        return Foreground((labels > 0).astype(np.uint16), "white", (WHITE_RULE,))
    if listed is None and (fault := _fault(mode, marked)):
        raise RawError(f"{where}: {fault}")
    return Foreground(labels, "ids", (IDS_RULE,))


def label_values(labels: LabelMap) -> list[int]:
    """The values of a label map, ascending, each once; none of a map without a pixel.

    Only pixels before another value are counted, which in a mask are few.
    """
    flat = labels.reshape(-1)
    before_another = flat[:-1][flat[1:] != flat[:-1]]
    return np.flatnonzero(np.bincount(np.concatenate([before_another, flat[-1:]]))).tolist()


def _fault(mode: str, marked: Sequence[int]) -> str | None:
    """Why values beside 0 cannot all be object ids."""
    if mode == "P":
        void = (
            "the palette PNG has value 255, void in DAVIS; give --void 255 to read it as background"
        )
        return void if WHITE in marked else None
    if len(marked) > MAX_GREYS:
        return (
            f"{len(marked)} grey values beside 0, at most {MAX_GREYS} are read as object ids: a "
            "soft mask? Write what is marked as 255 and the rest as 0, or that many object ids "
            "into a palette PNG"
        )
    if WHITE in marked:
        others = [value for value in marked if value != WHITE]
        shown = ", ".join(map(str, others[:5])) + (
            f" and {len(others) - 5} more" if len(others) > 5 else ""
        )
        return (
            f"value 255 beside {shown}; wanted object ids, or 0 and 255 alone: give --void 255 if "
            "255 is void, else write the mask as one of the two"
        )
    return None
