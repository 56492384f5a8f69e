"""Masks that were drawn over the frames of a clip, found again as what differs from the clip.

A video in which masks are drawn shows, where nothing is marked, the clip once more through a codec; where something is marked,
(1 - alpha) · clip + alpha · colour. So the clip is first brought to the tones of the other video, the codec's noise is measured
in the frames that differ least, and the colours and alphas ("inks") are fitted to the pixels that differ by more. A pixel is
marked where the best ink explains its neighbourhood better than noise does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .inks import (
    FloatArray,
    Ink,
    UInt8Array,
    alike,
    fit_inks,
    fit_metric,
    fit_tone,
    in_tone,
    length_of,
    noise_of,
    towards,
    with_ink,
)

BoolArray = npt.NDArray[np.bool_]

SAMPLED_PIXELS = 2**23
"""Of a whole video, when inks are fitted: 48 MiB."""
_MOST_OF_FRAME = 40_000
_KEPT = 60_000
"""Pixels that a fit looks at."""
_STRONG = 16
_WHOLE_FRAMES = 3
"""Frames, of those that differ most, in which a contour is looked for."""
_BLOCK = 16
_BUSY = 0.12
"""The share of a block's pixels that differ where something is drawn in it."""
_DEPTH = 8
_CORE_PX = 200


@dataclass(frozen=True, slots=True)
class Drawing:
    """How masks were drawn in one video, as `measure` found it.

    tone: float32[4, 3]; [r, g, b, 1] of the clip times it is what the other video shows of an unmarked pixel.
    metric: float32[3, 3]; a difference of RGB times it has, where nothing is drawn, the same spread of noise in every direction.
        Codecs lose more of the grain than of the colours, so a colour stands out of noise that hides a change of brightness.
    noise: the length of such a difference that noise stays below in 999 of 1,000 pixels.
    typical: the median difference of a channel, in levels, of all pixels. Large where the videos show different things.
    likeness: correlation of the two videos where they do not differ by more than noise.
    inks: none where nothing is drawn, or nothing that is one colour.
    differing: share of the pixels that differ by more than noise.
    explained: share of these that an ink explains; 1.0 where none differs.
    contour_px: width of a contour that is drawn about what is marked; 0 where there is none.
    hollow: pixels that what is marked encloses, per pixel that is marked; large where contours have no fill.
    """

    tone: FloatArray
    metric: FloatArray
    noise: float
    typical: float
    likeness: float
    inks: tuple[Ink, ...]
    differing: float
    explained: float
    contour_px: int = 0
    hollow: float = 0.0


def measure(pairs: Iterable[tuple[UInt8Array, UInt8Array]], *, num_frames: int) -> Drawing:
    """What was drawn over a clip.

    Args:
        pairs: frame of the clip and frame of the other video, uint8[H, W, 3] RGB of one size, in step; at least one pair.
        num_frames: about how many pairs there are; more frames are looked at in fewer pixels each.
    """
    most = max(1, min(_MOST_OF_FRAME, SAMPLED_PIXELS // max(1, num_frames)))
    seen: list[UInt8Array] = []
    whole: list[tuple[float, UInt8Array, UInt8Array]] = []
    for clip, other in pairs:
        seen.append(_sampled(clip, other, most=most))
        loud = float(np.mean(np.abs(seen[-1][0].astype(np.int16) - seen[-1][1]) > _STRONG))
        whole = sorted([*whole, (loud, clip, other)], key=lambda entry: -entry[0])[:_WHOLE_FRAMES]
    every = np.concatenate([frame[:, :: max(1, frame.shape[1] * len(seen) // _KEPT)] for frame in seen], axis=1)
    tone = fit_tone(every)
    metric = fit_metric(every, tone)
    differences = [length_of((frame[1] - in_tone(frame[0], tone)) @ metric) for frame in seen]
    noise = noise_of(differences)
    strong = np.concatenate([frame[:, far > noise] for frame, far in zip(seen, differences, strict=True)], axis=1)
    strong = strong[:, np.linspace(0, strong.shape[1] - 1, min(strong.shape[1], _KEPT)).astype(np.int64)]
    inks, explained = fit_inks(in_tone(strong[0], tone), strong[1].astype(np.float32), metric, noise)
    typical, likeness = alike(every, tone, metric, noise)
    differing = float(np.mean([np.mean(far > noise) for far in differences]))
    drawing = Drawing(tone, metric, noise, typical, likeness, inks, differing, explained)
    if not inks:
        return drawing
    drawing = replace(drawing, contour_px=_contour_px(drawing, [(clip, other) for _, clip, other in whole]))
    found = [marked(clip, other, drawing) for _, clip, other in whole]
    enclosed = sum(int(filled(mask).sum() - mask.sum()) for mask in found)
    return replace(drawing, hollow=enclosed / max(1, sum(int(mask.sum()) for mask in found)))


def marked(clip: UInt8Array, other: UInt8Array, drawing: Drawing) -> BoolArray:
    """bool[H, W]: where something is drawn over a frame of the clip; of a contour its inner half counts.

    Args:
        clip, other: uint8[H, W, 3] RGB, one frame of each.
        drawing: of the two videos.
    """
    found = np.zeros(clip.shape[:2], np.bool_)
    if drawing.inks:
        toned = in_tone(clip, drawing.tone)
        if (window := _window(toned, other, drawing)) is not None:
            found[window] = _marked(toned[window], other[window], drawing)
    for _ in range(drawing.contour_px // 2):
        found = _eroded(found)
    return found


def within(line: BoolArray) -> BoolArray:
    """The area that a line encloses, up to the middle of the line; its width is taken to be the same everywhere."""
    whole = filled(line)
    edge = whole & ~_eroded(whole)
    for _ in range(round(line.sum() / max(1, 2 * edge.sum()))):
        whole = _eroded(whole)
    return whole


def filled(found: BoolArray) -> BoolArray:
    """What is marked, and what it encloses: all that no path over unmarked pixels, up, down, left or right, leads out of."""
    free = ~found
    outside = free.copy()
    outside[1:-1, 1:-1] = False
    before = -1
    while (now := int(outside.sum())) != before:
        before = now
        outside = _spread_in_rows(outside, free)
        outside = _spread_in_rows(outside.T, free.T).T
    return ~outside


def _spread_in_rows(some: BoolArray, free: BoolArray) -> BoolArray:
    """All of every run of free pixels of a row that has one of `some`."""
    starts = free.copy()
    starts[:, 1:] &= ~free[:, :-1]
    runs = np.cumsum(starts).reshape(free.shape)
    reached = np.zeros(int(runs[-1, -1]) + 1, np.bool_)
    reached[runs[some]] = True
    spread: BoolArray = free & reached[runs]
    return spread


def _window(toned: FloatArray, other: UInt8Array, drawing: Drawing) -> tuple[slice, slice] | None:
    """The part of a frame about all blocks in which many pixels differ by more than noise; None where there is no such block."""
    height, width = other.shape[:2]
    rows, columns = -(-height // _BLOCK), -(-width // _BLOCK)
    differs = np.zeros((rows * _BLOCK, columns * _BLOCK), np.bool_)
    differs[:height, :width] = length_of((other - toned) @ drawing.metric) > drawing.noise
    counts = differs.reshape(rows, _BLOCK, columns, _BLOCK).sum((1, 3), dtype=np.int32)
    busy = counts >= _BUSY * _BLOCK**2
    if not busy.any():
        return None
    (ys,), (xs,) = np.nonzero(busy.any(1)), np.nonzero(busy.any(0))
    return tuple(  # type: ignore[return-value]
        slice(max(0, (int(found[0]) - 2) * _BLOCK), min(end, (int(found[-1]) + 3) * _BLOCK))
        for found, end in ((ys, height), (xs, width))
    )


def _marked(toned: FloatArray, other: UInt8Array, drawing: Drawing) -> BoolArray:
    evidence = _evidence(toned, other, drawing).max(0)
    floor, bound = np.float32((drawing.noise / 3) ** 2), np.float32((4 * drawing.noise) ** 2)
    np.clip(evidence, -bound, bound, out=evidence)
    # Where the clip has the ink's own colour neither is nearer: wider and wider neighbourhoods say, which cost more at the edges.
    decided = _box(evidence, 1)
    for radius in (2, 4, 8):
        unsure = np.abs(decided) < floor
        if not unsure.any():
            break
        decided = np.where(unsure, _box(evidence, radius), decided)
    return _box((decided > floor).astype(np.float32), 2) > 0.5


def _evidence(toned: FloatArray, other: UInt8Array, drawing: Drawing) -> FloatArray:
    """float32[inks, H, W]: how much nearer a pixel is to the ink than to the plain clip, in squared lengths of the metric."""
    twice = (2 * (other - toned)) @ drawing.metric
    out = np.empty((len(drawing.inks), *other.shape[:2]), np.float32)
    for number, ink in enumerate(drawing.inks):
        # |r|² - |r - s|² = s · (2 r - s), with r what the pixel differs by and s what the ink would make it differ by
        step = towards(ink.colour, toned) @ (np.float32(ink.alpha) * drawing.metric)
        np.einsum("hwc,hwc->hw", step, twice - step, out=out[number])
    return out


def _contour_px(drawing: Drawing, frames: Sequence[tuple[UInt8Array, UInt8Array]]) -> int:
    """Width of a contour, from the edge of what is marked inwards: how many pixels deep more than half is drawn more strongly, or
    in another ink, than what lies deeper."""
    layers = [_contour_by_depth(clip, other, drawing) for clip, other in frames]
    pixels, outer = (np.sum([layer[part] for layer in layers], axis=0) for part in (0, 1))
    if pixels[-1] < _CORE_PX:
        return 0  # nothing is thick enough to have a core beside a contour
    is_contour = (outer / np.maximum(pixels, 1) >= 0.5).tolist()
    start = 0 if is_contour[0] else 1  # the outermost pixels are blurred with what lies outside
    end = next((depth for depth in range(start, len(is_contour)) if not is_contour[depth]), len(is_contour))
    return end if max(start + 1, 2) <= end <= _DEPTH else 0  # one pixel may be the blur of an edge


def _contour_by_depth(clip: UInt8Array, other: UInt8Array, drawing: Drawing) -> tuple[FloatArray, FloatArray]:
    """Per pixel of depth, from the edge inwards and then all that is deeper: how many pixels, and how many look like a contour."""
    pixels, outer = np.zeros(_DEPTH + 1, np.float32), np.zeros(_DEPTH + 1, np.float32)
    toned = in_tone(clip, drawing.tone)
    window = _window(toned, other, drawing)
    if window is None:
        return pixels, outer
    toned, other = toned[window], other[window]
    left = _marked(toned, other, drawing)
    fill = _fill_of(drawing, toned, other, left)
    if fill is None:
        return pixels, outer
    steps = towards(fill.colour, toned)
    length = np.einsum("hwc,hwc->hw", steps, steps)
    strength = np.einsum("hwc,hwc->hw", steps, other - toned) / np.maximum(length, 1)
    off = length_of((other - with_ink(toned, fill)) @ drawing.metric) > np.float32(2 * drawing.noise)
    contour = (length > 40**2) & ((strength > (1 + fill.alpha) / 2) | off)
    for depth in range(_DEPTH + 1):
        inside = _eroded(left)
        layer = left if depth == _DEPTH else left & ~inside
        pixels[depth], outer[depth] = layer.sum(), (layer & contour).sum()
        left = inside
    return pixels, outer


def _fill_of(drawing: Drawing, toned: FloatArray, other: UInt8Array, found: BoolArray) -> Ink | None:
    """The ink of the deep part of what is marked; None where it is solid, beside which no contour of its colour shows."""
    deep = found
    for _ in range(_DEPTH):
        deep = _eroded(deep)
    if not deep.any():
        return None
    residuals = [float(np.abs(other[deep] - with_ink(toned[deep], ink)).mean()) for ink in drawing.inks]
    fill = drawing.inks[int(np.argmin(residuals))]
    return fill if fill.alpha < 0.9 or len(drawing.inks) > 1 else None


def _eroded(found: BoolArray) -> BoolArray:
    """What is left when every pixel beside one that is not marked goes; the edge of the frame is no edge of a mask."""
    out = found.copy()
    out[1:] &= found[:-1]
    out[:-1] &= found[1:]
    out[:, 1:] &= found[:, :-1]
    out[:, :-1] &= found[:, 1:]
    return out


def _sampled(clip: UInt8Array, other: UInt8Array, *, most: int) -> UInt8Array:
    """uint8[2, P, 3]: pixels of a grid, of both frames."""
    height, width = clip.shape[:2]
    step = max(1, int(np.ceil(np.sqrt(height * width / most))))
    return np.stack([clip[::step, ::step].reshape(-1, 3), other[::step, ::step].reshape(-1, 3)])


def _box(values: FloatArray, radius: int) -> FloatArray:
    """Mean over a square of 2 · radius + 1; what lies outside the frame counts as its edge does."""
    size = 2 * radius + 1
    for axis in (0, 1):
        padding = [(radius, radius) if axis == other else (0, 0) for other in (0, 1)]
        padded = np.pad(values, padding, mode="edge")
        length = values.shape[axis]
        if radius <= 2:
            parts = [padded[i : i + length] if axis == 0 else padded[:, i : i + length] for i in range(size)]
            total = parts[0] + parts[1]
            for part in parts[2:]:
                total += part
        else:
            sums = np.cumsum(padded, axis, dtype=np.float64)
            total = np.take(sums, range(size - 1, size - 1 + length), axis)
            if axis == 0:
                total[1:] -= sums[: length - 1]
            else:
                total[:, 1:] -= sums[:, : length - 1]
        values = (total / size).astype(np.float32)
    return values
