"""Frames of a video as RGB arrays: any frames through the index, or all of them in order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from brokenvideos.frames.container import plane_rows, read_bytes, shown_frames, where
from brokenvideos.frames.index import Int64Array, Packets, VideoError, VideoIndex
from brokenvideos.frames.packets import bare_decoder, bare_packet

UInt8Array = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Run:
    """A stretch of packets that one decoder takes: from a key frame to the last wanted frame that hangs on it."""

    positions: Int64Array
    wanted_pts: Sequence[int]


def read_frames(
    video: bytes | Path,
    frame_indices: Sequence[int],
    *,
    index: VideoIndex | None = None,
    size: tuple[int, int] | None = None,
) -> UInt8Array:
    """RGB uint8[T, H, W, 3] of the frames asked for, in the order asked for; repeats are allowed, an empty list gives T = 0.

    Bit-identical with and without an index, and to a decode from the first frame.

    Args:
        frame_indices: 0-based, in presentation order.
        index: of this video, from `index_video` or `index_from_row`. With its packets only the frames that are needed are
            decoded; without, every frame up to the last one asked for.
        size: (height, width) of the result; None keeps the video's own. Scaled by area-weighted bilinear sampling, pixel centres
            on pixel centres: centre (i + 0.5) / height is the same place in both.

    Raises:
        VideoError: a frame index out of range, an index of another video, or a video that cannot be read exactly.
    """
    wanted = sorted({int(frame_index) for frame_index in frame_indices})
    num_frames = None if index is None else index.num_frames
    if wanted and (wanted[0] < 0 or (num_frames is not None and wanted[-1] >= num_frames)):
        raise _out_of_range(video, wanted[0] if wanted[0] < 0 else wanted[-1], num_frames)
    height, width = size or ((index.height, index.width) if index is not None else _decoded_size(video))
    out = np.empty((len(wanted), height, width, 3), dtype=np.uint8)
    if wanted and not (index is not None and _read_by_packets(out, video, wanted, index)):
        _read_in_sequence(out, video, wanted, index)
    rows = np.searchsorted(wanted, np.asarray(frame_indices, dtype=np.int64))
    return out if np.array_equal(rows, np.arange(len(wanted))) else out[rows]


def iter_frames(video: bytes | Path, *, size: tuple[int, int] | None = None) -> Iterator[tuple[int, UInt8Array]]:
    """(pts, RGB uint8[H, W, 3]) of every frame in presentation order; pts in ticks of the stream's time base.

    Args:
        size: as in `read_frames`.

    Raises:
        VideoError: as `index_video`, when the frame concerned is reached.
    """
    reformatter = VideoReformatter()
    for pts, frame in shown_frames(video):
        height, width = size or (frame.height, frame.width)
        rgb = np.empty((height, width, 3), dtype=np.uint8)
        _convert(rgb, frame, reformatter)
        yield pts, rgb


def _read_by_packets(out: UInt8Array, video: bytes | Path, wanted: Sequence[int], index: VideoIndex) -> bool:
    """Fills `out`; False, with `out` undefined, where the packets do not lead to every wanted frame."""
    if index.packets is None:
        return False
    data = memoryview(read_bytes(video))
    row_of_pts = {int(index.frame_pts[frame_index]): row for row, frame_index in enumerate(wanted)}
    reformatter = VideoReformatter()
    try:
        for run in _runs(index.packets, list(row_of_pts)):
            missing = set(run.wanted_pts)
            for frame in _decode(data, index, run.positions):
                if frame.pts not in missing:
                    continue
                if frame.is_corrupt or (frame.height, frame.width) != (index.height, index.width):
                    return False
                missing.remove(frame.pts)
                _convert(out[row_of_pts.pop(frame.pts)], frame, reformatter)
                if not missing:
                    break
    except av.FFmpegError:
        return False
    return not row_of_pts


def _runs(packets: Packets, wanted_pts: Sequence[int]) -> list[_Run]:
    """One run for each key frame that wanted frames hang on. A time that no packet has is in none of them."""
    position_of_pts = dict(zip(packets.pts.tolist(), range(len(packets.pts)), strict=True))
    starts = np.flatnonzero(packets.keyframe)
    # Frames before the first key frame's time (leading pictures of a cut recording) start at the first packet too.
    hang_on = np.maximum(np.searchsorted(packets.pts[starts], wanted_pts, side="right") - 1, 0)
    members: dict[int, list[int]] = {}
    for pts, start in zip(wanted_pts, starts[hang_on].tolist(), strict=True):
        if pts in position_of_pts:
            members.setdefault(start, []).append(pts)
    runs = []
    for start, times in members.items():
        positions = [position_of_pts[pts] for pts in times]
        needed = packets.reference.copy()
        needed[positions] = True
        # The decoder is drained after the last wanted packet, so that later ones need not push its frames out.
        runs.append(_Run(start + np.flatnonzero(needed[start : max(positions) + 1]), times))
    return runs


def _decode(data: memoryview, index: VideoIndex, positions: Int64Array) -> Iterator[VideoFrame]:
    decoder, packets = bare_decoder(index.codec_name, index.extradata), index.packets
    if decoder is None or packets is None:
        return
    for position in positions:
        offset = int(packets.offset[position])
        payload = data[offset : offset + int(packets.size[position])]
        yield from decoder.decode(bare_packet(payload, int(packets.pts[position])))
    yield from decoder.decode(None)


def _read_in_sequence(out: UInt8Array, video: bytes | Path, wanted: Sequence[int], index: VideoIndex | None) -> None:
    rows = {frame_index: row for row, frame_index in enumerate(wanted)}
    reformatter = VideoReformatter()
    frame_index = -1
    for frame_index, (pts, frame) in enumerate(shown_frames(video)):
        found = (pts, frame.height, frame.width)
        if index is not None and found != (index.frame_pts[frame_index], index.height, index.width):
            raise _other_video(video, frame_index, f"{frame.width}x{frame.height} at time {pts}", index)
        if frame_index in rows:
            _convert(out[rows[frame_index]], frame, reformatter)
        if frame_index == wanted[-1]:
            return
    if index is not None:
        raise _other_video(video, frame_index + 1, "missing", index)
    raise _out_of_range(video, wanted[-1], frame_index + 1)


def _convert(out: UInt8Array, frame: VideoFrame, reformatter: VideoReformatter) -> None:
    """Colour and size in one step; one reformatter for all frames of a call, because making one costs as much as a frame."""
    height, width, _ = out.shape
    rgb = reformatter.reformat(
        frame, width=width, height=height, format="rgb24", interpolation=Interpolation.BILINEAR, threads=1
    )
    out.reshape(height, width * 3)[:] = plane_rows(rgb.planes[0])[:, : width * 3]


def _decoded_size(video: bytes | Path) -> tuple[int, int]:
    _, frame = next(shown_frames(video))
    return frame.height, frame.width


def _out_of_range(video: bytes | Path, frame_index: int, num_frames: int | None) -> VideoError:
    limit = "" if num_frames is None else f" of {num_frames}"
    valid = "0 or more" if num_frames is None else f"0 to {num_frames - 1}"
    return VideoError(
        f"{where(video)}: frame {frame_index}{limit} asked for, {valid} exist. Ask for frames of this video only."
    )


def _other_video(video: bytes | Path, frame_index: int, got: str, index: VideoIndex) -> VideoError:
    return VideoError(
        f"{where(video)} frame {frame_index}: is {got}, its index says {index.width}x{index.height} at time "
        f"{index.frame_pts[frame_index]}. The index belongs to other bytes: make it again with index_video."
    )
