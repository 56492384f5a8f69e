"""Propagates a mask from one frame to others: searches the object, deforms the mask by optical flow,
cuts the border.

In every frame there are two proposals. One comes from the frame before, which has changed little.
The other comes from the frame that a person marked, which has no errors. Each starts at the
positions where the object's picture fits best, near its last position and in the whole frame,
because broken objects may jump. Then DIS optical flow deforms the mask. The proposal whose pixels
resemble their source more wins.

Source of the flow: Kroeger et al., "Fast optical flow using dense inverse search" (ECCV 2016).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from .protocol import BoolArray, UInt8Array
from .regions import (
    Float32Array,
    box_of,
    overlap,
    signed_depth,
    widened,
)

LEAST_PX = 30
"""Smallest area in pixels of an object that is searched; the mask of a smaller one stays
where it is."""
BAND_PX = 12
"""Largest distance in pixels between the border by the flow and the border by GrabCut."""
TEMPLATE_PX = 40
"""Longer side in pixels of the picture with which the object is searched."""
TRUST = 0.88
"""Smallest IoU of GrabCut's mask and the person's mask on the marked frame. With less, GrabCut is
not used on the other frames.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Anchor:
    """A marked frame: uint8[H, W, 3] and bool[H, W]."""

    frame_index: int
    image: UInt8Array
    mask: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class _Proposal:
    """A proposal: a soft mask float32[H, W] in [0, 1], and the mean difference to its source in
    grey levels.
    """

    soft: Float32Array
    error: float


def propagated(
    anchor: Anchor, frame_indices: Iterable[int], image_at: Callable[[int], UInt8Array]
) -> Iterator[tuple[int, BoolArray]]:
    """(frame_index, mask) for each of the frames, which are consecutive and lead away from the
    anchor.
    """
    is_cuttable = overlap(_cut_border(anchor.image, anchor.mask), anchor.mask) >= TRUST
    image, mask = anchor.image, anchor.mask
    for frame_index in frame_indices:
        before, image = image, image_at(frame_index)
        if anchor.mask.sum() >= LEAST_PX:
            proposals = [_find(anchor.image, anchor.mask, image, guess=_shift(anchor.mask, mask))]
            if mask.sum() >= LEAST_PX and before is not anchor.image:
                proposals.insert(0, _find(before, mask, image, guess=(0.0, 0.0)))
            best = min(proposals, key=lambda proposal: proposal.error)
            mask = best.soft > 0.5
            if is_cuttable:
                mask = _cut_border(image, mask)
        yield frame_index, mask


def blended(one: BoolArray, other: BoolArray, *, share: float) -> BoolArray:
    """A mask between two masks of the same frame; `share` in [0, 1] is the weight of `other`.

    If the two contradict each other, it is the one with the greater weight.
    """
    if overlap(one, other) < 0.5:
        return other if share > 0.5 else one
    return np.asarray(signed_depth(one) * (1 - share) + signed_depth(other) * share > 0, np.bool_)


def _shift(from_mask: BoolArray, to_mask: BoolArray) -> tuple[float, float]:
    """(x, y) from the centre of one mask to the centre of the other; (0, 0) if one is empty."""
    if not (from_mask.any() and to_mask.any()):
        return 0.0, 0.0
    (y0, x0), (y1, x1) = (np.argwhere(mask).mean(axis=0) for mask in (from_mask, to_mask))
    return float(x1 - x0), float(y1 - y0)


def _find(
    source: UInt8Array, mask: BoolArray, target: UInt8Array, *, guess: tuple[float, float]
) -> _Proposal:
    """Finds the masked object of one picture in another; `guess` is its probable movement, (x,
    y).
    """
    x0, y0, x1, y1 = widened(box_of(mask) or (0, 0, 1, 1), 0.0, mask.shape)
    piece, piece_mask = source[y0:y1, x0:x1], mask[y0:y1, x0:x1].astype(np.float32)
    best = _Proposal(np.zeros(mask.shape, np.float32), np.inf)
    for dx, dy in dict.fromkeys(
        [*_places(source, mask, target, guess), (round(guess[0]), round(guess[1]))]
    ):
        soft, error = _bend(piece, piece_mask, _window(target, x0 + dx, y0 + dy, x1 + dx, y1 + dy))
        if error < best.error:
            best = _Proposal(_laid(soft, x0 + dx, y0 + dy, mask.shape), error)
    return best


def _places(
    source: UInt8Array, mask: BoolArray, target: UInt8Array, guess: tuple[float, float]
) -> list[tuple[int, int]]:
    """Possible movements (x, y) of the object: where its picture fits best near the guess, and in
    the whole frame.
    """
    x0, y0, x1, y1 = box_of(mask) or (0, 0, 1, 1)
    scale = min(1.0, TEMPLATE_PX / max(x1 - x0, y1 - y0))
    pad_y, pad_x = (y1 - y0) // 2, (x1 - x0) // 2  # it may lie half outside
    field = _scaled(
        cv2.copyMakeBorder(target, pad_y, pad_y, pad_x, pad_x, cv2.BORDER_REPLICATE), scale
    )
    template, weight = (
        _scaled(source[y0:y1, x0:x1], scale),
        _scaled(mask[y0:y1, x0:x1].astype(np.float32), scale) > 0.5,
    )
    if weight.sum() < 4:
        return []
    weights = np.repeat(weight.astype(np.float32)[..., None], 3, axis=2)
    squares = cv2.matchTemplate(field, template, cv2.TM_SQDIFF, mask=weights) / weights.sum()
    error = np.sqrt(np.maximum(squares, 0))
    shift_x = np.arange(error.shape[1]) / scale - pad_x - x0
    shift_y = np.arange(error.shape[0]) / scale - pad_y - y0
    size = np.sqrt((y1 - y0) * (x1 - x0))
    distance = np.hypot(shift_x - guess[0], (shift_y - guess[1])[:, None]) / size
    places = []
    for cost in (
        np.where(distance < 0.6, error, np.inf),
        error * (1 + 0.25 * np.minimum(distance, 4)),
    ):
        row, column = np.unravel_index(int(cost.argmin()), cost.shape)
        places.append((round(float(shift_x[column])), round(float(shift_y[row]))))
    return places


def _bend(piece: UInt8Array, mask: Float32Array, target: UInt8Array) -> tuple[Float32Array, float]:
    """The soft mask after optical flow from `piece` to `target`, which have one size, and the error
    of the flow.
    """
    height, width = mask.shape
    flow = np.zeros((height, width, 2), np.float32)
    if min(height, width) >= 16:
        dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        grey_target, grey_piece = (
            cv2.cvtColor(target, cv2.COLOR_RGB2GRAY),
            cv2.cvtColor(piece, cv2.COLOR_RGB2GRAY),
        )
        flow = np.asarray(dis.calc(grey_target, grey_piece, flow), np.float32)
    at_x = np.arange(width, dtype=np.float32) + flow[..., 0]
    at_y = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    soft = np.asarray(cv2.remap(mask, at_x, at_y, cv2.INTER_LINEAR), np.float32)
    looks = cv2.remap(piece, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inside = soft > 0.5
    if inside.sum() < 8:
        return soft, np.inf
    levels = np.abs(looks.astype(np.float32) - target).mean(axis=2)[inside]
    growth = abs(np.log(inside.sum() / max(1, (mask > 0.5).sum())))
    return soft, float(np.minimum(levels, 60).mean() * (1 + growth))


def _cut_border(image: UInt8Array, mask: BoolArray) -> BoolArray:
    """The mask with its border moved to the one by GrabCut, by at most BAND_PX."""
    box = box_of(mask)
    if box is None or mask.sum() < LEAST_PX:
        return mask
    x0, y0, x1, y1 = widened(box, 0.0, image.shape)
    x0, y0, x1, y1 = widened((x0, y0, x1, y1), BAND_PX * 2 / max(x1 - x0, y1 - y0), image.shape)
    inside = np.ascontiguousarray(mask[y0:y1, x0:x1])
    signed = signed_depth(inside)
    core = min(BAND_PX, float(signed.max()) * 0.6)
    labels = np.where(inside, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    labels[signed > core] = cv2.GC_FGD
    labels[signed < -BAND_PX] = cv2.GC_BGD
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    picture = np.ascontiguousarray(image[y0:y1, x0:x1])
    if not inside.all():
        cv2.grabCut(picture, labels, (0, 0, 0, 0), *models, 1, cv2.GC_INIT_WITH_MASK)
    cut = np.zeros_like(mask)
    cut[y0:y1, x0:x1] = (labels & 1) == 1
    return cut


def _scaled(image: Any, scale: float) -> Float32Array:
    size = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(scaled, np.float32)


def _window(image: UInt8Array, x0: int, y0: int, x1: int, y1: int) -> UInt8Array:
    """The pixels of a box. Outside the picture, its border pixels are repeated."""
    moved = cv2.warpAffine(
        image,
        np.array([[1, 0, -x0], [0, 1, -y0]], np.float32),
        (x1 - x0, y1 - y0),
        flags=cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(moved, np.uint8)


def _laid(soft: Float32Array, x0: int, y0: int, shape: tuple[int, ...]) -> Float32Array:
    """float32[H, W] with `soft` at (x0, y0), as far as it lies inside."""
    height, width = shape
    laid = np.zeros((height, width), np.float32)
    top, left = max(0, y0), max(0, x0)
    bottom, right = min(height, y0 + soft.shape[0]), min(width, x0 + soft.shape[1])
    if bottom > top and right > left:
        laid[top:bottom, left:right] = soft[top - y0 : bottom - y0, left - x0 : right - x0]
    return laid
