"""Makes a mask from a box and clicks with GrabCut, step by step in the order in which they were
given.

A click corrects more than its own pixel. People click near the middle of a wrong region. So the
click also decides the disc around it that reaches to the border of the wrong region.

Source: Rother, Kolmogorov, Blake, "GrabCut" (SIGGRAPH 2004).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from .protocol import BoolArray, Click, UInt8Array
from .regions import (
    Box,
    Float32Array,
    box_of,
    depth,
    disc_box,
    ellipse,
    joined,
    piece_at,
    widened,
)

FIRST_ROUNDS, MORE_ROUNDS = 3, 2
MARGIN = 0.3
"""Margin around the object in which GrabCut works, as a multiple of the object's size."""
LEAST_RADIUS_PX, MOST_RADIUS = 3, 0.3
"""Smallest and largest radius of the disc that a click decides; the latter as a multiple of the
object's size.
"""
LEAST_SHARE = 0.1
"""If the mask covers less than this share of the indicated area, its colours cannot be told from
the background's. Then only the shape decides.
"""
SIZES = (0.08, 0.13, 0.2, 0.3)
"""Half the size of an object that has only one click, as a multiple of the picture's shorter
side.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """The current result for an object in one picture.

    Attributes:
        mask: bool[H, W], the object.
        decided: uint8[H, W], decided by clicks: 0 not decided, 1 object, 2 background.
        limits: the box; everything outside is background. None if no box was drawn.
    """

    mask: BoolArray
    decided: UInt8Array
    limits: Box | None


def cut_box(image: UInt8Array, box: Box) -> Cut:
    """The object in a box on uint8[H, W, 3]; an ellipse if nothing in the box stands out."""
    area = widened(box, MARGIN, image.shape)
    labels = np.full(image.shape[:2], cv2.GC_BGD, np.uint8)
    inside = labels[box[1] : box[3], box[0] : box[2]]
    inside[:] = cv2.GC_PR_FGD
    if inside.size == labels[area[1] : area[3], area[0] : area[2]].size:
        # The box covers the whole picture, so its corners are used as background.
        inside[:] = np.where(ellipse(*inside.shape), inside, cv2.GC_PR_BGD)
    mask = _grabcut(image, labels, area, rounds=FIRST_ROUNDS)
    if mask.sum() < LEAST_SHARE * inside.size:
        mask[box[1] : box[3], box[0] : box[2]] = ellipse(*inside.shape)
    return Cut(mask, np.zeros_like(labels), box)


def cut_click(image: UInt8Array, click: Click) -> Cut:
    """The object around one click, with the size whose outline has the strongest edges. The mask
    may be empty.
    """
    height, width = image.shape[:2]
    x, y = int(click.x), int(click.y)
    edges = _edges(image)
    best_score, best = -1.0, np.zeros((height, width), np.bool_)
    for size in SIZES:
        half = max(6, round(size * min(height, width)))
        box = (
            max(0, x - half),
            max(0, y - half),
            min(width, x + half + 1),
            min(height, y + half + 1),
        )
        labels = np.full((height, width), cv2.GC_BGD, np.uint8)
        labels[box[1] : box[3], box[0] : box[2]] = cv2.GC_PR_BGD
        cv2.circle(labels, (x, y), round(half * 0.75), cv2.GC_PR_FGD, -1)
        cv2.circle(labels, (x, y), max(2, half // 5), cv2.GC_FGD, -1)
        mask = piece_at(
            _grabcut(image, labels, widened(box, MARGIN, image.shape), rounds=FIRST_ROUNDS), x, y
        )
        score = _outline_score(mask, edges, box)
        if score > best_score:
            best_score, best = score, mask
    decided = np.zeros((height, width), np.uint8)
    cv2.circle(decided, (x, y), LEAST_RADIUS_PX, 1, -1)
    return Cut(best, decided, None)


def cut_mask(mask: BoolArray) -> Cut:
    """A mask as it is, for clicks that correct it."""
    return Cut(mask, np.zeros(mask.shape, np.uint8), None)


def correct(image: UInt8Array, cut: Cut, clicks: Sequence[Click]) -> Cut:
    """The cut after more clicks, applied one after the other."""
    for click in clicks:
        cut = _correct_once(image, cut, click)
    return cut


def _correct_once(image: UInt8Array, cut: Cut, click: Click) -> Cut:
    x, y = int(click.x), int(click.y)
    size = np.sqrt(max(int(cut.mask.sum()), LEAST_RADIUS_PX**2))
    wrong = cut.mask != click.positive
    reach_px = depth(wrong)[y, x]
    radius = int(np.clip(reach_px, LEAST_RADIUS_PX, max(LEAST_RADIUS_PX, MOST_RADIUS * size)))
    decided = cut.decided.copy()
    cv2.circle(decided, (x, y), radius, 1 if click.positive else 2, -1)
    limits = cut.limits
    if limits is not None and click.positive:
        limits = joined(limits, disc_box(x, y, radius, image.shape))
    touched = joined(
        box_of(cut.mask) or disc_box(x, y, radius, image.shape), disc_box(x, y, radius, image.shape)
    )
    area = widened(joined(touched, limits) if limits else touched, MARGIN, image.shape)
    labels = np.full(image.shape[:2], cv2.GC_BGD, np.uint8)
    x0, y0, x1, y1 = limits or area
    labels[y0:y1, x0:x1] = cv2.GC_PR_BGD
    labels[cut.mask] = cv2.GC_PR_FGD
    labels[decided == 1] = cv2.GC_FGD
    labels[decided == 2] = cv2.GC_BGD
    mask = _grabcut(image, labels, area, rounds=MORE_ROUNDS)
    plain = (cut.mask | (decided == 1)) & (decided != 2)
    if mask.sum() < LEAST_SHARE * plain.sum():
        mask = plain
    return replace(cut, mask=mask, decided=decided, limits=limits)


def _grabcut(image: UInt8Array, labels: UInt8Array, area: Box, *, rounds: int) -> BoolArray:
    x0, y0, x1, y1 = area
    inside = np.ascontiguousarray(labels[y0:y1, x0:x1])
    is_object = (inside & 1) == 1
    if is_object.any() and not is_object.all():
        models = np.zeros((1, 65)), np.zeros((1, 65))
        cv2.setRNGSeed(0)  # it begins with k-means
        picture = np.ascontiguousarray(image[y0:y1, x0:x1])
        cv2.grabCut(picture, inside, (0, 0, 0, 0), *models, rounds, cv2.GC_INIT_WITH_MASK)
        is_object = (inside & 1) == 1
    mask = np.zeros(labels.shape, np.bool_)
    mask[y0:y1, x0:x1] = is_object
    return mask


def _edges(image: UInt8Array) -> Float32Array:
    """Strength of colour edges at each pixel, float32[H, W]."""
    smooth = cv2.GaussianBlur(image, (0, 0), 1).astype(np.float32)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    return np.asarray(np.sqrt((across**2 + down**2).sum(axis=2)), np.float32)


def _outline_score(mask: BoolArray, edges: Float32Array, box: Box) -> float:
    """Mean edge strength along the outline, without the parts on the border of `box`."""
    outline = mask & (depth(mask) <= 1)
    if not outline.any():
        return -1.0
    inner = np.zeros_like(mask)
    inner[box[1] + 2 : box[3] - 2, box[0] + 2 : box[2] - 2] = True
    is_free = float((outline & inner).sum()) / float(outline.sum())
    return float(edges[outline].mean()) * is_free**2
