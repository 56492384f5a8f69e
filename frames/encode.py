"""Encodes frames as an H.264 mp4; the same frames give the same bytes."""

import os
import platform
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    Interpolation,
    VideoReformatter,
)
from av.video.stream import VideoStream

from .index import VideoError

UInt8Array = npt.NDArray[np.uint8]
OnPacket: TypeAlias = "Callable[[Packet[VideoStream], bytes], None]"
"""Called with a coded frame, and the extradata that its decoder needs."""


def encode_video(
    path: Path,
    frames: Iterable[UInt8Array],
    *,
    fps: Fraction | int,
    crf: int = 18,
    gop: int = 12,
    b_frames: int = 2,
    on_packet: "OnPacket | None" = None,
) -> None:
    """Writes an H.264 mp4 to `path`; the file gets this name only when it is complete.

    The bytes depend on the frames, the arguments and the versions of PyAV and its FFmpeg and x264,
    not on the number of cores or the run. They may differ between CPU architectures. Colours are
    BT.709, limited range, and tagged so. Even sizes are stored as yuv420p, which every player
    shows. Odd sizes are stored as yuv444p, which PyAV and FFmpeg read but many browsers do not.

    Args:
        frames: uint8[H, W, 3] RGB, all of one size, at least one.
        fps: frames per second.
        crf: x264's quality, 0 (best) to 51.
        gop: number of frames from one keyframe to the next.
        b_frames: largest number of B-frames in a row.
        on_packet: called with every coded frame, in coding order, and the extradata that a decoder
            needs.

    Raises:
        VideoError: no frames, or a frame of another type or size than the first.
        OSError: the file cannot be written; it names `path`.
    """
    remaining = iter(frames)
    first = next(remaining, None)
    if first is None:
        raise VideoError(f"{path}: no frames to encode, at least one is wanted.")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with av.open(
            str(partial), "w", format="mp4", options={"movflags": "+faststart"}
        ) as container:
            stream = container.add_stream("libx264", rate=Fraction(fps))
            _set_up(stream, first, crf=crf, gop=gop, b_frames=b_frames)
            for frame in _yuv_frames(
                path, chain([first], remaining), stream, time_base=1 / Fraction(fps)
            ):
                _mux(container, stream, stream.encode(frame), on_packet)
            _mux(container, stream, stream.encode(None), on_packet)
        _sync(partial)
        os.replace(partial, path)
    except OSError as error:  # for example a full disk; the error must name the final file
        if error.errno is None or error.filename not in (None, str(partial)):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        partial.unlink(missing_ok=True)


def _mux(
    container: OutputContainer,
    stream: VideoStream,
    packets: "list[Packet[VideoStream]]",
    on_packet: "OnPacket | None",
) -> None:
    for packet in packets:
        if on_packet is not None:  # before the container takes the bytes of the packet
            on_packet(packet, stream.codec_context.extradata or b"")
        container.mux(packet)


def _set_up(stream: VideoStream, first: UInt8Array, *, crf: int, gop: int, b_frames: int) -> None:
    height, width = first.shape[:2]
    stream.height, stream.width = height, width
    stream.pix_fmt = "yuv444p" if height % 2 or width % 2 else "yuv420p"
    context = stream.codec_context
    context.thread_count = 1
    context.color_range = ColorRange.MPEG
    context.colorspace = Colorspace.ITU709
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    # With AVX-512, x264 gives different files for the same frames, even on one thread; its AVX2
    # code always gives one.
    asm = ["asm=AVX2"] if platform.machine().lower() in ("x86_64", "amd64") else []
    params = [
        "threads=1",
        "lookahead-threads=1",
        f"keyint={gop}",
        f"min-keyint={gop}",
        "scenecut=0",
        f"bframes={b_frames}",
    ]
    stream.options = {"preset": "medium", "crf": str(crf), "x264-params": ":".join(params + asm)}


def _yuv_frames(
    path: Path, frames: Iterable[UInt8Array], stream: VideoStream, *, time_base: Fraction
) -> Iterator[VideoFrame]:
    reformatter = VideoReformatter()
    shape = (stream.height, stream.width, 3)
    for frame_index, rgb in enumerate(frames):
        if rgb.dtype != np.uint8 or rgb.shape != shape:
            raise VideoError(
                f"{path} frame {frame_index}: {rgb.dtype}{list(rgb.shape)}, wanted "
                f"uint8{list(shape)}. Give RGB frames of one size."
            )
        source = VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
        frame = reformatter.reformat(
            source,
            format=stream.pix_fmt,
            dst_colorspace=Colorspace.ITU709,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.BILINEAR
            | Interpolation.ACCURATE_RND
            | Interpolation.BITEXACT,
            threads=1,
        )
        frame.pts, frame.time_base = frame_index, time_base
        yield frame


def _sync(path: Path) -> None:
    with path.open("rb+") as file:  # Windows cannot flush a file that is open only for reading
        os.fsync(file.fileno())
