"""Fits the differences of two videos of one scene: tones, codec noise, and colours drawn over one
of them.

Pixels are uint8[2, P, 3] RGB: [0] of the clip, [1] of the other video.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

UInt8Array = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]
Array = TypeVar("Array", bound=npt.NDArray[Any])

ALPHAS = tuple(round(0.15 + 0.05 * step, 2) for step in range(18))
MAX_INKS = 4
MIN_INK_SHARE = 0.08
"""Smallest share, among the pixels that differ by more than noise, of pixels in one ink. A smaller
share is the blur of a contour, or a caption."""
_QUIET = 0.2
"""Noise is measured in this share of the frames, those that differ least."""
_UNMARKED = 0.7
"""This share of a video's pixels, those that differ least, has hardly any marked pixel."""
_MIN_NOISE = 4.0
_TAIL = 10.0
"""Largest ratio of noise to the median difference. It bounds the noise if every frame is marked."""
_BIN = 16
_CLOSE = 0.3
"""An ink explains a pixel if at most this share of its difference remains. Edges are blurred by
more than noise.
"""
_ABOVE_NOISE = 1.6
"""Smallest median difference of an ink's pixels, as a multiple of the noise. Noise alone reaches
about 1.3.
"""


@dataclass(frozen=True, slots=True)
class Ink:
    """A colour that was drawn over the clip.

    Attributes:
        alpha: opacity in (0, 1].
        colour: RGB, each in [0, 255].
        share: share of the differing pixels that this ink explains.
    """

    alpha: float
    colour: tuple[float, float, float]
    share: float

    def __str__(self) -> str:
        return (
            f"rgb({', '.join(f'{value:.0f}' for value in self.colour)}) at alpha {self.alpha:.2f}"
        )


# A sum or a maximum over the three channels goes channel by channel: numpy takes ten times as long
# over an axis of three.


def in_tone(clip: UInt8Array, tone: FloatArray) -> FloatArray:
    toned: FloatArray = clip.astype(np.float32) @ tone[:3]
    for channel in range(3):
        toned[..., channel] += tone[3, channel]
    return toned


def with_ink(toned: FloatArray, ink: Ink) -> FloatArray:
    inked: FloatArray = np.float32(1 - ink.alpha) * toned
    for channel, value in enumerate(np.float32(ink.alpha) * np.asarray(ink.colour, np.float32)):
        inked[..., channel] += value
    return inked


def towards(colour: Sequence[float], toned: FloatArray) -> FloatArray:
    """The differences from the pixels to one colour."""
    steps = np.empty_like(toned)
    for channel, value in enumerate(np.asarray(colour, np.float32)):
        np.subtract(value, toned[..., channel], out=steps[..., channel])
    return steps


def brightest(pixels: Array) -> Array:
    """The largest of the three channels of every pixel."""
    largest: Array = np.maximum(np.maximum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])
    return largest


def darkest(pixels: Array) -> Array:
    """The smallest of the three channels of every pixel."""
    smallest: Array = np.minimum(np.minimum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])
    return smallest


def length_of(vectors: npt.NDArray[np.floating[Any]]) -> FloatArray:
    length: FloatArray = np.sqrt(np.einsum("...c,...c->...", vectors, vectors))
    return length


def identity() -> FloatArray:
    return np.eye(4, 3, dtype=np.float32)


def fit_tone(pixels: UInt8Array) -> FloatArray:
    """float32[4, 3], the tone that maps the clip's colours to those of the other video.

    Least squares over the better half of the pixels, repeated three times. A weak penalty keeps it
    near the identity if the pixels do not determine it.
    """
    clip, shown = pixels[0], pixels[1].astype(np.float32)

    def off(tone: FloatArray) -> FloatArray:
        return brightest(np.abs(shown - in_tone(clip, tone)))

    tone = identity()
    before = float(np.median(off(tone)))
    for _ in range(3):
        difference = off(tone)
        fits = difference <= np.median(difference)
        given = np.concatenate(
            [clip[fits].astype(np.float64), np.ones((int(fits.sum()), 1))], axis=1
        )
        held = np.diag([100.0, 100.0, 100.0, 1e-3]) * len(given)
        tone = np.linalg.solve(
            given.T @ given + held, given.T @ shown[fits] + held @ identity()
        ).astype(np.float32)
    return tone if float(np.median(off(tone))) < 0.8 * before else identity()


def fit_metric(pixels: UInt8Array, tone: FloatArray) -> FloatArray:
    """float32[3, 3], the inverse square root of the differences' covariance, over the pixels that
    differ least.
    """
    differences = (pixels[1] - in_tone(pixels[0], tone)).astype(np.float64)
    metric = np.eye(3)
    for _ in range(3):
        length = np.linalg.norm(differences @ metric, axis=1)
        small = differences[length <= np.quantile(length, _UNMARKED)]
        values, vectors = np.linalg.eigh(small.T @ small / len(small) + np.eye(3))
        metric = vectors @ np.diag(values**-0.5) @ vectors.T
    return metric.astype(np.float32)


def alike(
    pixels: UInt8Array, tone: FloatArray, metric: FloatArray, noise: float
) -> tuple[float, float]:
    """Median difference of a channel in levels, and the correlation of pixels that differ by noise
    only.

    The correlation is 0.0 if these pixels have one flat colour.
    """
    toned = in_tone(pixels[0], tone)
    differences = pixels[1] - toned
    near = length_of(differences @ metric) <= noise
    typical = float(np.median(brightest(np.abs(differences))))
    one, other = toned[near].mean(-1), pixels[1][near].mean(-1)
    if len(one) < 2 or one.std() < 1 or other.std() < 1:
        return typical, 0.0
    return typical, float(np.corrcoef(one, other)[0, 1])


def noise_of(differences: Sequence[FloatArray]) -> float:
    """The 99.9 % quantile of differences in the quietest frames, bounded by their median."""
    loudest = [float(np.quantile(difference, 0.98)) for difference in differences]
    quiet = np.argsort(loudest)[: max(1, round(_QUIET * len(differences)))]
    pooled = np.concatenate([differences[number] for number in quiet])
    return max(
        _MIN_NOISE,
        min(float(np.quantile(pooled, 0.999)), _TAIL * max(1.0, float(np.median(pooled)))),
    )


def fit_inks(
    toned: FloatArray, shown: FloatArray, metric: FloatArray, noise: float
) -> tuple[tuple[Ink, ...], float]:
    """Inks, the one that explains most first, and the share of pixels that they explain
    together.
    """
    total, inks = len(toned), list[Ink]()
    far = length_of((shown - toned) @ metric)
    unexplained = np.ones(total, np.bool_)
    while len(inks) < MAX_INKS and unexplained.sum() > max(50, MIN_INK_SHARE * total):
        ink = _densest(toned[unexplained], shown[unexplained])
        explains = length_of((shown - with_ink(toned, ink)) @ metric) < np.maximum(
            noise, _CLOSE * far
        )
        newly = explains & unexplained
        share = float(newly.sum()) / total
        if share < MIN_INK_SHARE or np.median(far[newly]) < _ABOVE_NOISE * noise:
            break
        inks.append(Ink(ink.alpha, ink.colour, share))
        unexplained &= ~explains
    return tuple(inks), 1.0 if not total else float(1 - unexplained.mean())


def _densest(toned: FloatArray, shown: FloatArray) -> Ink:
    """The ink for which most pixels agree: for each alpha, every pixel gives the colour that was
    drawn.
    """
    best, most = Ink(1.0, (0.0, 0.0, 0.0), 0.0), -1.0
    for alpha in ALPHAS:
        colours = (shown - np.float32(1 - alpha) * toned) / np.float32(alpha)
        inside = (darkest(colours) > -20) & (brightest(colours) < 275)
        if not inside.any():
            continue
        near, count = _crowd(colours[inside])
        if count > most:
            red, green, blue = (float(value) for value in np.clip(np.median(near, axis=0), 0, 255))
            best, most = Ink(alpha, (red, green, blue), 0.0), count
    return best


def _crowd(colours: npt.NDArray[np.floating[Any]]) -> tuple[npt.NDArray[np.floating[Any]], float]:
    """The colours in the fullest bin of two shifted grids, and their number."""
    best = colours[:0]
    for shift in (0, _BIN // 2):
        bins = ((colours + 32 + shift) // _BIN).astype(np.int64)
        keys = (bins[:, 0] << 12) + (bins[:, 1] << 6) + bins[:, 2]
        fullest = np.bincount(keys).argmax()
        in_bin = colours[keys == fullest]
        best = in_bin if len(in_bin) > len(best) else best
    return best, float(len(best))
