"""Background and foreground of a scene: strips wider than the frame, which a panning camera shows;
far strips move slower.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .texture import FloatArray, blend, contrast, fractal_noise, hsv, rgb_colour, sample, smoothstep


@dataclass(frozen=True, slots=True)
class Strip:
    """One flat layer.

    `rgba`: float32[h, w, 4], colours multiplied by alpha. `parallax`: its motion in pixels for one
    pixel of camera motion. `margin_px`: its extra width on every side of the frame.
    """

    rgba: FloatArray
    parallax: float
    margin_px: int


@dataclass(frozen=True, slots=True)
class Backdrop:
    """Strips from far to near; the strips in `front` cover the moving bodies."""

    behind: tuple[Strip, ...]
    front: tuple[Strip, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """The frame size, the largest camera motion from its middle, and the random stream that decides
    everything drawn.
    """

    height: int
    width: int
    reach_px: float
    rng: np.random.Generator

    def margin_px(self, parallax: float) -> int:
        """Overhang that a strip of this parallax needs so that the camera never sees its end."""
        return math.ceil(self.reach_px * parallax) + 2

    def grid(self, parallax: float) -> tuple[FloatArray, FloatArray]:
        """Row and column of every strip pixel as shares of the frame: 0 to 1 inside it, beyond that
        in the overhang.
        """
        margin = self.margin_px(parallax)
        rows = (np.arange(self.height + 2 * margin, dtype=np.float32) - margin) / self.height
        columns = (np.arange(self.width + 2 * margin, dtype=np.float32) - margin) / self.width
        return np.broadcast_to(rows[:, None], (rows.size, columns.size)), np.broadcast_to(
            columns, (rows.size, columns.size)
        )

    def noise(self, shape: tuple[int, ...], cell: float, octaves: int = 4) -> FloatArray:
        """Noise whose largest cell is this share of the frame's height."""
        return fractal_noise(
            self.rng, shape[0], shape[1], cell_px=cell * self.height, octaves=octaves
        )

    def strip(self, rgb: FloatArray, alpha: FloatArray | None, parallax: float) -> Strip:
        """Colours float32[h, w, 3] and alpha float32[h, w] (None: opaque) as a strip."""
        rgb = np.clip(rgb, 0, 1)
        cover = np.ones(rgb.shape[:2], np.float32) if alpha is None else alpha
        rgba = np.concatenate([rgb * cover[..., None], cover[..., None]], axis=2).astype(np.float32)
        return Strip(rgba, parallax, self.margin_px(parallax))

    def below(self, rows: FloatArray, line: FloatArray) -> FloatArray:
        """Share of each pixel that lies below a line given as a height per column."""
        return np.clip((rows - line) * self.height + 0.5, 0, 1)


def _textured(colour: FloatArray, noise: FloatArray, depth: float) -> FloatArray:
    """A colour that noise lightens and darkens by up to `depth`."""
    shade: FloatArray = colour * (1 + depth * (noise - 0.5))[..., None]
    return shade


def _hills(stage: Stage) -> Backdrop:
    hue = stage.rng.uniform(0.2, 0.38)
    rows = stage.grid(0.15)[0]
    clouds = smoothstep(contrast(stage.noise(rows.shape, 0.45, 5), 2.4) - 0.25)
    sky = blend(
        hsv(0.58, 0.55, 0.88),
        hsv(stage.rng.uniform(0.05, 0.14), 0.18, 0.98),
        np.clip(rows * 1.5, 0, 1),
    )
    strips = [stage.strip(blend(sky, rgb_colour(0.97, 0.97, 0.96), clouds * 0.8), None, 0.15)]
    for parallax, level, rough in ((0.35, 0.5, 0.22), (0.65, 0.64, 0.16), (1.0, 0.8, 0.1)):
        rows = stage.grid(parallax)[0]
        ridge = (level - rough / 2) + rough * stage.noise((1, rows.shape[1]), 0.7, 3)
        ground = hsv(hue + 0.06 * (1 - parallax), 0.28 + 0.3 * parallax, 0.82 - 0.36 * parallax)
        grass = stage.noise(rows.shape, 0.08 + 0.06 * parallax, 4)
        strips.append(
            stage.strip(
                _textured(ground, contrast(grass, 1.7), 0.75), stage.below(rows, ridge), parallax
            )
        )
    rows = stage.grid(1.6)[0]
    blades = 0.93 + 0.13 * stage.noise((1, rows.shape[1]), 0.035, 2) - 0.07
    blades = blades + 0.1 * stage.noise((1, rows.shape[1]), 0.6, 1)
    near = _textured(hsv(hue + 0.02, 0.75, 0.3), stage.noise(rows.shape, 0.05, 2), 0.7)
    return Backdrop(tuple(strips), (stage.strip(near, stage.below(rows, blades), 1.6),))


def _sea(stage: Stage) -> Backdrop:
    rows, columns = stage.grid(0.3)
    water = blend(hsv(0.5, 0.45, 0.85), hsv(0.6, 0.85, 0.32), np.clip(rows, 0, 1))
    rays = stage.noise((1, rows.shape[1] * 2), 0.16, 2)[0]
    slanted = rays[
        np.clip(
            (columns * stage.width - rows * stage.height * 0.4).astype(np.intp) + rays.size // 3,
            0,
            rays.size - 1,
        )
    ]
    water = water + (contrast(slanted, 2.2) * 0.2 * np.clip(1 - rows, 0, 1))[..., None]
    water = _textured(water, stage.noise(rows.shape, 0.3, 4), 0.25)
    strips = [stage.strip(water, None, 0.3)]
    for parallax, level, value in ((0.6, 0.7, 0.5), (1.0, 0.85, 0.8)):
        rows, columns = stage.grid(parallax)
        dune = level + 0.16 * (stage.noise((1, rows.shape[1]), 0.8, 3) - 0.5)
        ripples = contrast(stage.noise(rows.shape, 0.07, 3), 2.0)
        sand = blend(hsv(0.52, 0.35, value), hsv(0.11, 0.35, value), parallax * np.ones_like(rows))
        strips.append(stage.strip(_textured(sand, ripples, 0.6), stage.below(rows, dune), parallax))
    return Backdrop(tuple(strips), (_weed(stage),))


def _weed(stage: Stage) -> Strip:
    rows, columns = stage.grid(1.5)
    alpha = np.zeros_like(rows)
    for _ in range(int(stage.rng.integers(4, 8))):
        foot, tall = stage.rng.uniform(columns.min(), columns.max()), stage.rng.uniform(0.25, 0.6)
        sway = 0.02 * np.sin(rows * stage.rng.uniform(9, 16) + stage.rng.uniform(0, 6))
        thick = 0.018 * np.clip((rows - (1 - tall)) * 4, 0, 1)
        alpha = np.maximum(
            alpha, np.clip((thick - np.abs(columns - foot - sway)) * stage.width, 0, 1)
        )
    green = _textured(hsv(0.36, 0.8, 0.3), stage.noise(rows.shape, 0.06, 2), 0.9)
    return stage.strip(green, alpha, 1.5)


def _city(stage: Stage) -> Backdrop:
    dusk = stage.rng.uniform(0.0, 0.09)
    rows, columns = stage.grid(0.15)
    sky = blend(hsv(0.66, 0.5, 0.42), hsv(dusk, 0.5, 0.95), np.clip(rows * 1.3, 0, 1))
    sky = _textured(sky, contrast(stage.noise(rows.shape, 0.4, 5), 1.6), 0.3)
    strips = [stage.strip(sky, None, 0.15)]
    for parallax, level, value in ((0.4, 0.42, 0.42), (0.8, 0.6, 0.26)):
        strips.append(_buildings(stage, parallax, level, hsv(0.66 + dusk, 0.35, value)))
    rows, columns = stage.grid(1.2)
    road = _textured(np.full(3, 0.3, np.float32), stage.noise(rows.shape, 0.03, 2), 0.5)
    dashes = (np.abs(rows - 0.955) < 0.012) & (np.floor(columns * 5) % 2 == 0)
    road = blend(road, hsv(0.13, 0.5, 0.9), dashes.astype(np.float32))
    strips.append(
        stage.strip(road, stage.below(rows, np.full((1, rows.shape[1]), 0.88, np.float32)), 1.2)
    )
    rows, columns = stage.grid(1.7)
    period = stage.rng.uniform(0.8, 1.1)
    beside = np.abs((columns + stage.rng.random()) % period - period / 2) * (
        stage.width / stage.height
    )
    post = np.clip((0.024 - beside) * stage.height, 0, 1) * (rows > 0.12)
    lamp = np.clip((0.065 - np.hypot(beside, rows - 0.12)) * stage.height, 0, 1)
    metal = _textured(rgb_colour(0.16, 0.17, 0.2), stage.noise(rows.shape, 0.04, 2), 0.5)
    return Backdrop(
        tuple(strips),
        (stage.strip(blend(metal, rgb_colour(1.0, 0.93, 0.7), lamp), np.maximum(post, lamp), 1.7),),
    )


def _buildings(stage: Stage, parallax: float, level: float, colour: FloatArray) -> Strip:
    rows, columns = stage.grid(parallax)
    count = math.ceil(rows.shape[1] / (0.11 * stage.height)) + 1
    edges = np.sort(stage.rng.uniform(0, rows.shape[1], count))
    house = np.searchsorted(edges, np.arange(rows.shape[1]))
    roofs = (level + stage.rng.uniform(-0.16, 0.16, count + 1)).astype(np.float32)[house]
    shades = stage.rng.uniform(0.75, 1.25, count + 1).astype(np.float32)[house]
    walls = colour * np.broadcast_to(shades, rows.shape)[..., None]
    walls = _textured(walls, stage.noise(rows.shape, 0.05, 3), 0.45)
    cell_rows, cell_columns = rows * 22, columns * (22 * stage.width / stage.height)
    lit = stage.rng.random((64, 64)) < 0.4
    windows = lit[
        np.floor(cell_rows).astype(np.intp) % 64, np.floor(cell_columns).astype(np.intp) % 64
    ]
    windows &= (cell_rows % 1 > 0.35) & (cell_columns % 1 > 0.4) & (rows > roofs + 0.03)
    return stage.strip(
        blend(walls, hsv(0.12, 0.45, 0.95), windows * 0.8),
        stage.below(rows, roofs[None, :]),
        parallax,
    )


def _table(stage: Stage) -> Backdrop:
    rows, columns = stage.grid(1.0)
    planks = rows * stage.rng.uniform(3.2, 4.6) + 0.5
    plank = np.floor(planks).astype(np.intp) % 16
    tones = stage.rng.uniform(0.72, 1.08, 16).astype(np.float32)[plank]
    # Narrow noise that is stretched looks like long fibres; every plank starts at another place in
    # it.
    narrow = fractal_noise(
        stage.rng, rows.shape[0], rows.shape[1] // 4 + 2, cell_px=0.05 * stage.height, octaves=4
    )
    starts = stage.rng.uniform(0, 0.5 * narrow.shape[1], 16).astype(np.float32)[plank]
    fibre_rows = np.broadcast_to(np.arange(rows.shape[0], dtype=np.float32)[:, None], rows.shape)
    fibre = sample(
        narrow[..., None], fibre_rows, starts + (columns - columns[0, 0]) * (stage.width / 12)
    )[..., 0]
    wood = (
        _textured(hsv(stage.rng.uniform(0.06, 0.1), 0.5, 0.66), contrast(fibre, 2.0), 0.6)
        * tones[..., None]
    )
    wood = _textured(wood, stage.noise(rows.shape, 0.5, 2), 0.35)
    gaps = np.abs(planks % 1 - 0.5) > 0.475
    return Backdrop((stage.strip(wood * np.where(gaps, 0.4, 1)[..., None], None, 1.0),), ())


THEMES: dict[str, Callable[[Stage], Backdrop]] = {
    "hills": _hills,
    "sea": _sea,
    "city": _city,
    "table": _table,
}
