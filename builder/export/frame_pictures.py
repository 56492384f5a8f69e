"""Writes frames of a row's video as pictures."""

import io
from collections.abc import Collection
from pathlib import Path
from typing import Any

from PIL import Image

from ...frames import VideoError, iter_frames, where
from .files import write_file
from .layout import Row

FOLDER = "JPEGImages"
"""The folder of frames in DAVIS and YouTube-VIS, as {video_id}/{frame:05d}.jpg. PNGs go there
too.
"""

_JPEG_QUALITY = 95


def picture_name(frame_index: int, suffix: str) -> str:
    """The name of a frame's picture, without folders."""
    return f"{frame_index:05d}.{suffix}"


def write_frames(row: Row, folder: Path, *, frames: Collection[int], suffix: str | None) -> None:
    """Writes frames in their stored orientation, so that masks fit them.

    Args:
        row: a row with the bytes of its video.
        folder: the folder for the pictures of this video.
        frames: frame indices.
        suffix: "png" (exact) or "jpg" (quality 95, colours at full resolution). None: no frames are
            written.

    Raises:
        brokenvideos.VideoError: the video cannot be decoded.
    """
    if suffix is None:
        return
    settings: dict[str, Any] = (
        {"format": "PNG", "compress_level": 1}
        if suffix == "png"
        else {"format": "JPEG", "quality": _JPEG_QUALITY, "subsampling": 0}
    )
    chosen, data = set(frames), row["video"]["bytes"]
    try:
        for frame_index, (_, rgb) in enumerate(iter_frames(data)):
            if frame_index in chosen:
                stream = io.BytesIO()
                Image.fromarray(rgb).save(stream, **settings)
                write_file(folder / picture_name(frame_index, suffix), stream.getvalue())
    except VideoError as error:
        raise VideoError(str(error).replace(where(data), f"video {row['video_id']}")) from error
