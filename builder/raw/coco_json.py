"""Shared code for COCO JSON of videos and of images: tables, names of frames, segmentations."""

from collections.abc import Mapping
from pathlib import PureWindowsPath
from typing import Any

import numpy as np
import numpy.typing as npt

from ...masks import RLEError, decode
from .frame_files import NUMBER
from .json_files import is_whole, shown
from .video import RawError

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")

Segmentation = Mapping[str, Any]
"""size and counts, which are a string or a list of run lengths."""


def named_path(name: object) -> PureWindowsPath:
    """The path of a file name with either kind of slashes; without a suffix if the value is not a
    file name.
    """
    return PureWindowsPath(name if isinstance(name, str) else "")


def is_frame(path: PureWindowsPath) -> bool:
    """Whether a name belongs to a frame's picture in the folder of its video."""
    return bool(
        NUMBER.fullmatch(path.stem) and path.suffix.lower() in PICTURES and path.parent.name
    )


def category_names(categories: list[Any]) -> dict[int, str]:
    """Names of categories by id.

    Raises:
        RawError: an entry that is not a category.
    """
    names: dict[int, str] = {}
    for position, category in enumerate(categories):
        known = (
            isinstance(category, dict)
            and type(category.get("id")) is int
            and isinstance(category.get("name"), str)
        )
        if not known or category["id"] in names:
            raise RawError(
                f"categories[{position}] is {shown(category)}, wanted an id of its own and a name"
            )
        names[category["id"]] = category["name"]
    return names


def check_segmentation(value: object, *, height: int, width: int, where: str, owner: str) -> None:
    """Checks that a value is an RLE of this size; the runs are not checked.

    Args:
        where: its name in messages.
        owner: the thing whose size it must have, "video" or "image".

    Raises:
        RawError: it is not an RLE, or has another size.
    """
    if not isinstance(value, dict) or not isinstance(value.get("counts"), str | list):
        what = "a polygon" if isinstance(value, list) else shown(value)
        raise RawError(
            f"{where} is {what}, wanted an RLE with size and "
            f"counts{', or null' * (owner == 'video')}"
        )
    if value.get("size") != [height, width]:
        text = shown(value.get("size"))
        raise RawError(
            f"{where} has size {text}, the {owner} is [{height}, {width}] (height first)"
        )


def segmentation_bitmap(
    counts: str | list[int], *, height: int, width: int
) -> npt.NDArray[np.uint8]:
    """uint8[height, width] of 0 and 1.

    Raises:
        RLEError: counts is not a mask of this size.
    """
    bitmap: npt.NDArray[np.uint8]
    if isinstance(counts, str):
        (bitmap,) = decode([counts], height=height, width=width)
        return bitmap
    total = height * width
    if not all(is_whole(count, least=0, most=total) for count in counts) or sum(counts) != total:
        raise RLEError(
            f"run lengths {shown(counts)}, wanted whole numbers that sum to {total} = {height} x "
            f"{width} pixels"
        )
    values = (np.arange(len(counts)) % 2).astype(np.uint8)
    bitmap = np.repeat(values, counts).reshape(width, height).T
    return bitmap
