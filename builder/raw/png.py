"""Mask PNGs: the folders and files of a raw folder that hold them, and the values in one file."""

import io
import re
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from ...release import VIDEO_ID
from .video import LabelMap, Problem, RawError
from .video_files import VIDEO_ID_RULE, list_folder

MAX_PIXELS = 2**26
"""Of one mask; 8 times a 4K frame, less than Pillow warns of. Checked on the header, before memory is taken for pixels."""

_MASK_NAME = re.compile(r"([0-9]{5,9})\.png")
_COLOUR_TYPES = {2: "RGB", 4: "grey with alpha", 6: "RGB with alpha"}
_GREY, _PALETTE = 0, 3


def mask_folders(root: Path, *, raw: Path) -> tuple[dict[str, Path], list[Problem]]:
    """Folders directly under `root` by video_id, and what is wrong with its entries."""
    folders: dict[str, Path] = {}
    problems: list[Problem] = []
    for path in list_folder(root):
        where = path.relative_to(raw).as_posix()
        if not path.is_dir():
            problems.append(Problem(where, "not a folder; wanted one folder of PNG masks per video: move it out"))
        elif not VIDEO_ID.fullmatch(path.name):
            problems.append(Problem(where, f"the video_id {path.name!r} is not {VIDEO_ID_RULE}; rename the folder"))
        else:
            folders[path.name] = path
    return folders, problems


def mask_files(folder: Path, *, raw: Path) -> tuple[dict[int, Path], list[Problem]]:
    """The mask files of one video by frame_index, ascending, and every entry of the folder that is none."""
    files: dict[int, Path] = {}
    problems: list[Problem] = []
    for path in list_folder(folder):
        match = _MASK_NAME.fullmatch(path.name)
        if match is None or path.name != f"{int(match[1]):05d}.png" or not path.is_file():
            what = "not a mask file; wanted {frame:05d}.png, such as 00017.png for frame 17 (from 0): rename it or move it out"
            problems.append(Problem(path.relative_to(raw).as_posix(), what))
        else:
            files[int(match[1])] = path
    return dict(sorted(files.items())), problems


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


def encode_png(labels: LabelMap) -> bytes:
    """A label map as a grey PNG file: 8-bit, or 16-bit where an id is over 255. Equal maps give equal bytes."""
    image = Image.fromarray(labels if labels.max() > 255 else labels.astype(np.uint8))
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=False, compress_level=6)
    return stream.getvalue()
