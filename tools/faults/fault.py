"""One fault in a clip: drawn, blended in, and marked where it shows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ...masks import BoolArray, UInt8Array
from .operations import Operation, operations_without
from .region import FloatArray, Region, draw_region

MIN_SIDE_PX = 16
"""Of a frame; a smaller one has no room for a region beside what is not broken."""

DRAWS = 8
"""Of a fault, until one shows."""

VISIBLE_LEVELS = 6
"""A pixel shows a change from so many of 255 levels on, in any channel."""

LEAST_SHARE = 0.003
"""Of a frame's pixels that show the fault; with fewer, the frame is left as it was."""


@dataclass(frozen=True, slots=True, eq=False)
class Faulty:
    """A clip with a fault.

    frames: uint8[T, H, W, 3], equal to the given ones outside the masks. masks: bool[T, H, W].
    operation: what was done; None: nothing that was tried showed, so frames are as given and masks
    empty.
    """

    frames: UInt8Array
    masks: BoolArray
    operation: Operation | None


def add_fault(
    frames: UInt8Array, *, seed: int | Sequence[int], without: Collection[str] = ()
) -> Faulty:
    """The clip with a fault in some of its frames, and its mask. The given frames are not changed.

    Args:
        frames: uint8[T, H, W, 3], RGB, at least 16 x 16; T may be 1, which rules out what only time
            shows.
        seed: decides everything; the same seed gives the same fault on the same frames.
        without: artifact types that no fault may resemble.

    Raises:
        ValueError: frames of another shape or type, or a name that is no artifact type.

    Source: Li et al., CVPR 2021 (CutPaste); Schlüter et al., ECCV 2022 (NSA, `poisson`); Zavrtanik
    et al., ICCV 2021 (DRAEM, `texture`); Shiohara and Yamasaki, CVPR 2022 (`self-blend`).
    """
    if (
        frames.dtype != np.uint8
        or frames.ndim != 4
        or frames.shape[3] != 3
        or min(frames.shape[1:3]) < MIN_SIDE_PX
    ):
        raise ValueError(
            f"frames are {frames.dtype}{list(frames.shape)}; wanted uint8[T, H, W, 3] with H and W "
            f"from {MIN_SIDE_PX}."
        )
    rng = np.random.default_rng(seed)
    known = [
        operation
        for operation in operations_without(without)
        if operation.min_frames <= len(frames)
    ]
    for _ in range(DRAWS if len(frames) else 0):
        operation = known[int(rng.integers(len(known)))]
        region = draw_region(rng, frames)
        broken, masks = _blended_in(rng, frames, region, operation.content(rng, frames, region))
        if masks.any():
            return Faulty(broken, masks, operation)
    return Faulty(frames.copy(), np.zeros(frames.shape[:3], np.bool_), None)


def _blended_in(
    rng: np.random.Generator, frames: UInt8Array, region: Region, content: UInt8Array
) -> tuple[UInt8Array, BoolArray]:
    """Frames with the content in the region, and where that shows."""
    broken, masks = frames.copy(), np.zeros(frames.shape[:3], np.bool_)
    edge_px = float(rng.choice([0.0, rng.uniform(0.5, 0.02 * min(frames.shape[1:3]) + 0.8)]))
    for number, frame_index in enumerate(region.window):
        before = frames[frame_index]
        weight = _soft(region.inside[number], edge_px)[..., None]
        after = np.rint(before * (1 - weight) + content[number] * weight).astype(np.uint8)
        shows = np.abs(after.astype(np.int16) - before).max(axis=-1) >= VISIBLE_LEVELS
        mask = _closed(shows) & region.inside[number]
        if mask.mean() >= LEAST_SHARE:
            masks[frame_index] = mask
            broken[frame_index][mask] = after[mask]
    return broken, masks


def _soft(inside: BoolArray, edge_px: float) -> FloatArray:
    """A weight from 0 to 1 that is 0 outside, and rises over so many pixels inside."""
    weight = inside.astype(np.float32)
    if edge_px:
        softened = cv2.GaussianBlur(weight, (0, 0), edge_px).astype(np.float32)
        weight = np.clip(2 * softened - 1, 0, 1) * inside
    return weight


def _closed(shows: BoolArray) -> BoolArray:
    """Where it shows, with the small holes between such pixels, and without single ones."""
    kernel = np.ones((3, 3), np.uint8)
    clean = cv2.morphologyEx(shows.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    found: BoolArray = cv2.morphologyEx(clean, cv2.MORPH_OPEN, kernel) > 0
    return found
