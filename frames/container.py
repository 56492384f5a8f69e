"""Opens a video file through its container, and gives the frames that a player would show, in
order.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.stream import VideoStream

from .index import VideoError

VideoSource: TypeAlias = bytes | memoryview | Path
"""The bytes of a video file, or its path."""

MAX_FRAME_PIXELS = 2**26
"""Limit for one frame, 8 times 4K, because a few bytes can declare gigabytes. It is checked before
anything is decoded.
"""

_CONVERTED = frozenset({0, 1, 2, 4, 5, 6, 7, 9})
_MATRICES = {
    8: "YCgCo",
    10: "BT.2020 constant luminance",
    11: "YDzDx",
    13: "chroma-derived constant luminance",
    14: "ICtCp",
}
_MATRICES |= {12: "chroma-derived", 15: "IPT-C2", 16: "YCgCo-Re", 17: "YCgCo-Ro"}
"""The colour matrices of ITU-T H.273 (table 4) that FFmpeg's scaler converts, and names of
others.
"""

REMUX = "Re-mux it with `ffmpeg -i IN -c copy OUT.mp4`, or re-encode it if that does not help."


def where(video: VideoSource) -> str:
    """The name of the video in error messages."""
    return str(video) if isinstance(video, Path) else f"video of {len(video)} bytes"


def plane_rows(plane: VideoPlane) -> npt.NDArray[np.uint8]:
    """uint8[rows, bytes] view of a plane, with the padding at the end of each row."""
    return np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(plane.height, -1)


@contextmanager
def opened(video: VideoSource, *, threads: int = 1) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its main video stream.

    Args:
        threads: number of decoder threads. Usually one, because other processes run in parallel.

    Raises:
        VideoError: not a video file, no video stream, no decoder for it, or frames of more than
            MAX_FRAME_PIXELS.
        OSError: the path cannot be read.
    """
    try:
        container = av.open(str(video) if isinstance(video, Path) else BytesIO(video), "r")
    except (FileNotFoundError, PermissionError, IsADirectoryError):
        raise
    except av.FFmpegError as error:
        raise VideoError(
            f"{where(video)}: not a video file that FFmpeg can open, or cut off before its index. "
            "Copy it again from its source."
        ) from error
    with container:
        # Not streams.video[0]: that may be a cover picture.
        stream = container.streams.best("video")
        if not isinstance(stream, VideoStream):
            raise VideoError(
                f"{where(video)}: no video stream in a {container.format.name} file. Leave the "
                "file out."
            )
        if stream.codec_context is None:
            raise VideoError(
                f"{where(video)}: FFmpeg has no decoder for its video stream. Re-encode it to "
                "H.264."
            )
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > MAX_FRAME_PIXELS:
            raise VideoError(
                f"{where(video)}: frames of {width}x{height}, at most {MAX_FRAME_PIXELS} pixels "
                "are decoded. Scale the video down, or leave the file out."
            )
        # for later frames that are larger
        stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}
        stream.codec_context.thread_count = threads
        yield container, stream


def container_texts(video: VideoSource) -> dict[str, str]:
    """The metadata texts of the container and its video stream by key; if both have a key, the
    container's text.

    Raises:
        VideoError: not a video file. OSError: the file cannot be read.
    """
    with opened(video) as (container, stream):
        return {**stream.metadata, **container.metadata}


def shown_frames(video: VideoSource, *, threads: int = 1) -> Iterator[tuple[int, VideoFrame]]:
    """Yields (pts, frame) of every displayed frame, in order; pts strictly increases.

    Frames that an edit list cuts away are decoded but not displayed.

    Raises:
        VideoError: a frame without a time, out of order, damaged, of another size than the first or
            in colours that cannot be converted; nothing decodes.
    """
    last_pts, size, count = None, None, 0
    with opened(video, threads=threads) as (container, stream):
        decoded = container.decode(stream)
        while True:
            try:
                frame = next(decoded, None)
            except av.FFmpegError as error:
                raise VideoError(
                    f"{where(video)} frame {count}: does not decode ({error.strerror}). "
                    "Copy it again from its source; if it is damaged there too, re-encode what is "
                    "left of it."
                ) from error
            if frame is None:
                break
            size = size or (frame.width, frame.height)
            _check_frame(f"{where(video)} frame {count}", frame, size=size, last_pts=last_pts)
            last_pts = frame.pts
            yield frame.pts, frame  # type: ignore[misc]
            count += 1
    if not count:
        raise VideoError(
            f"{where(video)}: no frame decodes. Copy it again from its source or leave it out."
        )


def _check_frame(
    name: str, frame: VideoFrame, *, size: tuple[int, int], last_pts: int | None
) -> None:
    if frame.pts is None:
        raise VideoError(f"{name}: has no presentation time, every frame needs one. {REMUX}")
    if last_pts is not None and frame.pts <= last_pts:
        raise VideoError(
            f"{name}: presentation time {frame.pts} after {last_pts}, every frame needs a later "
            f"one than the frame before. {REMUX}"
        )
    if (frame.width, frame.height) != size:
        raise VideoError(
            f"{name}: is {frame.width}x{frame.height}, the first frame is {size[0]}x{size[1]}; one "
            "size is wanted. Re-encode the video to one size."
        )
    if frame.colorspace not in _CONVERTED:
        matrix = f"{_MATRICES.get(frame.colorspace, 'unknown')} ({int(frame.colorspace)})"
        raise VideoError(
            f"{name}: its colour matrix is {matrix}, which is not converted to RGB here. If only "
            "its header is wrong, correct that: `ffmpeg -i IN -c copy -bsf:v "
            "h264_metadata=matrix_coefficients=1 OUT` makes it BT.709 (hevc_metadata, av1_metadata "
            "for those); else convert the video with `ffmpeg -i IN -vf zscale=matrix=709 OUT`."
        )
    if frame.is_corrupt:
        raise VideoError(
            f"{name}: is damaged. Copy the video again from its source, or re-encode what is left "
            "of it."
        )
