"""Where a fault is: which frames, and a region in each of them that moves as what is there
moves.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ...masks import BoolArray, UInt8Array

FloatArray = npt.NDArray[np.floating[Any]]

FLOW_SIDE_PX = 128
"""Flow is computed at this shorter side, at most."""

LEAST_SHARE, MOST_SHARE = 0.004, 0.2
"""Of a frame's pixels: a moving part outside this range is no region; a patch takes its place."""


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """The frames `window` of a clip and the region in each of them: bool[N, H, W], N frames of the
    window.
    """

    window: range
    inside: BoolArray


def draw_region(rng: np.random.Generator, frames: UInt8Array) -> Region:
    """A random region of a clip uint8[T, H, W, 3].

    In half of the draws it is the part of the picture that moves together with a random place.
    Otherwise, and where no such part has a fitting size, it is a patch with an uneven border.
    Either is carried along by the optical flow.
    """
    num_frames, height, width = frames.shape[:3]
    length = int(rng.integers(1, num_frames + 1))
    first = int(rng.integers(0, num_frames - length + 1))
    window = range(first, first + length)
    wants_part = bool(rng.random() < 0.5)
    patch = draw_patch(rng, height, width)
    at_xy = np.array([rng.uniform(0.1, 0.9) * width, rng.uniform(0.1, 0.9) * height], np.float32)
    inside = np.zeros((length, height, width), np.bool_)
    for number, frame_index in enumerate(window):
        flow = _flow(frames, frame_index)
        if wants_part and number == 0:
            at_xy = _moving_place(rng, flow)
        part = _moving_part(flow, at_xy) if wants_part else None
        inside[number] = moved_patch(patch, at_xy) if part is None else part
        if inside[number].any():
            at_xy = at_xy + flow[inside[number]].mean(axis=0)
    return Region(window, inside)


def draw_patch(rng: np.random.Generator, height: int, width: int) -> BoolArray:
    """bool[H, W]: a turned ellipse in the middle of the frame, whose border noise moves in and
    out.
    """
    unit = min(height, width)
    reach = np.exp(rng.uniform(np.log(0.07), np.log(0.26), 2)) * unit
    angle = rng.uniform(0, np.pi)
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    rows, columns = rows - height / 2, columns - width / 2
    across = (columns * np.cos(angle) + rows * np.sin(angle)) / reach[0]
    down = (rows * np.cos(angle) - columns * np.sin(angle)) / reach[1]
    border = 1 + rng.uniform(0, 1.2) * (noise(rng, height, width, cell_px=0.15 * unit) - 0.5)
    found: BoolArray = np.hypot(across, down) < border
    return found


def moved_patch(patch: BoolArray, at_xy: FloatArray) -> BoolArray:
    """The patch with its middle at a place; what would lie outside the frame is cut off."""
    height, width = patch.shape
    shift = np.array([[1, 0, at_xy[0] - width / 2], [0, 1, at_xy[1] - height / 2]], np.float32)
    moved: BoolArray = (
        cv2.warpAffine(patch.astype(np.uint8), shift, (width, height), flags=cv2.INTER_NEAREST) > 0
    )
    return moved


def noise(
    rng: np.random.Generator, height: int, width: int, *, cell_px: float, octaves: int = 3
) -> FloatArray:
    """Smooth noise float32[H, W] in [0, 1], of cells of this size and smaller ones."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cell = max(cell_px / 2**octave, 1.0)
        grid = rng.random((int(height / cell) + 2, int(width / cell) + 2), dtype=np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * 0.5**octave
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)


def _flow(frames: UInt8Array, frame_index: int) -> FloatArray:
    """float32[H, W, 2], x and y in pixels: how far everything in a frame goes until the next one.

    In the last frame, how far it has come since the one before; 0 in a clip of one frame.
    """
    num_frames, height, width = frames.shape[:3]
    if num_frames == 1:
        return np.zeros((height, width, 2), np.float32)
    is_last = frame_index == num_frames - 1
    scale = min(1.0, FLOW_SIDE_PX / min(height, width))
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    first, second = (
        cv2.resize(cv2.cvtColor(frames[at], cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
        for at in (frame_index, frame_index + (-1 if is_last else 1))
    )
    flower = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    small = np.asarray(
        flower.calc(first, second, np.zeros((size[1], size[0], 2), np.float32)), np.float32
    )
    scale_xy = np.array([width / size[0], height / size[1]], np.float32)
    flow: FloatArray = np.asarray(cv2.resize(small, (width, height)), np.float32) * scale_xy
    return -flow if is_last else flow


def _relative(flow: FloatArray) -> FloatArray:
    """float32[H, W]: the speed of every place against the camera, whose motion is the median."""
    speed: FloatArray = np.hypot(*np.moveaxis(flow - np.median(flow, axis=(0, 1)), -1, 0))
    return speed


def _moving_place(rng: np.random.Generator, flow: FloatArray) -> FloatArray:
    """A random place, the likelier the faster it moves."""
    weight = np.cumsum(_relative(flow).astype(np.float64).ravel() + 1e-6)
    place = min(int(np.searchsorted(weight, rng.random() * weight[-1])), len(weight) - 1)
    return np.array([place % flow.shape[1], place // flow.shape[1]], np.float32)


def _moving_part(flow: FloatArray, at_xy: FloatArray) -> BoolArray | None:
    """bool[H, W]: what is joined to a place and moves as it does.

    None where that is too small or too large, or the place is outside the frame.
    """
    height, width = flow.shape[:2]
    column, row = round(float(at_xy[0])), round(float(at_xy[1]))
    if not (0 <= row < height and 0 <= column < width):
        return None
    apart = np.hypot(*np.moveaxis(flow - flow[row, column], -1, 0))
    alike = (apart <= 0.25 + 0.4 * float(_relative(flow)[row, column])).astype(np.uint8)
    labels = cv2.connectedComponents(alike, connectivity=4)[1]
    part: BoolArray = labels == labels[row, column]
    return part if LEAST_SHARE <= part.mean() <= MOST_SHARE else None
