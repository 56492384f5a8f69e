"""Still images as videos of one frame: datasets that mark images are built and scored like those that mark videos."""

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
"""Finer than the encoder's usual 18: what people marked in an image may be as small as what a coder adds."""
MAX_PIXELS = 2**26
"""As of a mask. Checked on the header, before memory is taken for pixels."""

_FORMATS = ("JPEG", "PNG", "WEBP")


def is_still(path: Path) -> bool:
    """Whether the name is that of an image."""
    return path.suffix.lower() in STILL_SUFFIXES


def still_note(path: Path) -> str:
    """What a row's source.notes says of an image that was encoded."""
    return f"one still image, {path.name}, encoded once as H.264 at crf {CRF}"


def encode_still(path: Path) -> bytes:
    """An mp4 of one frame, at 1 frame per second: the image as it is stored, without the turn that EXIF asks for, without alpha.

    The same image gives the same bytes, as `encode_video` promises.

    Raises:
        VideoError: not a JPEG, PNG or WebP image that can be read, or more than MAX_PIXELS. OSError: the file cannot be read.
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
    # Pillow warns of large images where we refuse them.
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
    raise RawError(f"{where}: {height}x{width} pixels, at most {MAX_PIXELS} are read; scale the image down")


def still_size(path: Path) -> tuple[int, int]:
    """(height, width) of an image file.

    Raises:
        RawError: as `read_still`, or the file cannot be read.
    """
    try:
        width, height = read_still(path.read_bytes(), where=str(path)).size
    except OSError as error:
        raise RawError(f"{path}: cannot be read ({error.strerror}); an image was wanted here") from error
    return height, width
