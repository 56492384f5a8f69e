"""What can be done to a region: the operations in space and in time, and which artifact types each
of them resembles.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import cv2
import numpy as np

from ...masks import ARTIFACT_TYPES, BoolArray, UInt8Array
from .region import FloatArray, Region, noise

Content = Callable[[np.random.Generator, UInt8Array, Region], UInt8Array]
"""(random numbers, frames uint8[T, H, W, 3], region of N frames) -> uint8[N, H, W, 3], what the
frames of the region would show everywhere; only what lies in the region is used.
"""


@dataclass(frozen=True, slots=True)
class Operation:
    """One way to break a region.

    resembles: artifact types that look like it; it is left out where one of them is held out.
    min_frames: a clip of fewer frames cannot show it.
    """

    name: str
    resembles: frozenset[str]
    min_frames: int
    content: Content


# --- In space -------------------------------------------------------------------------------------


def _elsewhere(rng: np.random.Generator, height: int, width: int) -> tuple[int, int]:
    """A random step (down, across) of at least 15 % of the shorter side."""
    reach = rng.uniform(0.15, 0.5) * min(height, width)
    angle = rng.uniform(0, 2 * np.pi)
    return round(reach * np.sin(angle)), round(reach * np.cos(angle))


def _cut_paste(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    return np.roll(_seen(frames, region), _elsewhere(rng, *frames.shape[1:3]), axis=(1, 2))


def _poisson(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    pasted = _cut_paste(rng, frames, region)
    return np.stack(
        [
            _blended(a, b, c)
            for a, b, c in zip(pasted, _seen(frames, region), region.inside, strict=True)
        ]
    )


def _blended(pasted: UInt8Array, frame: UInt8Array, inside: BoolArray) -> UInt8Array:
    """`pasted` inside a region, with its gradients but the colours of the frame around it."""
    mask = np.zeros(inside.shape, np.uint8)
    mask[2:-2, 2:-2] = inside[2:-2, 2:-2]  # seamlessClone fails at the border
    left, top, width, height = cv2.boundingRect(mask)
    if min(width, height) < 3:
        return frame
    middle = (left + width // 2, top + height // 2)
    blended = cv2.seamlessClone(pasted, frame, mask * 255, middle, cv2.NORMAL_CLONE)
    return blended.astype(np.uint8, copy=False)


def _texture(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    height, width = frames.shape[1:3]
    cell_px = np.exp(rng.uniform(np.log(0.02), np.log(0.25))) * min(height, width)
    weight = noise(rng, height, width, cell_px=max(cell_px, 2.0))[..., None]
    one, other = rng.uniform(0, 255, (2, 3)).astype(np.float32)
    share = rng.uniform(0.3, 1.0)
    mixed = _seen(frames, region) * (1 - share) + (one * weight + other * (1 - weight)) * share
    return _rounded(mixed)


def _self_blend(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    seen = _seen(frames, region)
    height, width = seen.shape[1:3]
    turn = cv2.getRotationMatrix2D(
        (width / 2, height / 2), rng.uniform(-8, 8), rng.uniform(0.9, 1.12)
    )
    turn[:, 2] += rng.uniform(-0.06, 0.06, 2) * min(height, width)
    gain = rng.uniform(0.85, 1.15, 3).astype(np.float32)
    share = rng.uniform(0.4, 1.0)
    other = np.stack(
        [
            cv2.warpAffine(frame, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
            for frame in seen
        ]
    )
    return _rounded(seen * (1 - share) + other * gain * share)


def _grain(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    seen = _seen(frames, region).astype(np.float32)
    grain: FloatArray = rng.standard_normal(seen.shape[:3], dtype=np.float32)
    softness = rng.uniform(0, 1.2)
    if softness > 0.3:
        grain = np.stack([cv2.GaussianBlur(plane, (0, 0), softness) for plane in grain]) * (
            1 + 2 * softness
        )
    return _rounded(seen + rng.uniform(10, 35) * grain[..., None])


def _sharpen(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    gain, sigma = rng.uniform(1.5, 4), rng.uniform(0.6, 1.6)
    seen = _seen(frames, region).astype(np.float32)
    return _rounded(seen + gain * (seen - _softened(seen, sigma)))


def _colour(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    gain = rng.uniform(0.6, 1.5) * rng.uniform(0.8, 1.25, 3)
    flicker = 1 + rng.uniform(0, 0.2) * rng.standard_normal(len(region.window))
    return _rounded(
        _seen(frames, region) * (gain * flicker[:, None])[:, None, None].astype(np.float32)
    )


def _blur(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    unit = min(frames.shape[1:3])
    return _rounded(
        _softened(
            _seen(frames, region).astype(np.float32), max(1.0, rng.uniform(0.015, 0.07) * unit)
        )
    )


def _coarse(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    height, width = frames.shape[1:3]
    factor = rng.uniform(2, 5)
    back = [cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC][int(rng.integers(3))]
    size = (max(int(width / factor), 1), max(int(height / factor), 1))
    small = (
        cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in _seen(frames, region)
    )
    return np.stack([cv2.resize(frame, (width, height), interpolation=back) for frame in small])


def _warp(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    height, width = frames.shape[1:3]
    bend = _bend(rng, height, width)
    return np.stack([_displaced(frame, bend) for frame in _seen(frames, region)])


# --- In time --------------------------------------------------------------------------------------


def _wobble(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    height, width = frames.shape[1:3]
    return np.stack(
        [_displaced(frame, _bend(rng, height, width)) for frame in _seen(frames, region)]
    )


def _repeat(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    held = int(rng.integers(0, len(frames)))
    return np.repeat(frames[held : held + 1], len(region.window), axis=0)


def _swap(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    return frames[rng.permutation(len(frames))[: len(region.window)]]


def _delay(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    step = int(rng.integers(1, max(min(len(frames) // 2, 6), 1) + 1)) * int(rng.choice([-1, 1]))
    moved: UInt8Array = frames[np.clip(np.array(region.window) + step, 0, len(frames) - 1)]
    return moved


def _shift(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    """The region jumps to and fro."""
    unit = min(frames.shape[1:3])
    steps = (
        rng.uniform(0.04, 0.12, (len(region.window), 1))
        * unit
        * _directions(rng, len(region.window))
    )
    steps *= np.where(np.arange(len(steps)) % 2, -1, 1)[:, None]
    seen = _seen(frames, region)
    return np.stack(
        [
            np.roll(frame, np.rint(step).astype(int), axis=(0, 1))
            for frame, step in zip(seen, steps, strict=True)
        ]
    )


def _ghost(rng: np.random.Generator, frames: UInt8Array, region: Region) -> UInt8Array:
    reach = int(rng.integers(1, 4))
    around = np.clip(
        np.array(region.window)[:, None] + np.arange(-reach, reach + 1), 0, len(frames) - 1
    )
    return _rounded(frames[around].mean(axis=1, dtype=np.float32))


# --- What they share ------------------------------------------------------------------------------


def _seen(frames: UInt8Array, region: Region) -> UInt8Array:
    return frames[region.window.start : region.window.stop]


def _rounded(values: FloatArray | UInt8Array) -> UInt8Array:
    rounded: UInt8Array = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return rounded


def _softened(frames: FloatArray, sigma: float) -> FloatArray:
    return np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in frames])


def _bend(rng: np.random.Generator, height: int, width: int) -> FloatArray:
    """float32[H, W, 2]: a smooth displacement in pixels, x and y, up to a few percent of the
    shorter side.
    """
    unit = min(height, width)
    cell_px = rng.uniform(0.1, 0.3) * unit
    reach = rng.uniform(0.05, 0.14) * unit
    fields = [noise(rng, height, width, cell_px=cell_px, octaves=1) for _ in range(2)]
    return (np.stack(fields, axis=-1) - 0.5) * (2 * reach)


def _displaced(frame: UInt8Array, bend: FloatArray) -> UInt8Array:
    rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]].astype(np.float32)
    x, y = columns + bend[..., 0], rows + bend[..., 1]
    moved = cv2.remap(frame, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return moved.astype(np.uint8, copy=False)


def _directions(rng: np.random.Generator, count: int) -> FloatArray:
    angles = rng.uniform(0, 2 * np.pi) + rng.uniform(-0.9, 0.9, count)
    return np.stack([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)


_MOTION, _DEFORMATION, _BLUR = ARTIFACT_TYPES

OPERATIONS = (
    Operation("cut-paste", frozenset({_MOTION}), 1, _cut_paste),
    Operation("poisson", frozenset({_MOTION, _DEFORMATION}), 1, _poisson),
    Operation("texture", frozenset(), 1, _texture),
    Operation("self-blend", frozenset({_DEFORMATION, _BLUR}), 1, _self_blend),
    Operation("grain", frozenset(), 1, _grain),
    Operation("sharpen", frozenset(), 1, _sharpen),
    Operation("colour", frozenset(), 1, _colour),
    Operation("blur", frozenset({_BLUR}), 1, _blur),
    Operation("coarse", frozenset({_BLUR}), 1, _coarse),
    Operation("warp", frozenset({_DEFORMATION}), 1, _warp),
    Operation("wobble", frozenset({_DEFORMATION, _MOTION}), 2, _wobble),
    Operation("repeat", frozenset({_MOTION}), 2, _repeat),
    Operation("swap", frozenset({_MOTION}), 2, _swap),
    Operation("delay", frozenset({_MOTION}), 2, _delay),
    Operation("shift", frozenset({_MOTION}), 2, _shift),
    Operation("ghost", frozenset({_MOTION, _BLUR}), 2, _ghost),
)
"""All operations; docs/training.md has them as a table."""


def operations_without(artifact_types: Collection[str]) -> tuple[Operation, ...]:
    """The operations that resemble none of these artifact types.

    Raises:
        ValueError: a name that is no artifact type.
    """
    for name in artifact_types:
        if name not in ARTIFACT_TYPES:
            raise ValueError(f"without {name!r}: wanted names of {', '.join(ARTIFACT_TYPES)}.")
    return tuple(
        operation for operation in OPERATIONS if operation.resembles.isdisjoint(artifact_types)
    )
