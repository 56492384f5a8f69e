"""Prompts and ranges that no engine answers, each with its message."""

from typing import Any

import numpy as np
import pytest

from brokenvideos.tools.annotation.engines import Click, EngineError, Prompt
from brokenvideos.tools.annotation.engines.prompts import check_prompt, check_range

MASK = np.zeros((96, 128), np.bool_)
INSIDE = (Click(5, 5),)
PROMPTS = {
    "object 0": (
        Prompt(0, 3, clicks=INSIDE),
        "frame 3 object 0: objects are numbered from 1; 0 is the background.",
    ),
    "frame after the last": (
        Prompt(1, 12, clicks=INSIDE),
        "frame 12 object 1: the video has the frames 0 to 11. Choose one of them.",
    ),
    "nothing said": (
        Prompt(1, 3),
        "frame 3 object 1: the prompt is empty. Draw a box, click on the object, or draw its mask.",
    ),
    "only what it is not": (
        Prompt(1, 3, clicks=(Click(5, 5, positive=False),)),
        "frame 3 object 1: the prompt is empty. Draw a box, click on the object, or draw its mask.",
    ),
    "click on the border": (
        Prompt(1, 3, clicks=(Click(128, 5.5),)),
        "frame 3 object 1: the click (128, 5.5) is outside the picture of 128 x 96. Click inside.",
    ),
    "click that is no number": (
        Prompt(1, 3, clicks=(Click(float("nan"), 5),)),
        "frame 3 object 1: the click (nan, 5) is outside the picture of 128 x 96. Click inside.",
    ),
    "box the wrong way round": (
        Prompt(1, 3, box=(20, 5, 10, 15)),
        "frame 3 object 1: the box (20, 5, 10, 15) is not inside the picture of 128 x 96 with x0 < "
        "x1 and y0 < y1. Draw it again.",
    ),
    "box outside": (
        Prompt(1, 3, box=(20, 5, 129, 15)),
        "frame 3 object 1: the box (20, 5, 129, 15) is not inside the picture of 128 x 96 with x0 "
        "< x1 and y0 < y1. Draw it again.",
    ),
    "mask of another size": (
        Prompt(1, 3, mask=MASK.T),
        "frame 3 object 1: the mask is bool[128, 96], wanted bool[96, 128], the size of the "
        "frames.",
    ),
    "mask of numbers": (
        Prompt(1, 3, mask=MASK.astype(np.uint8)),  # type: ignore[arg-type]
        "frame 3 object 1: the mask is uint8[96, 128], wanted bool[96, 128], the size of the "
        "frames.",
    ),
    "box and mask": (
        Prompt(1, 3, box=(1, 1, 5, 5), mask=MASK),
        "frame 3 object 1: a box and a mask at once. Leave the box out: the mask was made from it.",
    ),
}
RANGES = {
    "outside": ((0, 12), "frames 0 to 12: the video has the frames 0 to 11. Choose others."),
    "before the mark": (
        (0, 4),
        "frames 0 to 4 object 1: no marked frame from which the object could be propagated there "
        "forwards. Mark it on a frame of this range first, or propagate it the other way.",
    ),
    "after the mark, backwards": (
        (11, 6),
        "frames 11 to 6 object 1: no marked frame from which the object could be propagated there "
        "backwards. Mark it on a frame of this range first, or propagate it the other way.",
    ),
}


@pytest.mark.parametrize(("prompt", "message"), PROMPTS.values(), ids=PROMPTS)
def test_a_prompt_that_nobody_can_answer_says_why(film: Any, prompt: Prompt, message: str) -> None:
    with pytest.raises(EngineError) as caught:
        check_prompt(prompt, film.frames)
    assert str(caught.value) == message


@pytest.mark.parametrize(("ends", "message"), RANGES.values(), ids=RANGES)
def test_a_range_that_cannot_be_reached_says_why(ends: tuple[int, int], message: str) -> None:
    with pytest.raises(EngineError) as caught:
        check_range([1], {1: [5]}, first=ends[0], last=ends[1], num_frames=12)
    assert str(caught.value) == message


@pytest.mark.parametrize("ends", [(0, 5), (5, 5), (6, 11), (11, 5), (4, 0)])
def test_a_range_that_can_be_reached_passes(ends: tuple[int, int]) -> None:
    check_range([1], {1: [5]}, first=ends[0], last=ends[1], num_frames=12)
