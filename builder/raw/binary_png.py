"""Reads binary mask PNGs, which hold background and one other value."""

from pathlib import Path

import numpy as np

from .foreground import label_values
from .png import decode_png, read_file
from .video import LabelMap, RawError


def read_binary_png(data: bytes, *, where: str) -> LabelMap:
    """uint16[H, W] of 0 and 1. Pixels that `decode_png` reads as 1 or white are marked.

    Raises:
        RawError: not a PNG, damaged, more than MAX_PIXELS, or not of two values; 255 beside 1 is
            "ignore" in some tools.
    """
    _, labels = decode_png(data, where=where)
    marked = [value for value in label_values(labels) if value > 0]
    if marked not in ([], [1], [255]):
        shown = ", ".join(map(str, marked[:5])) + (" and more" if len(marked) > 5 else "")
        raise RawError(
            f"{where}: not binary: values {shown} beside 0; wanted 0 and 1, or 0 and 255: export "
            "the mask again"
        )
    return (labels > 0).astype(np.uint16)


def read_binary_file(path: Path) -> LabelMap:
    """uint16[H, W] of 0 and 1, as `read_binary_png` gives it, from a file.

    Raises:
        RawError: the file cannot be read, or as `read_binary_png`.
    """
    return read_binary_png(read_file(path), where=str(path))
