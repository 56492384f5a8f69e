"""The values in one mask PNG."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from .video import LabelMap, RawError

MAX_PIXELS = 2**26
"""Of one mask; 8 times a 4K frame, less than Pillow warns of. Checked on the header, before memory is taken for pixels."""

_COLOUR_TYPES = {2: "RGB", 4: "grey with alpha", 6: "RGB with alpha"}
_GREY, _PALETTE = 0, 3


def read_png(path: Path) -> tuple[str, LabelMap]:
    """Pillow's mode of a mask file ("L", "P", "1", "I;16") and its values, uint16[H, W].

    Raises:
        RawError: it cannot be read, or as `decode_png`.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RawError(f"{path}: cannot be read ({error.strerror}); a mask PNG was wanted here") from error
    return decode_png(data, where=str(path))


def decode_png(data: bytes, *, where: str) -> tuple[str, LabelMap]:
    """As `read_png`, of a file's content; `where` names it in messages.

    Values are stored numbers: of a palette file its indices, never its colours; of a 1-bit file 0 and 1.

    Raises:
        RawError: not a PNG, damaged, more than MAX_PIXELS, or of a kind whose numbers are no labels.
    """
    if len(data) < 33 or not data.startswith(b"\x89PNG\r\n\x1a\n") or data[12:16] != b"IHDR":
        raise RawError(f"{where}: not a PNG file; export this mask again as 8-bit grey or palette PNG")
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    if width * height > MAX_PIXELS:
        raise RawError(
            f"{where}: {height}x{width} pixels, at most {MAX_PIXELS} are read; is this a mask of a video frame?"
        )
    if colour not in (_GREY, _PALETTE):
        found = _COLOUR_TYPES.get(colour, f"of unknown colour type {colour}")
        raise RawError(f"{where}: the PNG is {found}, wanted 8-bit grey or palette; export object ids, not colours")
    if colour == _GREY and depth in (2, 4):
        # Readers scale such grey to 0..255 (Pillow: 1 of 4 bits becomes 17), so the number meant is not knowable.
        raise RawError(
            f"{where}: the PNG is {depth}-bit grey, wanted 8-bit grey or palette; write its object ids in 8 bits"
        )
    try:
        # Decoding alone lets a flipped bit through (2 % of the bytes of a small file): verify() checks every chunk's CRC.
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.verify()
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            return image.mode, np.asarray(image).astype(np.uint16)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise RawError(f"{where}: a damaged PNG; export or copy this mask again") from error
