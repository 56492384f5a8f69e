"""Reads the values of one mask PNG."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from .video import LabelMap, RawError

MAX_PIXELS = 2**26
"""Limit for one mask: 8 times a 4K frame, below Pillow's warning. It is checked on the header,
before pixels use memory.
"""

_COLOUR_TYPES = {2: "RGB", 4: "grey with alpha", 6: "RGB with alpha"}
_GREY, _PALETTE = 0, 3
_WHITE, _WHITE_OF_16_BIT = 255, 65535
_DARK_MAX, _BRIGHT_MIN = 31, 224
"""Largest distance from black or white, in each channel, of a palette colour that counts as black
or white.
"""


def read_png(path: Path) -> tuple[str, LabelMap]:
    """Mode and values of a mask file, as `decode_png` gives them.

    Raises:
        RawError: it cannot be read, or as `decode_png`.
    """
    return decode_png(read_file(path), where=str(path))


def read_file(path: Path) -> bytes:
    """The content of a mask file.

    Raises:
        RawError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise RawError(
            f"{path}: cannot be read ({error.strerror}); a mask PNG was wanted here"
        ) from error


def decode_png(data: bytes, *, where: str) -> tuple[str, LabelMap]:
    """The kind of a mask PNG's values, and the values, uint16[H, W]; `where` names the file in
    messages.

    "P": indices of a palette with any colours. "1": 0 and 1. "L": 8-bit grey. Pictures of only
    black and white in another form are "L" too, as 0 and 255: 16-bit grey of 0 and 65535, a palette
    of white first and then only black, and colours or an alpha channel of these two. "I;16": other
    16-bit grey.

    Raises:
        RawError: not a PNG, damaged, more than MAX_PIXELS, or of a kind whose values are not
            labels.
    """
    if len(data) < 33 or not data.startswith(b"\x89PNG\r\n\x1a\n") or data[12:16] != b"IHDR":
        raise RawError(
            f"{where}: not a PNG file; export this mask again as 8-bit grey or palette PNG"
        )
    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    if width * height > MAX_PIXELS:
        raise RawError(
            f"{where}: {height}x{width} pixels, at most {MAX_PIXELS} are read; is this a mask of a "
            "video frame?"
        )
    if colour not in (_GREY, _PALETTE, *_COLOUR_TYPES):
        raise RawError(f"{where}: the PNG is of unknown colour type {colour}, {_WANTED}")
    try:
        # Decoding does not notice every flipped bit (2 % of the bytes of a small file), so verify()
        # checks the CRC of every chunk.
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.verify()
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            palette = bytes(image.palette.palette) if image.palette is not None else b""
            mode, pixels = image.mode, np.asarray(image)
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise RawError(f"{where}: a damaged PNG; export or copy this mask again") from error
    if colour in _COLOUR_TYPES:
        return "L", _black_and_white(pixels, _COLOUR_TYPES[colour], where=where)
    if colour == _GREY and depth in (2, 4) and not _is_binary(pixels, _WHITE):
        # Readers scale such grey to 0..255 (Pillow: 1 of 4 bits becomes 17), so the intended number
        # is unknown.
        raise RawError(
            f"{where}: the PNG is {depth}-bit grey, wanted 8-bit grey or palette; write its object "
            "ids in 8 bits"
        )
    if colour == _PALETTE and (white := _white_of(palette, pixels)) is not None:
        return "L", np.where(white, _WHITE, 0).astype(np.uint16)
    if depth == 16 and pixels.any() and _is_binary(pixels, _WHITE_OF_16_BIT):
        return "L", np.where(pixels, _WHITE, 0).astype(np.uint16)
    return mode, pixels.astype(np.uint16)


def encode_png(labels: LabelMap) -> bytes:
    """A label map as a grey PNG file: 8-bit, or 16-bit if an id is above 255. Equal maps give equal
    bytes.
    """
    image = Image.fromarray(labels if labels.max() > 255 else labels.astype(np.uint8))
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=False, compress_level=6)
    return stream.getvalue()


_WANTED = "wanted 8-bit grey or palette; export object ids, not colours"


def _is_binary(values: npt.NDArray[Any], white: int) -> bool:
    return bool(np.isin(values, (0, white)).all())


def _white_of(palette: bytes, indices: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_] | None:
    """bool[H, W]: pixels that are white; None if the indices are object ids and the palette's
    colours are only for display.

    The colours count in two cases. All of them are near black or near white and white comes first,
    as in a black-and-white picture that was reduced to two colours. Or only indices 0 and 255 are
    used, and they are black and white.
    """
    colours = np.frombuffer(palette, np.uint8)[: len(palette) // 3 * 3].reshape(-1, 3)
    white, black = np.all(colours >= _BRIGHT_MIN, axis=1), np.all(colours <= _DARK_MAX, axis=1)
    if not len(colours) or int(indices.max()) >= len(colours):
        return None
    white_first = bool(white[0] and (white | black).all())
    as_grey = (
        len(colours) > _WHITE
        and black[0]
        and white[_WHITE]
        and indices.any()
        and _is_binary(indices, _WHITE)
    )
    return white[indices] if white_first or as_grey else None


def _black_and_white(pixels: npt.NDArray[Any], kind: str, *, where: str) -> LabelMap:
    """Grey values of a picture in colours, or with alpha, that has only black, white and
    transparent pixels.

    If all pixels have one colour and the alpha channel varies, the mask is the alpha channel.
    Otherwise a transparent pixel is background, and a white one is marked.

    Raises:
        RawError: colours, other greys, or half-transparent pixels.
    """
    *channels, last = np.moveaxis(pixels, -1, 0)
    colours, alpha = (
        (channels, last) if "alpha" in kind else ([*channels, last], np.full_like(last, _WHITE))
    )
    grey = colours[0]
    if any((grey != other).any() for other in colours[1:]):
        raise RawError(f"{where}: the PNG is {kind}, {_WANTED}")
    is_constant = bool((grey == grey.flat[0]).all())
    values = (
        alpha if is_constant and (alpha != alpha.flat[0]).any() else np.where(alpha == 0, 0, grey)
    )
    halves = alpha[(alpha != 0) & (alpha != _WHITE)]
    greys = values[(values != 0) & (values != _WHITE)]
    if len(halves) or (len(greys) and not _is_binary(values, 1)):
        problem = (
            f"{len(halves)} half-transparent pixels"
            if len(halves)
            else f"the grey value {greys.flat[0]}"
        )
        raise RawError(
            f"{where}: the PNG is {kind} with {problem}, {_WANTED}, or black and white alone: draw "
            "the mask without soft edges"
        )
    if grey.any() and alpha.any() and not values.any():
        raise RawError(
            f"{where}: the PNG is {kind}, black where it is opaque and white where it is not; "
            f"{_WANTED}"
        )
    return values.astype(np.uint16)
