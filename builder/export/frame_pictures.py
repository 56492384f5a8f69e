"""Frames of a row's video as pictures."""

import io
from collections.abc import Collection
from pathlib import Path
from typing import Any

from PIL import Image

from ...frames import VideoError, iter_frames, where
from .files import write_file
from .layout import Row

FOLDER = "JPEGImages"
"""Where DAVIS and YouTube-VIS keep frames, {video_id}/{frame:05d}.jpg; pictures of the other kind stand there as well."""

_JPEG_QUALITY = 95


def picture_name(frame_index: int, suffix: str) -> str:
    """The name of a frame's picture, without folders."""
    return f"{frame_index:05d}.{suffix}"


def write_frames(row: Row, folder: Path, *, frames: Collection[int], suffix: str | None) -> None:
    """Writes frames as they are stored in the video, so that masks fit them; nothing where `suffix` is None.

    Args:
        row: with the video's bytes.
        folder: of the pictures of this video.
        frames: the frame indices that are wanted.
        suffix: png (exact) or jpg (quality 95, colours at full size).

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
    wanted, data = set(frames), row["video"]["bytes"]
    try:
        for frame_index, (_, rgb) in enumerate(iter_frames(data)):
            if frame_index in wanted:
                stream = io.BytesIO()
                Image.fromarray(rgb).save(stream, **settings)
                write_file(folder / picture_name(frame_index, suffix), stream.getvalue())
    except VideoError as error:
        raise VideoError(str(error).replace(where(data), f"video {row['video_id']}")) from error
