"""Paints masks over a frame: one colour per artifact type, one shade per object, a translucent fill
and a sharp line.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

UInt8Array = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]
Colour = tuple[int, int, int]

TYPE_COLOURS: dict[str, Colour] = {
    "motion": (213, 94, 0),
    "deformation": (86, 180, 233),
    "blur": (240, 228, 66),
}
"""Vermilion, sky blue and yellow of a palette that people with any colour vision can distinguish.

Source: Okabe and Ito, "Color Universal Design" (2008), https://jfly.uni-koeln.de/color/.
"""

NOT_GIVEN_COLOUR: Colour = (204, 121, 167)
"""Reddish purple of the same palette, for objects whose type is not given."""

LABEL_COLOURS: dict[str, Colour] = {"normal": (0, 158, 115), "broken": (204, 62, 62)}
"""Colours of the label of a whole video."""

_SHADES = ((255, 0.0), (255, 0.5), (0, 0.38), (255, 0.75))
_FILL = 0.38
_HALO = 0.65


def type_colour(artifact_type: str) -> Colour:
    """The colour of an artifact type by its name; `NOT_GIVEN_COLOUR` for any other name."""
    return TYPE_COLOURS.get(artifact_type, NOT_GIVEN_COLOUR)


def object_colours(artifact_types: Sequence[str]) -> list[Colour]:
    """One colour per object, in the given order: the type's colour for its first object, then
    lighter and darker shades.

    Args:
        artifact_types: one key of TYPE_COLOURS per object, or another name if the type is not
            given.
    """
    colours = []
    for index, artifact_type in enumerate(artifact_types):
        toward, share = _SHADES[artifact_types[:index].count(artifact_type) % len(_SHADES)]
        red, green, blue = (round(c + (toward - c) * share) for c in type_colour(artifact_type))
        colours.append((red, green, blue))
    return colours


def overlay(
    frame: UInt8Array,
    masks: BoolArray,
    colours: Sequence[Colour],
    *,
    size: tuple[int, int],
    line_px: int = 2,
) -> UInt8Array:
    """The frame at another size with its masks on it: uint8[height, width, 3].

    Enlarged masks keep square pixels, so that one can see which pixels are marked. In a shrunk
    mask, a pixel is marked if at least a quarter of its source pixels are. The line is inside the
    mask, with a thin dark line outside it.

    Args:
        frame: uint8[H, W, 3] RGB.
        masks: bool[K, H, W], painted in this order.
        colours: K colours.
        size: (height, width) of the result.
        line_px: width of the line in pixels of the result.
    """
    height, width = size
    image = np.asarray(
        Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC)
    ).astype(np.float32)
    painted = [
        (_resize(mask, height, width), np.array(colour, np.float32))
        for mask, colour in zip(masks, colours, strict=True)
        if mask.any()
    ]
    for scaled, paint in painted:
        image[scaled] += (paint - image[scaled]) * _FILL
    # Draw all lines after all fills, so that an outline is visible inside another mask.
    for scaled, paint in painted:
        image[_grow(scaled, 1) & ~scaled] *= 1 - _HALO
        image[scaled & _grow(~scaled, line_px)] = paint
    return np.rint(image).astype(np.uint8)


def _resize(mask: BoolArray, height: int, width: int) -> BoolArray:
    grey = Image.fromarray(mask.astype(np.uint8) * 255)
    # BOX gives nearest neighbour when it enlarges, and the share of marked pixels when it shrinks.
    scaled: BoolArray = np.asarray(grey.resize((width, height), Image.Resampling.BOX)) >= 64
    return scaled


def _grow(mask: BoolArray, steps: int) -> BoolArray:
    """The mask, and all pixels that are at most so many steps up, down, left or right from it."""
    for _ in range(steps):
        grown = mask.copy()
        grown[1:] |= mask[:-1]
        grown[:-1] |= mask[1:]
        grown[:, 1:] |= mask[:, :-1]
        grown[:, :-1] |= mask[:, 1:]
        mask = grown
    return mask
