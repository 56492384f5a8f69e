"""Rules that fit a mask to a clip of another size or length. A person gives them; nothing is
guessed.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .error import AdoptError

RULES = ("scale", "first", "numbers", "numbers-empty")
EVERY = "every:"
ALIGN_WANTED = (
    "wanted nothing, or rules joined with +: scale (scale the mask to the clip), first (mask k is "
    "frame k; leave out what one of the two has more at its end), every:K (a mask for every K-th "
    "frame), numbers (an image is the frame of its number; frames without an image are not "
    "annotated), numbers-empty (frames without an image have nothing marked)"
)


def is_align(text: str) -> bool:
    """Whether a text holds only valid rules joined with +; True for an empty text."""
    return all(rule in RULES or _step_of(rule) for rule in filter(None, text.split("+")))


def _step_of(rule: str) -> int:
    number = rule.removeprefix(EVERY)
    return int(number) if rule.startswith(EVERY) and number.isdecimal() and len(number) < 7 else 0


def frame_map(
    num_frames: int, num_masks: int, *, numbers: Sequence[int], align: Sequence[str]
) -> tuple[list[int | None], list[int] | None]:
    """Maps masks to frames of the clip.

    Args:
        num_frames, num_masks: numbers of frames of the clip and of masks.
        numbers: the numbers in the names of mask images; empty for a mask video.
        align: rules.

    Returns:
        For each mask its frame of the clip, or None; and the annotated frames, None for all frames.

    Raises:
        AdoptError: the lengths differ and no rule resolves it; the message suggests a rule.
    """
    step = next((_step_of(rule) for rule in align if rule.startswith(EVERY)), 0)
    if step:
        frames: list[int | None] = [
            number * step if number * step < num_frames else None for number in range(num_masks)
        ]
        return frames, [frame for frame in frames if frame is not None]
    if "numbers" in align or "numbers-empty" in align:
        if not numbers:
            raise AdoptError("align is numbers, but a mask video has no numbers")
        by_number = [number if number < num_frames else None for number in numbers]
        return by_number, None if "numbers-empty" in align else [
            number for number in by_number if number is not None
        ]
    if "first" in align:
        both = min(num_frames, num_masks)
        return [
            number if number < both else None for number in range(num_masks)
        ], None if both == num_frames else [*range(both)]
    if num_masks == num_frames and (
        not numbers or [*numbers] == [*range(numbers[0], numbers[0] + num_masks)]
    ):
        return [*range(num_masks)], None
    raise AdoptError(
        f"the clip has {num_frames} frames, the mask {num_masks}; "
        f"{_meant(num_frames, num_masks, numbers)}"
    )


def _meant(num_frames: int, num_masks: int, numbers: Sequence[int]) -> str:
    return f"set align to {suggestion(num_frames, num_masks, numbers)} if that is right"


def suggestion(num_frames: int, num_masks: int, numbers: Sequence[int]) -> str:
    """A rule that may be right, for a person to confirm."""
    if numbers and numbers[-1] < num_frames:
        return "numbers"
    for step in range(2, 31):
        if num_masks > 1 and num_masks == -(-num_frames // step):
            return f"{EVERY}{step}"
    return "first"


def scaled(plane: npt.NDArray[np.uint16], height: int, width: int) -> npt.NDArray[np.uint16]:
    """A label map scaled to another size; each pixel takes the value of the nearest pixel
    centre.
    """
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new)
        for new, old in zip((height, width), plane.shape, strict=True)
    )
    out: npt.NDArray[np.uint16] = plane[rows][:, columns]
    return out
