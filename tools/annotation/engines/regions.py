"""Boxes, distances and pieces of masks."""

import cv2
import numpy as np
import numpy.typing as npt

from .protocol import BoolArray

Float32Array = npt.NDArray[np.float32]
Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in whole pixels; x1 and y1 are outside."""


def box_of(mask: BoolArray) -> Box | None:
    """The smallest box around bool[H, W]; None if it is empty."""
    if not mask.any():
        return None
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def joined(one: Box, other: Box) -> Box:
    """The smallest box around both."""
    return (
        min(one[0], other[0]),
        min(one[1], other[1]),
        max(one[2], other[2]),
        max(one[3], other[3]),
    )


def clipped(box: Box, shape: tuple[int, ...]) -> Box:
    """The part of the box inside a picture of shape (H, W, ...)."""
    return max(0, box[0]), max(0, box[1]), min(shape[1], box[2]), min(shape[0], box[3])


def widened(box: Box, share: float, shape: tuple[int, ...]) -> Box:
    """The box with a margin of `share` of its sides and 8 pixels, inside a picture of shape (H, W,
    ...).
    """
    wide, high = round((box[2] - box[0]) * share) + 8, round((box[3] - box[1]) * share) + 8
    return clipped((box[0] - wide, box[1] - high, box[2] + wide, box[3] + high), shape)


def disc_box(x: int, y: int, radius: int, shape: tuple[int, ...]) -> Box:
    """The box around a disc, inside a picture of shape (H, W, ...)."""
    return clipped((x - radius, y - radius, x + radius + 1, y + radius + 1), shape)


def depth(mask: BoolArray) -> Float32Array:
    """Distance of each pixel of the mask to the outside, float32[H, W]; 0 outside the mask.

    The outside of the picture counts as outside the mask.
    """
    padded = np.pad(mask.view(np.uint8), 1)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)


def signed_depth(mask: BoolArray) -> Float32Array:
    """`depth` inside the mask, minus the distance to it outside: float32[H, W]."""
    return depth(mask) - np.asarray(
        cv2.distanceTransform((~mask).view(np.uint8), cv2.DIST_L2, 5), np.float32
    )


def ellipse(height: int, width: int) -> BoolArray:
    """The ellipse that touches all four sides: bool[height, width]."""
    y = (np.arange(height) + 0.5) * 2 / height - 1
    x = (np.arange(width) + 0.5) * 2 / width - 1
    return np.asarray(y[:, None] ** 2 + x**2 <= 1, np.bool_)


def piece_at(mask: BoolArray, x: int, y: int) -> BoolArray:
    """The connected piece of the mask with this pixel; empty if the pixel is outside the mask."""
    _, pieces = cv2.connectedComponents(mask.view(np.uint8))
    return np.asarray((pieces == pieces[y, x]) & mask[y, x], np.bool_)


def overlap(one: BoolArray, other: BoolArray) -> float:
    """Intersection over union; 1.0 if both are empty."""
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else 1.0
