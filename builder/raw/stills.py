"""Turns still images into videos of one frame, so that image datasets are built and scored like
video datasets.
"""

import io
import tempfile
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from ...frames import VideoError, encode_video
from .video import RawError

STILL_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
CRF = 10
"""Better quality than the encoder's usual 18: marked artifacts may be as small as compression
artifacts.
"""
MAX_PIXELS = 2**26
"""The same limit as for a mask. It is checked on the header, before pixels use memory."""

_FORMATS = ("JPEG", "PNG", "WEBP")


def is_still(path: Path) -> bool:
    """Whether the name is that of an image."""
    return path.suffix.lower() in STILL_SUFFIXES


def still_note(path: Path) -> str:
    """The text in a row's source.notes about the encoded image."""
    return f"one still image, {path.name}, encoded once as H.264 at crf {CRF}"


def encode_still(path: Path) -> bytes:
    """An mp4 of one frame, at 1 frame per second: the image as it is stored, without EXIF rotation
    and without alpha.

    The same image gives the same bytes, as `encode_video` promises.

    Raises:
        VideoError: not a JPEG, PNG or WebP image that can be read, or more than MAX_PIXELS.
            OSError: the file cannot be read.
    """
    try:
        rgb = np.asarray(read_still(path.read_bytes(), where=str(path)).convert("RGB"))
    except RawError as error:
        raise VideoError(str(error)) from error
    with tempfile.TemporaryDirectory(prefix="brokenvideos-still-") as folder:
        video = Path(folder, "still.mp4")
        encode_video(video, [rgb], fps=1, crf=CRF)
        return video.read_bytes()


def read_still(data: bytes, *, where: str) -> Image.Image:
    """The pixels of an image file's content; `where` names it in messages.

    Raises:
        RawError: not a JPEG, PNG or WebP image, damaged, or more than MAX_PIXELS.
    """
    # Pillow only warns about large images; we refuse them.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
                width, height = image.size
                if width * height <= MAX_PIXELS:
                    image.load()
                    return image.copy()
        except Image.DecompressionBombError as error:
            raise RawError(f"{where}: {error}") from error
        except (OSError, SyntaxError, ValueError, EOFError) as error:
            raise RawError(
                f"{where}: not a JPEG, PNG or WebP image, or a damaged one; copy this image again"
            ) from error
    raise RawError(
        f"{where}: {height}x{width} pixels, at most {MAX_PIXELS} are read; scale the image down"
    )


def still_size(path: Path) -> tuple[int, int]:
    """(height, width) of an image file.

    Raises:
        RawError: as `read_still`, or the file cannot be read.
    """
    try:
        width, height = read_still(path.read_bytes(), where=str(path)).size
    except OSError as error:
        raise RawError(
            f"{path}: cannot be read ({error.strerror}); an image was wanted here"
        ) from error
    return height, width
