"""The bodies that move through a scene, each drawn once as a square RGBA picture with fine detail
everywhere.

The detail is needed: a warp or a blur of a body with one colour would change no pixel inside it,
and its mask would be wrong.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .texture import FloatArray, blend, contrast, fractal_noise, hsv, rgb_colour, smoothstep


@dataclass(frozen=True, slots=True)
class Canvas:
    """A square to draw on: coordinates u (right) and v (down) in [-1, 1], and one pixel in those
    units.
    """

    u: FloatArray
    v: FloatArray
    pixel: float
    rng: np.random.Generator

    def inside(self, distance: FloatArray) -> FloatArray:
        """Share of each pixel that lies at a negative signed distance."""
        share: FloatArray = np.clip(0.5 - distance / (1.5 * self.pixel), 0, 1)
        return share

    def disk(self, u: float, v: float, radius: float) -> FloatArray:
        """Signed distance to a disk."""
        distance: FloatArray = np.hypot(self.u - u, self.v - v) - radius
        return distance

    def ellipse(self, u: float, v: float, half_width: float, half_height: float) -> FloatArray:
        """About the signed distance to an ellipse."""
        scaled: FloatArray = np.hypot((self.u - u) / half_width, (self.v - v) / half_height)
        return (scaled - 1) * min(half_width, half_height)

    def box(
        self, u: float, v: float, half_width: float, half_height: float, corner: float
    ) -> FloatArray:
        """Signed distance to a box with round corners."""
        across = np.abs(self.u - u) - (half_width - corner)
        down = np.abs(self.v - v) - (half_height - corner)
        beyond = np.hypot(np.maximum(across, 0), np.maximum(down, 0))
        distance: FloatArray = beyond + np.minimum(np.maximum(across, down), 0) - corner
        return distance


@dataclass(frozen=True, slots=True)
class Drawing:
    """The drawing of a kind of body: a signed distance float32[S, S] and colours
    float32[S, S, 3].
    """

    distance: FloatArray
    rgb: FloatArray


@dataclass(frozen=True, slots=True)
class Paints:
    """Two colours that contrast in lightness, and a dark one for details."""

    light: FloatArray
    strong: FloatArray
    dark: FloatArray


WHITE = np.ones(3, np.float32)


def _bands(phase: FloatArray) -> FloatArray:
    """Soft-edged stripes in [0, 1]; one pair of stripes for every unit of phase."""
    return smoothstep(np.sin((2 * np.pi) * phase) * 2.5 + 0.5)


def _ball(canvas: Canvas, paints: Paints) -> Drawing:
    angle = np.arctan2(canvas.v, canvas.u) / (2 * np.pi)
    radius = np.hypot(canvas.u, canvas.v)
    rgb = blend(paints.light, paints.strong, _bands(angle * 4 + radius * 0.35))
    rgb = blend(rgb, paints.dark, canvas.inside(np.abs(radius - 0.56) - 0.05))
    return Drawing(
        canvas.disk(0, 0, 0.94), blend(rgb, WHITE, canvas.inside(canvas.disk(0, 0, 0.2)))
    )


def _fish(canvas: Canvas, paints: Paints) -> Drawing:
    body = canvas.ellipse(0.12, 0, 0.8, 0.5)
    tail = np.maximum(np.abs(canvas.v) + (canvas.u + 0.38) * 0.95, -(canvas.u + 0.97))
    fin = np.maximum(canvas.ellipse(0.0, -0.42, 0.38, 0.3), canvas.v + 0.2)
    rgb = blend(paints.strong, paints.light, _bands(canvas.u * 2.4 + canvas.v * canvas.v * 0.8))
    scales = _bands(canvas.u * 7 + canvas.v * 3) * _bands(canvas.u * 7 - canvas.v * 3)
    rgb = blend(rgb, paints.dark, scales * 0.4)
    rgb = blend(
        rgb,
        paints.dark,
        canvas.inside(np.maximum(-canvas.ellipse(0.12, 0, 0.83, 0.53), -body)) * 0.5,
    )
    rgb = blend(rgb, WHITE, canvas.inside(canvas.disk(0.6, -0.12, 0.15)))
    rgb = blend(rgb, np.zeros(3, np.float32), canvas.inside(canvas.disk(0.63, -0.12, 0.08)))
    return Drawing(np.minimum(np.minimum(body, tail), fin), rgb)


def _balloon(canvas: Canvas, paints: Paints) -> Drawing:
    envelope = canvas.disk(0, -0.24, 0.7)
    skirt = np.maximum(np.abs(canvas.u) + canvas.v * 0.62 - 0.6, np.abs(canvas.v - 0.3) - 0.3)
    basket = canvas.box(0, 0.82, 0.19, 0.13, 0.04)
    ropes = np.maximum(np.abs(np.abs(canvas.u) - 0.16) - 0.03, np.abs(canvas.v - 0.62) - 0.14)
    bulge = np.sqrt(np.maximum(0.75**2 - (canvas.v + 0.24) ** 2, 0.03))
    gores = np.arcsin(np.clip(canvas.u / bulge, -1, 1)) / np.pi
    rgb = blend(paints.light, paints.strong, _bands(gores * 4 + 0.25))
    rgb = blend(
        rgb, paints.dark, _bands(canvas.v * 5) * canvas.inside(np.abs(canvas.v + 0.15) - 0.2) * 0.55
    )
    wicker = blend(
        rgb_colour(0.5, 0.32, 0.16),
        rgb_colour(0.8, 0.6, 0.35),
        _bands(canvas.u * 8) * _bands(canvas.v * 8),
    )
    rgb = blend(rgb, wicker, canvas.inside(0.55 - canvas.v))
    return Drawing(np.minimum(np.minimum(envelope, skirt), np.minimum(basket, ropes)), rgb)


def _beetle(canvas: Canvas, paints: Paints) -> Drawing:
    shell = canvas.ellipse(0, 0.12, 0.72, 0.8)
    head = canvas.disk(0, -0.68, 0.27)
    feelers = np.maximum(
        np.abs(np.abs(canvas.u) - ((-0.8) - canvas.v) - 0.1) - 0.05, canvas.v + 0.72
    )
    feelers = np.maximum(feelers, (-0.98) - canvas.v)
    rgb = blend(paints.strong, paints.strong * 0.6, _bands(canvas.v * 6 + np.abs(canvas.u) * 3))
    for u, v, radius in ((0.33, -0.22, 0.15), (0.42, 0.2, 0.17), (0.22, 0.55, 0.14)):
        spots = np.hypot(np.abs(canvas.u) - u, canvas.v - v) - radius
        rgb = blend(rgb, paints.light, canvas.inside(spots))
        rgb = blend(rgb, paints.dark, canvas.inside(spots + 0.08))
    rgb = blend(rgb, paints.dark, canvas.inside(np.abs(canvas.u) - 0.045))
    rgb = blend(
        rgb, paints.dark, canvas.inside(np.minimum(np.minimum(head, feelers), canvas.v + 0.55))
    )
    eyes = np.hypot(np.abs(canvas.u) - 0.13, canvas.v + 0.76) - 0.07
    return Drawing(
        np.minimum(np.minimum(shell, head), feelers), blend(rgb, WHITE, canvas.inside(eyes))
    )


def _leaf(canvas: Canvas, paints: Paints) -> Drawing:
    blade = np.hypot(canvas.u, np.abs(canvas.v) + 0.52) - 1.06
    veins = _bands(canvas.u * 3.2 - np.abs(canvas.v) * 2.6)
    rgb = blend(paints.strong, paints.light, veins)
    rgb = blend(rgb, paints.dark, canvas.inside(np.abs(canvas.v) - 0.05))
    return Drawing(blade, rgb)


def _crate(canvas: Canvas, paints: Paints) -> Drawing:
    edge = np.maximum(np.abs(canvas.u), np.abs(canvas.v))
    wood = fractal_noise(canvas.rng, *canvas.u.shape, cell_px=canvas.u.shape[0] / 6, octaves=3)
    rgb = blend(paints.light, paints.strong, contrast(wood, 1.8))
    rgb = blend(rgb, paints.dark, _bands(canvas.v * 2.6 + 0.1) * 0.55)
    frame = canvas.inside(np.minimum(0.5 - edge, np.abs(np.abs(canvas.u) - np.abs(canvas.v)) - 0.1))
    rgb = blend(rgb, blend(paints.light, WHITE, wood), frame * 0.85)
    nails = np.hypot(np.abs(canvas.u) - 0.63, np.abs(canvas.v) - 0.63) - 0.06
    return Drawing(
        canvas.box(0, 0, 0.78, 0.78, 0.1), blend(rgb, paints.dark * 0.5, canvas.inside(nails))
    )


def _creature(canvas: Canvas, paints: Paints) -> Drawing:
    angle, radius = np.arctan2(canvas.v, canvas.u), np.hypot(canvas.u, canvas.v)
    lobes = canvas.rng.uniform(0, 2 * np.pi, 3).astype(np.float32)
    outline = 0.8 + sum(
        (0.055 * np.cos(angle * (k + 2) + phase) for k, phase in enumerate(lobes)), start=0
    )
    fur = contrast(
        fractal_noise(canvas.rng, *canvas.u.shape, cell_px=canvas.u.shape[0] / 5, octaves=3), 3.2
    )
    rgb = blend(paints.strong, paints.light, fur)
    side = np.abs(canvas.u) - 0.28
    rgb = blend(rgb, WHITE, canvas.inside(np.hypot(side, canvas.v + 0.2) - 0.2))
    rgb = blend(rgb, np.zeros(3, np.float32), canvas.inside(np.hypot(side, canvas.v + 0.16) - 0.1))
    mouth = np.maximum(np.abs(np.hypot(canvas.u, canvas.v - 0.1) - 0.34) - 0.055, 0.2 - canvas.v)
    return Drawing(radius - outline, blend(rgb, paints.dark * 0.4, canvas.inside(mouth)))


def _star(canvas: Canvas, paints: Paints) -> Drawing:
    angle, radius = np.arctan2(canvas.u, -canvas.v), np.hypot(canvas.u, canvas.v)
    fold = np.abs((angle / (2 * np.pi) * 5 + 0.5) % 1 - 0.5) * (2 * np.pi / 5)
    across, along = np.sin(fold) * radius, np.cos(fold) * radius
    distance = (along - 0.9) * 0.53 + across * 0.85
    rgb = blend(paints.light, paints.strong, _bands(distance * 3.2))
    facets = ((angle / (2 * np.pi) * 5) % 1 < 0.5).astype(np.float32)
    return Drawing(distance, blend(rgb, paints.dark, facets * 0.35))


KINDS: dict[str, Callable[[Canvas, Paints], Drawing]] = {
    "ball": _ball,
    "fish": _fish,
    "balloon": _balloon,
    "beetle": _beetle,
    "leaf": _leaf,
    "crate": _crate,
    "creature": _creature,
    "star": _star,
}


def draw_sprite(kind: str, rng: np.random.Generator, *, size_px: int, hue: float) -> FloatArray:
    """A picture float32[size_px, size_px, 4] of one thing, colours multiplied by alpha, transparent
    along its border.

    Args:
        kind: one of KINDS.
        size_px: side of the square that [-1, 1] x [-1, 1] is drawn on.
        hue: hue of its strong colour, in turns.
    """
    axis = ((np.arange(size_px, dtype=np.float32) + 0.5) / size_px) * 2 - 1
    u, v = np.meshgrid(axis, axis)
    canvas = Canvas(u, v, 2.0 / size_px, rng)
    paints = Paints(
        light=hsv(hue + rng.uniform(-0.12, 0.12), rng.uniform(0.12, 0.4), 1.0),
        strong=hsv(hue, rng.uniform(0.75, 0.95), rng.uniform(0.6, 0.85)),
        dark=hsv(hue + rng.uniform(0.3, 0.7), 0.7, 0.22),
    )
    drawing = KINDS[kind](canvas, paints)
    depth = smoothstep(-drawing.distance / 0.45)
    light = 0.62 + 0.42 * depth - 0.16 * u - 0.2 * v
    speckle = fractal_noise(rng, size_px, size_px, cell_px=size_px / 9, octaves=3)
    rgb = np.clip(drawing.rgb * (light * (0.7 + 0.6 * speckle))[..., None], 0, 1)
    shine = np.exp(-(((u + 0.35) ** 2 + (v + 0.4) ** 2) / 0.05)) * 0.35
    rgb = blend(rgb, WHITE, shine * depth)
    alpha = canvas.inside(drawing.distance)
    alpha[[0, -1], :] = 0
    alpha[:, [0, -1]] = 0
    return np.concatenate([rgb * alpha[..., None], alpha[..., None]], axis=2).astype(np.float32)
