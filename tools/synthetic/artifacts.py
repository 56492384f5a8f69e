"""The artifacts of a synthetic video: which body breaks, in which frames, and how.

Outside its active frames an effect does nothing, and in each active frame it is visible, so
"active" is exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .scene import Body, Scene
from .texture import FloatArray, smoothstep

BoolArray = npt.NDArray[np.bool_]
MOTIONS = ("freeze", "teleport", "jitter")


@dataclass(frozen=True, slots=True)
class Motion:
    """Displacement of the body in pixels: float32[T, 2], x and y; zero where inactive."""

    offset_xy: FloatArray


@dataclass(frozen=True, slots=True)
class Warp:
    """Deformation in the body's own square: `strength` float32[T], zero where inactive, of waves
    and a swirl.
    """

    strength: FloatArray
    frequency: tuple[float, float]
    phase: tuple[float, float]
    swirl: float


@dataclass(frozen=True, slots=True)
class Blur:
    """A soft ellipse that follows the body: `strength` float32[T] in [0, 1], zero where inactive;
    sizes in the body's radius.
    """

    strength: FloatArray
    centre_uv: tuple[float, float]
    half_size_uv: tuple[float, float]
    sigma: float


@dataclass(frozen=True, slots=True)
class Artifact:
    """One artifact region followed through the video: a row's object."""

    object_id: int
    artifact_type: str
    body_index: int
    active: BoolArray
    effect: Motion | Warp | Blur


def draw_artifacts(
    rng: np.random.Generator, scene: Scene, artifact_types: Sequence[str]
) -> tuple[Artifact, ...]:
    """One artifact per type name, each on another body, with object ids from 1.

    Args:
        artifact_types: at most as many names (motion, deformation, blur) as the scene has bodies.
    """
    hosts = rng.permutation(len(scene.bodies))[: len(artifact_types)]
    artifacts = []
    for object_id, (artifact_type, host) in enumerate(
        zip(artifact_types, hosts, strict=True), start=1
    ):
        window = _draw_window(rng, scene.num_frames)
        effect = _draw_effect(rng, artifact_type, scene, scene.bodies[int(host)], window)
        changes = effect.offset_xy if isinstance(effect, Motion) else effect.strength[:, None]
        active: BoolArray = (changes != 0).any(axis=1)
        artifacts.append(Artifact(object_id, artifact_type, int(host), active, effect))
    return tuple(artifacts)


def _draw_window(rng: np.random.Generator, num_frames: int) -> slice:
    length = int(rng.integers(max(3, num_frames // 4), max(3, num_frames // 2) + 1))
    first = int(rng.integers(2, max(3, num_frames - length)))
    return slice(first, first + length)


def _draw_effect(
    rng: np.random.Generator, artifact_type: str, scene: Scene, body: Body, window: slice
) -> Motion | Warp | Blur:
    if artifact_type == "motion":
        return Motion(_draw_motion(rng, scene, body, window))
    if artifact_type == "deformation":
        return Warp(
            strength=_ramp(scene.num_frames, window, floor=0.4) * rng.uniform(0.28, 0.4),
            frequency=(rng.uniform(2.2, 3.6), rng.uniform(2.2, 3.6)),
            phase=(rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi)),
            swirl=rng.uniform(2.2, 3.4) * float(rng.choice([-1, 1])),
        )
    return Blur(
        strength=_ramp(scene.num_frames, window, floor=0.7),
        centre_uv=(rng.uniform(-0.15, 0.15), rng.uniform(-0.15, 0.15)),
        half_size_uv=(rng.uniform(0.7, 0.95), rng.uniform(0.7, 0.95)),
        sigma=rng.uniform(0.19, 0.27),
    )


def _ramp(num_frames: int, window: slice, *, floor: float) -> FloatArray:
    """0 outside the window; inside it rises from `floor` to 1, stays, and falls back to `floor` in
    the last frames.
    """
    length = window.stop - window.start
    progress = (np.arange(length, dtype=np.float32) + 0.5) / length
    rise = smoothstep(progress / 0.45) * smoothstep((1 - progress) / 0.2)
    strength = np.zeros(num_frames, np.float32)
    strength[window] = floor + (1 - floor) * rise
    return strength


def _draw_motion(rng: np.random.Generator, scene: Scene, body: Body, window: slice) -> FloatArray:
    path_xy = np.stack([body.x, body.y], axis=1)
    offset_xy = np.zeros((scene.num_frames, 2), np.float32)
    style = MOTIONS[int(rng.integers(len(MOTIONS)))]
    if style == "freeze":
        offset_xy[window] = path_xy[window.start - 1] - path_xy[window]
        # A slow body does not visibly pause, so it moves on until the pause becomes visible.
        hidden = np.hypot(offset_xy[:, 0], offset_xy[:, 1]) < max(1.2, 0.015 * scene.unit_px)
        offset_xy[hidden] = 0
    elif style == "teleport":
        hops = 1 if window.stop - window.start < 6 else 2
        for part in np.array_split(np.arange(window.start, window.stop), hops):
            offset_xy[part] = _draw_landing(rng, scene, body, int(part[0])) - path_xy[part[0]]
    else:
        length = window.stop - window.start
        side = np.where(np.arange(length) % 2 == 0, 1.0, -1.0)
        heading = rng.uniform(0, 2 * np.pi) + rng.uniform(-0.9, 0.9, length)
        size_px = rng.uniform(0.3, 0.5, length) * body.radius[window]
        offset_xy[window] = (side * size_px)[:, None] * np.stack(
            [np.cos(heading), np.sin(heading)], axis=1
        )
    return offset_xy


def _draw_landing(
    rng: np.random.Generator, scene: Scene, body: Body, frame_index: int
) -> FloatArray:
    """A place in the frame that the body does not touch now: the first of 12 tries that is far
    enough, otherwise the furthest.
    """
    radius = float(body.radius[frame_index])
    low, high = (
        np.array([0.7 * radius] * 2),
        np.array([scene.width - 0.7 * radius, scene.height - 0.7 * radius]),
    )
    tries = rng.uniform(low, np.maximum(high, low + 1), (12, 2))
    distance = np.hypot(tries[:, 0] - body.x[frame_index], tries[:, 1] - body.y[frame_index])
    enough = np.flatnonzero(distance > 2 * radius)
    landing: FloatArray = tries[enough[0] if enough.size else distance.argmax()].astype(np.float32)
    return landing
