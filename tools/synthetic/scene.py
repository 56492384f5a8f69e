"""The scene of a synthetic video before artifacts are added: a backdrop, a camera, bodies on paths,
grain.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .backdrops import THEMES, Backdrop, Stage
from .sprites import draw_sprite
from .texture import FloatArray, smoothstep

GENERATORS = ("synth-a", "synth-b", "synth-c")
NORMAL_TRAITS = ("calm", "defocus", "fast", "shake")
"""Unusual properties of normal videos that are not artifacts, so that a detector cannot rely only
on sharpness or speed.
"""

CASTS: dict[str, dict[str, str]] = {
    "hills": {"balloon": "A hot-air balloon", "ball": "A beach ball", "leaf": "A falling leaf"},
    "sea": {"fish": "A striped fish", "creature": "A furry creature", "star": "A starfish"},
    "city": {
        "balloon": "A hot-air balloon",
        "creature": "A furry creature",
        "ball": "A beach ball",
    },
    "table": {
        "beetle": "A spotted beetle",
        "crate": "A painted crate",
        "star": "A paper star",
        "ball": "A beach ball",
    },
}
PLACES = {
    "hills": "drifts over rolling hills while the camera pans.",
    "sea": "glides above a sandy sea floor with weeds in front.",
    "city": "floats past a skyline at dusk, street lamps in front.",
    "table": "slides across a wooden table, seen from above.",
}


@dataclass(frozen=True, slots=True)
class Look:
    """The style of one generator: the strength of its colours and of its grain."""

    saturation: float
    contrast: float
    grain_levels: float


LOOKS = {
    "synth-a": Look(1.0, 1.0, 2.0),
    "synth-b": Look(0.82, 1.08, 3.0),
    "synth-c": Look(1.15, 0.94, 1.2),
}


@dataclass(frozen=True, slots=True)
class Body:
    """A body in the scene: its picture, and its position in every frame, in pixels of the frame and
    radians.
    """

    sprite: FloatArray
    x: FloatArray
    y: FloatArray
    radius: FloatArray
    angle: FloatArray


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that a video and its clean twin share. Bodies are in order, far ones first."""

    height: int
    width: int
    num_frames: int
    prompt: str
    backdrop: Backdrop
    camera_xy: FloatArray
    bodies: tuple[Body, ...]
    defocus_px: FloatArray
    look: Look
    grain: npt.NDArray[np.float32]

    @property
    def unit_px(self) -> int:
        """The shorter side of the frame; sizes are relative to it."""
        return min(self.height, self.width)


def make_scene(
    rng: np.random.Generator,
    *,
    height: int,
    width: int,
    num_frames: int,
    generator: str,
    trait: str = "calm",
) -> Scene:
    """A scene, decided only by the random stream.

    Args:
        generator: one of GENERATORS.
        trait: one of NORMAL_TRAITS.
    """
    unit = min(height, width)
    theme = list(THEMES)[int(rng.integers(len(THEMES)))]
    time = np.linspace(0, 1, num_frames, dtype=np.float32)
    pan_px = (
        rng.uniform(0.3, 0.65) * width * rng.choice([-1, 1]) * (1.5 if trait == "fast" else 1.0)
    )
    hand_xy = _sway(rng, time, unit * 0.008)
    if trait == "shake":
        hand_xy = hand_xy + _shake(rng, num_frames, unit * 0.035)
    camera_xy = hand_xy + np.stack([pan_px * (time - 0.5), np.zeros_like(time)], axis=1)
    stage = Stage(height, width, float(np.abs(camera_xy).max()), rng)
    backdrop = THEMES[theme](stage)
    kinds = rng.permutation(list(CASTS[theme]))[: int(rng.integers(2, 4))]
    hue = rng.random()
    bodies = tuple(
        _make_body(
            rng,
            str(kind),
            stage,
            time,
            place=place,
            hue=hue + index / len(kinds),
            hand_xy=hand_xy,
            hurry=1.8 if trait == "fast" else 1.0,
        )
        for index, (place, kind) in enumerate(zip(_places(rng, len(kinds)), kinds, strict=True))
    )
    return Scene(
        height=height,
        width=width,
        num_frames=num_frames,
        prompt=f"{CASTS[theme][str(kinds[-1])]} {PLACES[theme]}",
        backdrop=backdrop,
        camera_xy=camera_xy.astype(np.float32),
        bodies=bodies,
        defocus_px=_focus_pull(rng, time, unit)
        if trait == "defocus"
        else np.zeros(num_frames, np.float32),
        look=LOOKS[generator],
        grain=rng.standard_normal((num_frames, height, width), dtype=np.float32),
    )


def _sway(rng: np.random.Generator, time: FloatArray, size_px: float) -> FloatArray:
    turns, phases = rng.uniform(1, 3, 2), rng.uniform(0, 2 * np.pi, 2)
    return (size_px * np.sin(2 * np.pi * time[:, None] * turns + phases)).astype(np.float32)


def _shake(rng: np.random.Generator, num_frames: int, size_px: float) -> FloatArray:
    steps = rng.uniform(-1, 1, (num_frames + 1, 2))
    return (size_px * (steps[1:] + steps[:-1]) / 2).astype(np.float32)


def _focus_pull(rng: np.random.Generator, time: FloatArray, unit: int) -> FloatArray:
    middle = rng.uniform(0.35, 0.65)
    return (0.03 * unit) * smoothstep(1 - np.abs(time - middle) / 0.35)


def _places(rng: np.random.Generator, count: int) -> Sequence[float]:
    """Heights of the bodies' paths as shares of the frame, spread so that the bodies overlap
    sometimes.
    """
    steps = (np.arange(count) + 0.5) / count
    return [
        float(y) for y in 0.26 + 0.48 * rng.permutation(steps) + rng.uniform(-0.06, 0.06, count)
    ]


def _make_body(
    rng: np.random.Generator,
    kind: str,
    stage: Stage,
    time: FloatArray,
    *,
    place: float,
    hue: float,
    hand_xy: FloatArray,
    hurry: float,
) -> Body:
    unit = min(stage.height, stage.width)
    radius_px = rng.uniform(0.15, 0.23) * unit
    toward = int(rng.choice([-1, 1]))
    travel_px = toward * rng.uniform(0.4, 0.62) * stage.width * hurry
    middle_px = stage.width * rng.uniform(0.42, 0.58)
    bob, phase = rng.uniform(0.02, 0.07) * unit, rng.uniform(0, 2 * np.pi)
    wave = np.sin(2 * np.pi * rng.uniform(0.5, 1.3) * time + phase)
    growth = rng.uniform(-0.18, 0.18)
    upright = kind in ("balloon", "fish", "creature")
    turn = 0.12 * wave if upright else rng.uniform(0.5, 1.6) * toward * time + phase
    sprite = draw_sprite(kind, rng, size_px=max(32, round(radius_px * 2.6)), hue=hue)
    if kind == "fish" and toward < 0:
        sprite = np.ascontiguousarray(sprite[:, ::-1])
    return Body(
        sprite=sprite,
        x=(middle_px + travel_px * (time - 0.5) + hand_xy[:, 0]).astype(np.float32),
        y=(place * stage.height + bob * wave + hand_xy[:, 1]).astype(np.float32),
        radius=(radius_px * (1 + growth * (2 * time - 1))).astype(np.float32),
        angle=turn.astype(np.float32),
    )
