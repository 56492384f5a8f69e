"""The geometry of a clip: one choice of scale, crop and flip for its frames and its masks."""

from dataclasses import dataclass

import numpy as np

from .index import Int64Array


@dataclass(frozen=True, slots=True)
class Geometry:
    """The frame is scaled to `scaled` (height, width). A window of `size` is cut out at (top,
    left), and mirrored if `flipped`.
    """

    scaled: tuple[int, int]
    top: int
    left: int
    size: tuple[int, int]
    flipped: bool


def whole(height: int, width: int, *, size: tuple[int, int] | None = None) -> Geometry:
    """The whole frame, scaled to `size`."""
    size = size or (height, width)
    return Geometry(scaled=size, top=0, left=0, size=size, flipped=False)


def random_geometry(
    height: int,
    width: int,
    *,
    size: tuple[int, int] | None,
    crop: float,
    flip: float,
    random: np.random.Generator,
) -> Geometry:
    """A random window that keeps the same share, from `crop` to 1, of height and width, mirrored
    with probability `flip`.

    Args:
        size: (height, width) of the clip; None keeps the window's own pixels.
    """
    keep, down, along, mirror = random.random(4)
    share = crop + (1 - crop) * keep
    if size is None:
        scaled, size = (
            (height, width),
            (max(1, round(share * height)), max(1, round(share * width))),
        )
    else:
        scaled = (max(size[0], round(size[0] / share)), max(size[1], round(size[1] / share)))
    top, left = (
        int(at * (length + 1 - window))
        for at, length, window in zip((down, along), scaled, size, strict=True)
    )
    return Geometry(scaled=scaled, top=top, left=left, size=size, flipped=bool(mirror < flip))


def sampled_pixels(geometry: Geometry, height: int, width: int) -> tuple[Int64Array, Int64Array]:
    """The rows int64[H] and columns int64[W] of a frame of height x width whose pixels a mask of
    the clip takes.

    Output row i takes the input row that holds its centre, floor((i + 0.5) · height / scaled
    height); the same for columns.
    """
    rows, columns = (
        (2 * np.arange(first, first + count, dtype=np.int64) + 1) * old // (2 * new)
        for first, count, old, new in zip(
            (geometry.top, geometry.left),
            geometry.size,
            (height, width),
            geometry.scaled,
            strict=True,
        )
    )
    return rows, columns[::-1] if geometry.flipped else columns
