"""Array functions for drawing: grids, noise, blends, sampling between pixels, blur. All values are
float32 in [0, 1].
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]


def smoothstep(values: FloatArray) -> FloatArray:
    """Smooth step: 0 below 0, 1 above 1, and between them the cubic whose slope is 0 at both
    ends.
    """
    clipped = np.clip(values, 0, 1)
    return clipped * clipped * (3 - 2 * clipped)


def hsv(hue: float, saturation: float, value: float) -> FloatArray:
    """An RGB colour float32[3]; a hue of 1 is a full turn."""
    sectors = (np.array([5.0, 3.0, 1.0]) + hue * 6.0) % 6.0
    rgb = value - value * saturation * np.clip(np.minimum(sectors, 4.0 - sectors), 0.0, 1.0)
    return rgb.astype(np.float32)


def rgb_colour(red: float, green: float, blue: float) -> FloatArray:
    """A colour float32[3]."""
    return np.array([red, green, blue], np.float32)


def blend(first: FloatArray, second: FloatArray, weight: FloatArray) -> FloatArray:
    """`first` where `weight` is 0, `second` where it is 1; colours float32[3] or images, weight
    float32[H, W].
    """
    weight_hw1 = weight[..., None]
    blended: FloatArray = first * (1 - weight_hw1) + second * weight_hw1
    return blended


def fractal_noise(
    rng: np.random.Generator, height: int, width: int, *, cell_px: float, octaves: int = 4
) -> FloatArray:
    """Value noise float32[height, width] in [0, 1]: each octave has half the cell and 0.55 of the
    weight of the one before.
    """
    total = np.zeros((height, width), np.float32)
    weight, weights = 1.0, 0.0
    for octave in range(octaves):
        cell = max(cell_px / 2**octave, 1.0)
        grid = rng.random(
            (math.ceil(height / cell) + 2, math.ceil(width / cell) + 2), dtype=np.float32
        )
        rows, columns = (
            np.arange(height, dtype=np.float32) / cell,
            np.arange(width, dtype=np.float32) / cell,
        )
        top, left = rows.astype(np.intp), columns.astype(np.intp)
        down, right = smoothstep(rows - top)[:, None], smoothstep(columns - left)[None, :]
        lines = grid[top] * (1 - down) + grid[top + 1] * down
        total += weight * (lines[:, left] * (1 - right) + lines[:, left + 1] * right)
        weights += weight
        weight *= 0.55
    return total / weights


def contrast(noise: FloatArray, gain: float) -> FloatArray:
    """Noise spread around its middle by `gain` and clipped to [0, 1]."""
    spread: FloatArray = np.clip((noise - 0.5) * gain + 0.5, 0, 1)
    return spread


def sample(image: FloatArray, rows: FloatArray, columns: FloatArray) -> FloatArray:
    """Bilinear samples float32[..., C] of image[H, W, C] at fractional positions; beyond its edge
    the edge pixel repeats.
    """
    height, width, channels = image.shape
    rows = np.clip(rows, 0, height - 1.001)
    columns = np.clip(columns, 0, width - 1.001)
    top, left = rows.astype(np.intp), columns.astype(np.intp)
    down, right = (rows - top)[..., None], (columns - left)[..., None]
    flat = image.reshape(-1, channels)
    corner = top * width + left
    upper = flat[corner] * (1 - right) + flat[corner + 1] * right
    lower = flat[corner + width] * (1 - right) + flat[corner + width + 1] * right
    result: FloatArray = upper * (1 - down) + lower * down
    return result


def crop(image: FloatArray, top: float, left: float, height: int, width: int) -> FloatArray:
    """image[top : top + height, left : left + width] at a fractional place that lies inside the
    image with a pixel to spare.
    """
    row, column = math.floor(top), math.floor(left)
    down, right = (top - row), (left - column)
    patch = image[row : row + height + 1, column : column + width + 1]
    lines = patch[:, :-1] * (1 - right) + patch[:, 1:] * right
    result: FloatArray = lines[:-1] * (1 - down) + lines[1:] * down
    return result


def gaussian_blur(image: FloatArray, sigma_px: float) -> FloatArray:
    """image[H, W, C] blurred; its edge pixels repeat outwards."""
    reach = max(1, math.ceil(2.5 * sigma_px))
    taps = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma_px) ** 2)
    taps32 = (taps / taps.sum()).astype(np.float32)
    height, width = image.shape[:2]
    padded = np.pad(image, ((reach, reach), (0, 0), (0, 0)), mode="edge")
    lines: FloatArray = sum(
        (tap * padded[i : i + height] for i, tap in enumerate(taps32)), start=np.zeros_like(image)
    )
    padded = np.pad(lines, ((0, 0), (reach, reach), (0, 0)), mode="edge")
    blurred: FloatArray = sum(
        (tap * padded[:, i : i + width] for i, tap in enumerate(taps32)), start=np.zeros_like(image)
    )
    return blurred
