"""Renders frames and exact masks from a scene and artifacts. Layers are drawn from far to near, so
a nearer layer cuts a mask.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .artifacts import Artifact, Blur, Motion, Warp
from .backdrops import Strip
from .scene import Body, Scene
from .texture import FloatArray, crop, gaussian_blur, sample

UInt8Array = npt.NDArray[np.uint8]
SOFT_EDGE = 0.25
"""A blurred pixel is marked if the weight of the soft region is above this; below it, grain hides
the change.
"""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A video and its exact labels.

    `frames`: uint8[T, H, W, 3] RGB. `labels`: uint8[T, H, W], the object_id whose artifact shows,
    else 0. `bodies`: uint8[T, H, W], 1 + the index of the body that is seen, 0 where none is.
    """

    frames: UInt8Array
    labels: UInt8Array
    bodies: UInt8Array


@dataclass(frozen=True, slots=True)
class _Patch:
    """A window of the frame and the position of its pixels in a body's own square: u and v
    float32[h, w].
    """

    rows: slice
    columns: slice
    u: FloatArray
    v: FloatArray


def render(scene: Scene, artifacts: Sequence[Artifact]) -> Rendered:
    """The scene with these artifacts; with none, the clean twin of every video made from it."""
    shape = (scene.num_frames, scene.height, scene.width)
    frames, labels, bodies = (
        np.empty((*shape, 3), np.uint8),
        np.zeros(shape, np.uint8),
        np.zeros(shape, np.uint8),
    )
    by_body = {artifact.body_index: artifact for artifact in artifacts}
    for frame_index in range(scene.num_frames):
        grain_share = np.ones(shape[1:], np.float32)
        image = np.zeros((*shape[1:], 3), np.float32)
        for strip in scene.backdrop.behind:
            _lay_strip(image, scene, strip, frame_index)
        for index, body in enumerate(scene.bodies):
            artifact = by_body.get(index)
            if artifact is not None and not artifact.active[frame_index]:
                artifact = None
            patch = _find_patch(scene, body, artifact, frame_index)
            if patch is None:
                continue
            cover = _lay_body(image, body, patch)
            labels[frame_index, patch.rows, patch.columns][cover > 0.5] = 0
            bodies[frame_index, patch.rows, patch.columns][cover > 0.5] = index + 1
            grain_share[patch.rows, patch.columns] += (
                1 - grain_share[patch.rows, patch.columns]
            ) * cover
            if artifact is not None and isinstance(artifact.effect, Blur):
                cover = _lay_blur(
                    image,
                    grain_share,
                    artifact.effect,
                    patch,
                    radius_px=float(body.radius[frame_index]),
                    frame_index=frame_index,
                )
            if artifact is not None:
                labels[frame_index, patch.rows, patch.columns][cover > 0.5] = artifact.object_id
        for strip in scene.backdrop.front:
            cover = _lay_strip(image, scene, strip, frame_index)
            labels[frame_index][cover > 0.5] = 0
            bodies[frame_index][cover > 0.5] = 0
            grain_share += (1 - grain_share) * cover
        frames[frame_index] = _develop(image, scene, grain_share, frame_index)
    return Rendered(frames, labels, bodies)


def _lay_strip(image: FloatArray, scene: Scene, strip: Strip, frame_index: int) -> FloatArray:
    """Covers the image with what the camera sees of a strip; returns the cover float32[H, W]."""
    left, top = strip.margin_px + scene.camera_xy[frame_index] * strip.parallax
    seen = crop(strip.rgba, float(top), float(left), scene.height, scene.width)
    image *= 1 - seen[..., 3:]
    image += seen[..., :3]
    return seen[..., 3]


def _find_patch(
    scene: Scene, body: Body, artifact: Artifact | None, frame_index: int
) -> _Patch | None:
    """The part of the frame in which a body, moved and bent by its artifact, is visible; None if it
    is outside the frame.
    """
    effect = artifact.effect if artifact is not None else None
    offset_x, offset_y = effect.offset_xy[frame_index] if isinstance(effect, Motion) else (0.0, 0.0)
    x, y = float(body.x[frame_index] + offset_x), float(body.y[frame_index] + offset_y)
    radius, angle = float(body.radius[frame_index]), float(body.angle[frame_index])
    reach = radius * (1.42 + (0.8 if isinstance(effect, Warp) else 0.0))
    top, bottom = max(0, int(y - reach)), min(scene.height, int(y + reach) + 2)
    left, right = max(0, int(x - reach)), min(scene.width, int(x + reach) + 2)
    if top >= bottom or left >= right:
        return None
    down = (np.arange(top, bottom, dtype=np.float32)[:, None] + (0.5 - y)) / radius
    across = (np.arange(left, right, dtype=np.float32)[None, :] + (0.5 - x)) / radius
    cosine, sine = np.cos(angle), np.sin(angle)
    u, v = across * cosine + down * sine, down * cosine - across * sine
    if isinstance(effect, Warp):
        u, v = _bend(u, v, effect, frame_index)
    return _Patch(slice(top, bottom), slice(left, right), u, v)


def _bend(
    u: FloatArray, v: FloatArray, warp: Warp, frame_index: int
) -> tuple[FloatArray, FloatArray]:
    """The place in the sprite that gives a pixel of the warped body: two crossed waves and a swirl
    that is 0 at the border.
    """
    strength = warp.strength[frame_index]
    turn = strength * warp.swirl * np.exp(-(u * u + v * v) * 1.2)
    swirled_u, swirled_v = u * np.cos(turn) - v * np.sin(turn), u * np.sin(turn) + v * np.cos(turn)
    drift = 0.15 * frame_index
    wave_u = np.sin(swirled_v * warp.frequency[0] + warp.phase[0] + drift)
    wave_v = np.sin(swirled_u * warp.frequency[1] + warp.phase[1] - drift)
    return swirled_u + strength * wave_u, swirled_v + strength * wave_v


def _lay_body(image: FloatArray, body: Body, patch: _Patch) -> FloatArray:
    """Draws a body over the image; returns its cover float32[h, w] in the patch."""
    size = body.sprite.shape[0]
    seen = sample(body.sprite, (patch.v + 1) * (size / 2) - 0.5, (patch.u + 1) * (size / 2) - 0.5)
    target = image[patch.rows, patch.columns]
    target *= 1 - seen[..., 3:]
    target += seen[..., :3]
    return seen[..., 3]


def _lay_blur(
    image: FloatArray,
    grain_share: FloatArray,
    blur: Blur,
    patch: _Patch,
    *,
    radius_px: float,
    frame_index: int,
) -> FloatArray:
    """Blurs what has been drawn so far in a soft ellipse; returns 1.0 where that shows,
    float32[h, w] in the patch.
    """
    distance = np.hypot(
        (patch.u - blur.centre_uv[0]) / blur.half_size_uv[0],
        (patch.v - blur.centre_uv[1]) / blur.half_size_uv[1],
    )
    ramp = np.clip((1.1 - distance) / 0.25, 0, 1)
    weight = ramp * ramp * (3 - 2 * ramp)
    strength = blur.strength[frame_index]
    target = image[patch.rows, patch.columns]
    blurred = gaussian_blur(target, max(1.0, float(strength) * blur.sigma * radius_px))
    target += (blurred - target) * weight[..., None]
    grain_share[patch.rows, patch.columns] *= 1 - 0.8 * weight
    shows: FloatArray = (weight > SOFT_EDGE).astype(np.float32)
    return shows


def _develop(
    image: FloatArray, scene: Scene, grain_share: FloatArray, frame_index: int
) -> UInt8Array:
    """The image as 8-bit RGB: focus, the generator's colours, grain."""
    defocus_px = float(scene.defocus_px[frame_index])
    if defocus_px > 0.4:
        image = gaussian_blur(image, defocus_px)
    grey = image.mean(axis=2, keepdims=True)
    image = grey + (image - grey) * scene.look.saturation
    levels = (image - 0.5) * (255 * scene.look.contrast) + 127.5
    levels += (scene.grain[frame_index] * scene.look.grain_levels * grain_share)[..., None]
    developed: UInt8Array = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return developed
