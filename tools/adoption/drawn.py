"""Recovers masks that were drawn over the frames of a clip, from the differences to the clip.

The other video, in which masks are drawn, shows the clip itself in unmarked pixels, changed only by
a codec. Marked pixels show (1 - alpha) · clip + alpha · colour. There are four steps:

1. Fit the tones of the clip to those of the other video.
2. Measure the codec's noise in the frames that differ least.
3. Fit pairs of colour and alpha, which we call inks, to the pixels that differ by more than noise.
4. Mark a pixel if the best ink explains its neighbourhood better than noise does.
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
"""Largest number of pixels of a video that are sampled to fit inks; they take 48 MiB."""
_MOST_OF_FRAME = 40_000
_KEPT = 60_000
"""Largest number of pixels in one fit."""
_STRONG = 16
_WHOLE_FRAMES = 3
"""Number of frames in which a contour is searched; those that differ most."""
_BLOCK = 16
_BUSY = 0.12
"""Smallest share of differing pixels in a block in which something is drawn."""
_DEPTH = 8
_CORE_PX = 200


@dataclass(frozen=True, slots=True)
class Drawing:
    """How masks were drawn in one video, as measured by `measure`.

    Attributes:
        tone: float32[4, 3]. [r, g, b, 1] of the clip times `tone` is the colour of an unmarked
            pixel in the other video.
        metric: float32[3, 3]. An RGB difference times `metric` has the same variance of noise in
            every direction, in unmarked pixels. Codecs change brightness more than colour, so a
            colour can be told from noise where a change of brightness cannot.
        noise: 99.9 % of unmarked pixels differ by less than this length, after `metric`.
        typical: median difference of a channel, in levels of 255, over all pixels. It is large if
            the videos show different things.
        likeness: correlation of the two videos in pixels that do not differ by more than noise.
        inks: empty if nothing is drawn, or nothing in one colour.
        differing: share of the pixels that differ by more than noise.
        explained: share of these pixels that an ink explains; 1.0 if no pixel differs.
        contour_px: width of the contour around marked areas; 0 if there is none.
        hollow: number of unmarked pixels that marked pixels enclose, per marked pixel. It is large
            for contours without a fill.
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
    """Measures what was drawn over a clip.

    Args:
        pairs: at least one pair of corresponding frames, of the clip and of the other video. Both
            are uint8[H, W, 3] RGB of one size.
        num_frames: approximate number of pairs. The more there are, the fewer pixels of each are
            sampled.
    """
    most = max(1, min(_MOST_OF_FRAME, SAMPLED_PIXELS // max(1, num_frames)))
    samples: list[UInt8Array] = []
    whole: list[tuple[float, UInt8Array, UInt8Array]] = []
    for clip, other in pairs:
        samples.append(_sampled(clip, other, most=most))
        loud = float(np.mean(np.abs(samples[-1][0].astype(np.int16) - samples[-1][1]) > _STRONG))
        whole = sorted([*whole, (loud, clip, other)], key=lambda entry: -entry[0])[:_WHOLE_FRAMES]
    every = np.concatenate(
        [frame[:, :: max(1, frame.shape[1] * len(samples) // _KEPT)] for frame in samples], axis=1
    )
    tone = fit_tone(every)
    metric = fit_metric(every, tone)
    differences = [length_of((frame[1] - in_tone(frame[0], tone)) @ metric) for frame in samples]
    noise = noise_of(differences)
    strong = np.concatenate(
        [frame[:, far > noise] for frame, far in zip(samples, differences, strict=True)], axis=1
    )
    strong = strong[
        :, np.linspace(0, strong.shape[1] - 1, min(strong.shape[1], _KEPT)).astype(np.int64)
    ]
    inks, explained = fit_inks(
        in_tone(strong[0], tone), strong[1].astype(np.float32), metric, noise
    )
    typical, likeness = alike(every, tone, metric, noise)
    differing = float(np.mean([np.mean(far > noise) for far in differences]))
    drawing = Drawing(tone, metric, noise, typical, likeness, inks, differing, explained)
    if not inks:
        return drawing
    drawing = replace(
        drawing, contour_px=_contour_px(drawing, [(clip, other) for _, clip, other in whole])
    )
    masks = [marked(clip, other, drawing) for _, clip, other in whole]
    enclosed = sum(int(filled(mask).sum() - mask.sum()) for mask in masks)
    return replace(drawing, hollow=enclosed / max(1, sum(int(mask.sum()) for mask in masks)))


def marked(clip: UInt8Array, other: UInt8Array, drawing: Drawing) -> BoolArray:
    """bool[H, W], True for pixels over which something is drawn, with the inner half of a contour.

    Args:
        clip, other: corresponding frames, uint8[H, W, 3] RGB.
        drawing: the result of `measure` for the two videos.
    """
    mask = np.zeros(clip.shape[:2], np.bool_)
    if drawing.inks:
        toned = in_tone(clip, drawing.tone)
        if (window := _window(toned, other, drawing)) is not None:
            mask[window] = _marked(toned[window], other[window], drawing)
    for _ in range(drawing.contour_px // 2):
        mask = _eroded(mask)
    return mask


def within(line: BoolArray) -> BoolArray:
    """The area inside a line, up to the middle of the line. Its width is assumed to be constant."""
    whole = filled(line)
    edge = whole & ~_eroded(whole)
    for _ in range(round(line.sum() / max(1, 2 * edge.sum()))):
        whole = _eroded(whole)
    return whole


def filled(mask: BoolArray) -> BoolArray:
    """Marked pixels and the pixels that they enclose, bool[H, W].

    A pixel is enclosed if no path over unmarked pixels (up, down, left, right) leads to the frame's
    edge.
    """
    free = ~mask
    outside = free.copy()
    outside[1:-1, 1:-1] = False
    before = -1
    while (now := int(outside.sum())) != before:
        before = now
        outside = _spread_in_rows(outside, free)
        outside = _spread_in_rows(outside.T, free.T).T
    return ~outside


def _spread_in_rows(some: BoolArray, free: BoolArray) -> BoolArray:
    """All runs of free pixels in rows that contain at least one pixel of `some`."""
    starts = free.copy()
    starts[:, 1:] &= ~free[:, :-1]
    runs = np.cumsum(starts).reshape(free.shape)
    reached = np.zeros(int(runs[-1, -1]) + 1, np.bool_)
    reached[runs[some]] = True
    spread: BoolArray = free & reached[runs]
    return spread


def _window(toned: FloatArray, other: UInt8Array, drawing: Drawing) -> tuple[slice, slice] | None:
    """The part of a frame around all blocks with many pixels that differ by more than noise, or
    None.
    """
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
        slice(
            max(0, (int(busy_indices[0]) - 2) * _BLOCK),
            min(end, (int(busy_indices[-1]) + 3) * _BLOCK),
        )
        for busy_indices, end in ((ys, height), (xs, width))
    )


def _marked(toned: FloatArray, other: UInt8Array, drawing: Drawing) -> BoolArray:
    evidence = _evidence(toned, other, drawing).max(0)
    floor, bound = np.float32((drawing.noise / 3) ** 2), np.float32((4 * drawing.noise) ** 2)
    np.clip(evidence, -bound, bound, out=evidence)
    # If the clip has the ink's own colour, a pixel alone cannot decide. Wider neighbourhoods decide
    # then; they blur edges.
    decided = _box(evidence, 1)
    for radius in (2, 4, 8):
        unsure = np.abs(decided) < floor
        if not unsure.any():
            break
        decided = np.where(unsure, _box(evidence, radius), decided)
    return _box((decided > floor).astype(np.float32), 2) > 0.5


def _evidence(toned: FloatArray, other: UInt8Array, drawing: Drawing) -> FloatArray:
    """float32[inks, H, W]: squared distance to the clip minus squared distance to the ink, in
    `metric`.
    """
    twice = (2 * (other - toned)) @ drawing.metric
    out = np.empty((len(drawing.inks), *other.shape[:2]), np.float32)
    for number, ink in enumerate(drawing.inks):
        # |r|² - |r - s|² = s · (2 r - s), where r is the pixel's difference and s the difference by the ink.
        step = towards(ink.colour, toned) @ (np.float32(ink.alpha) * drawing.metric)
        np.einsum("hwc,hwc->hw", step, twice - step, out=out[number])
    return out


def _contour_px(drawing: Drawing, frames: Sequence[tuple[UInt8Array, UInt8Array]]) -> int:
    """Width of a contour, measured from the edge of marked areas inwards.

    A layer of pixels of one depth belongs to the contour if more than half of it is drawn more
    strongly, or in another ink, than the inside.
    """
    layers = [_contour_by_depth(clip, other, drawing) for clip, other in frames]
    pixels, outer = (np.sum([layer[part] for layer in layers], axis=0) for part in (0, 1))
    if pixels[-1] < _CORE_PX:
        return 0  # nothing is thick enough to have a core beside a contour
    is_contour = (outer / np.maximum(pixels, 1) >= 0.5).tolist()
    start = 0 if is_contour[0] else 1  # the outermost pixels are blurred with what lies outside
    end = next(
        (depth for depth in range(start, len(is_contour)) if not is_contour[depth]), len(is_contour)
    )
    return end if max(start + 1, 2) <= end <= _DEPTH else 0  # one pixel may be the blur of an edge


def _contour_by_depth(
    clip: UInt8Array, other: UInt8Array, drawing: Drawing
) -> tuple[FloatArray, FloatArray]:
    """Two float32[_DEPTH + 1]: by depth below the edge, the number of pixels and of contour-like
    pixels.

    The last element is for all greater depths.
    """
    pixels, outer = np.zeros(_DEPTH + 1, np.float32), np.zeros(_DEPTH + 1, np.float32)
    toned = in_tone(clip, drawing.tone)
    window = _window(toned, other, drawing)
    if window is None:
        return pixels, outer
    toned, other = toned[window], other[window]
    remaining = _marked(toned, other, drawing)
    fill = _fill_of(drawing, toned, other, remaining)
    if fill is None:
        return pixels, outer
    steps = towards(fill.colour, toned)
    length = np.einsum("hwc,hwc->hw", steps, steps)
    strength = np.einsum("hwc,hwc->hw", steps, other - toned) / np.maximum(length, 1)
    off = length_of((other - with_ink(toned, fill)) @ drawing.metric) > np.float32(
        2 * drawing.noise
    )
    contour = (length > 40**2) & ((strength > (1 + fill.alpha) / 2) | off)
    for depth in range(_DEPTH + 1):
        inside = _eroded(remaining)
        layer = remaining if depth == _DEPTH else remaining & ~inside
        pixels[depth], outer[depth] = layer.sum(), (layer & contour).sum()
        remaining = inside
    return pixels, outer


def _fill_of(drawing: Drawing, toned: FloatArray, other: UInt8Array, mask: BoolArray) -> Ink | None:
    """The ink inside marked areas; None if it is the only ink and opaque, as it hides any
    contour.
    """
    deep = mask
    for _ in range(_DEPTH):
        deep = _eroded(deep)
    if not deep.any():
        return None
    residuals = [
        float(np.abs(other[deep] - with_ink(toned[deep], ink)).mean()) for ink in drawing.inks
    ]
    fill = drawing.inks[int(np.argmin(residuals))]
    return fill if fill.alpha < 0.9 or len(drawing.inks) > 1 else None


def _eroded(mask: BoolArray) -> BoolArray:
    """Removes marked pixels beside an unmarked pixel. The edge of the frame does not count as
    unmarked.
    """
    out = mask.copy()
    out[1:] &= mask[:-1]
    out[:-1] &= mask[1:]
    out[:, 1:] &= mask[:, :-1]
    out[:, :-1] &= mask[:, 1:]
    return out


def _sampled(clip: UInt8Array, other: UInt8Array, *, most: int) -> UInt8Array:
    """uint8[2, P, 3]: pixels of both frames on a regular grid."""
    height, width = clip.shape[:2]
    step = max(1, int(np.ceil(np.sqrt(height * width / most))))
    return np.stack([clip[::step, ::step].reshape(-1, 3), other[::step, ::step].reshape(-1, 3)])


def _box(values: FloatArray, radius: int) -> FloatArray:
    """Mean over a square with sides of 2 · radius + 1; outside the frame, its edge pixels are
    repeated.
    """
    size = 2 * radius + 1
    for axis in (0, 1):
        padding = [(radius, radius) if axis == other else (0, 0) for other in (0, 1)]
        padded = np.pad(values, padding, mode="edge")
        length = values.shape[axis]
        if radius <= 2:
            parts = [
                padded[i : i + length] if axis == 0 else padded[:, i : i + length]
                for i in range(size)
            ]
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
