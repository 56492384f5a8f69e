"""PNGs that mark one thing: background and one other value."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from .png import MAX_PIXELS, decode_png
from .video import LabelMap, RawError

_COLOURED = (2, 4, 6)


def read_binary_png(data: bytes, *, where: str) -> LabelMap:
    """uint16[H, W] of 0 and 1: marked is 1 or 255 in grey or palette files, white in colour ones (their alpha is not looked at).

    Raises:
        RawError: not a PNG, damaged, more than MAX_PIXELS, or not of two values; 255 beside 1 is "ignore" in some tools.
    """
    if len(data) >= 33 and data[12:16] == b"IHDR" and data[25] in _COLOURED:
        labels = _grey_of_colours(data, where=where)
    else:
        _, labels = decode_png(data, where=where)
    values = np.flatnonzero(np.bincount(labels.reshape(-1)))
    marked = values[values > 0].tolist()
    if marked not in ([], [1], [255]):
        shown = ", ".join(map(str, marked[:5])) + (" and more" if len(marked) > 5 else "")
        raise RawError(
            f"{where}: not binary: values {shown} beside 0; wanted 0 and 1, or 0 and 255: export the mask again"
        )
    return (labels > 0).astype(np.uint16)


def _grey_of_colours(data: bytes, *, where: str) -> LabelMap:
    width, height = struct.unpack(">II", data[16:24])
    if width * height > MAX_PIXELS:
        raise RawError(
            f"{where}: {height}x{width} pixels, at most {MAX_PIXELS} are read; is this a mask of a video frame?"
        )
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.verify()
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            rgb = np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise RawError(f"{where}: a damaged PNG; export or copy this mask again") from error
    if (rgb != rgb[..., :1]).any():
        raise RawError(f"{where}: the PNG has colours, wanted black and white; export the mask again")
    return rgb[..., 0].astype(np.uint16)


def read_binary_file(path: Path) -> LabelMap:
    """As `read_binary_png`, of a file.

    Raises:
        RawError: it cannot be read, or as `read_binary_png`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RawError(f"{path}: cannot be read ({error.strerror}); a mask PNG was wanted here") from error
    return read_binary_png(data, where=str(path))
