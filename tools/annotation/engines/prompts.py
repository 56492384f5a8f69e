"""Checks prompts and ranges, with the same rules for every engine."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from .protocol import BoolArray, Click, EngineError, Frames, Prompt


def check_prompt(prompt: Prompt, frames: Frames) -> None:
    """Raises EngineError for an empty prompt, or one that points outside the video."""
    where = f"frame {prompt.frame_index} object {prompt.object_id}"
    height, width = frames.height, frames.width
    if prompt.object_id < 1:
        raise EngineError(f"{where}: objects are numbered from 1; 0 is the background.")
    if not 0 <= prompt.frame_index < len(frames):
        raise EngineError(
            f"{where}: the video has the frames 0 to {len(frames) - 1}. Choose one of them."
        )
    if (
        prompt.mask is None
        and prompt.box is None
        and not any(click.positive for click in prompt.clicks)
    ):
        raise EngineError(
            f"{where}: the prompt is empty. Draw a box, click on the object, or draw its mask."
        )
    for click in prompt.clicks:
        if not is_inside(click, height=height, width=width):
            raise EngineError(
                f"{where}: the click ({click.x:g}, {click.y:g}) is outside the picture of {width} "
                f"x {height}. Click inside."
            )
    if prompt.box is not None:
        x0, y0, x1, y1 = prompt.box
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            raise EngineError(
                f"{where}: the box ({x0:g}, {y0:g}, {x1:g}, {y1:g}) is not inside the picture of "
                f"{width} x {height} with x0 < x1 and y0 < y1. Draw it again."
            )
    if prompt.mask is not None and prompt.box is not None:
        raise EngineError(
            f"{where}: a box and a mask at once. Leave the box out: the mask was made from it."
        )
    if prompt.mask is not None and (
        prompt.mask.dtype != np.bool_ or prompt.mask.shape != (height, width)
    ):
        shape = f"{prompt.mask.dtype}{list(prompt.mask.shape)}"
        raise EngineError(
            f"{where}: the mask is {shape}, wanted bool[{height}, {width}], the size of the frames."
        )


def check_range(
    object_ids: Sequence[int],
    prompted: Mapping[int, Collection[int]],
    *,
    first: int,
    last: int,
    num_frames: int,
) -> None:
    """Raises EngineError for a range outside the video, or one that an object cannot be
    propagated into.

    Args:
        prompted: by object_id, the frames with a prompt for it.
    """
    if not (0 <= first < num_frames and 0 <= last < num_frames):
        raise EngineError(
            f"frames {first} to {last}: the video has the frames 0 to {num_frames - 1}. Choose "
            "others."
        )
    direction = "forwards" if first <= last else "backwards"
    step = 1 if first <= last else -1
    for object_id in object_ids:
        if not any(
            frame_index * step <= last * step for frame_index in prompted.get(object_id, ())
        ):
            raise EngineError(
                f"frames {first} to {last} object {object_id}: no marked frame from which the "
                f"object could be propagated there {direction}. Mark it on a frame of this range "
                "first, or propagate it the other way."
            )


def is_inside(click: Click, *, height: int, width: int) -> bool:
    """Whether the click lies on a pixel of the picture."""
    return 0 <= click.x < width and 0 <= click.y < height


def nothing_found(prompt: Prompt) -> EngineError:
    """The error for a prompt whose mask is empty."""
    return EngineError(
        f"frame {prompt.frame_index} object {prompt.object_id}: the engine finds nothing there. "
        "Click on other spots of the object, draw a box around it, or draw its mask with the brush."
    )


def no_video() -> EngineError:
    """The error for calls before `open` or after `close`."""
    return EngineError("no video is open. Open one first.")


def continues(prompt: Prompt, before: Prompt) -> bool:
    """Whether a prompt is equal to the one before, or has only more clicks."""
    return (
        (prompt.object_id, prompt.frame_index, prompt.box)
        == (before.object_id, before.frame_index, before.box)
        and prompt.clicks[: len(before.clicks)] == before.clicks
        and _is_same(prompt.mask, before.mask)
    )


def _is_same(one: BoolArray | None, other: BoolArray | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)
