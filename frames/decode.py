"""Decodes chosen frames of a video with a known index, and only what they need."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from .container import VideoSource, shown_frames, where
from .file_bytes import FileBytes, opened_bytes
from .index import Int64Array, Packets, VideoError, VideoIndex
from .packets import bare_decoder, bare_packet


class PacketsError(Exception):
    """The packets of the index do not give every requested frame; the caller can still read through
    the container.
    """


@dataclass(slots=True)
class _Run:
    """A range of packets for one decoder: from a keyframe to the last requested frame that depends
    on it.
    """

    positions: Int64Array
    wanted_pts: list[int]


def frames_by_packets(
    video: VideoSource, wanted: Sequence[int], index: VideoIndex, *, threads: int = 1
) -> Iterator[tuple[int, VideoFrame]]:
    """(frame_index, frame) of the wanted frames in presentation order; only what they need is
    decoded.

    Args:
        wanted: frame indices, sorted, each once, all in the video.
        threads: number of decoder threads; it does not change the pixels.

    Raises:
        PacketsError: the index has no packets, or they give no frame or another kind of frame for a
            wanted index. Some frames may have been given before the error.
    """
    if index.packets is None:
        raise PacketsError
    frame_of_pts = {int(index.frame_pts[frame_index]): frame_index for frame_index in wanted}
    with opened_bytes(video if isinstance(video, Path) else memoryview(video)) as data:
        for run in _runs(index.packets, list(frame_of_pts)):
            missing = set(run.wanted_pts)
            for frame in _decode(data, index, run.positions, threads=threads):
                if frame.pts not in missing:
                    continue
                if frame.is_corrupt or (frame.height, frame.width) != (index.height, index.width):
                    raise PacketsError
                missing.remove(frame.pts)
                yield frame_of_pts.pop(frame.pts), frame
                if not missing:
                    break
    if frame_of_pts:
        raise PacketsError


def frames_in_sequence(
    video: VideoSource, wanted: Sequence[int], index: VideoIndex | None, *, threads: int = 1
) -> Iterator[tuple[int, VideoFrame]]:
    """The same result as `frames_by_packets`, read through the container: every frame up to the
    last wanted one is decoded.

    Raises:
        VideoError: the video has no such frame, does not decode up to it, or does not match the
            index.
    """
    chosen = set(wanted)
    frame_index = -1
    for frame_index, (pts, frame) in enumerate(shown_frames(video, threads=threads)):
        actual = (pts, frame.height, frame.width)
        if index is not None and actual != (
            index.frame_pts[frame_index],
            index.height,
            index.width,
        ):
            raise _other_video(
                video, frame_index, f"{frame.width}x{frame.height} at time {pts}", index
            )
        if frame_index in chosen:
            yield frame_index, frame
        if frame_index == wanted[-1]:
            return
    if index is not None:
        raise _other_video(video, frame_index + 1, "missing", index)
    raise out_of_range(video, wanted[-1], frame_index + 1)


def require_in_range(
    video: VideoSource, frame_indices: Collection[int], index: VideoIndex | None
) -> None:
    """Checks frame indices against the number of frames in the index, if there is an index.

    Raises:
        VideoError: a frame index out of range.
    """
    num_frames = None if index is None else index.num_frames
    if not frame_indices:
        return
    first, last = min(frame_indices), max(frame_indices)
    if first < 0 or (num_frames is not None and last >= num_frames):
        raise out_of_range(video, first if first < 0 else last, num_frames)


def out_of_range(video: VideoSource, frame_index: int, num_frames: int | None) -> VideoError:
    limit = "" if num_frames is None else f" of {num_frames}"
    valid = "0 or more" if num_frames is None else f"0 to {num_frames - 1}"
    return VideoError(
        f"{where(video)}: frame {frame_index}{limit} asked for, {valid} exist. Ask for frames of "
        "this video only."
    )


def _runs(packets: Packets, wanted_pts: Sequence[int]) -> list[_Run]:
    """One run for each keyframe that wanted frames depend on. Runs with no packet between them are
    joined.

    A presentation time without a packet is in no run.
    """
    position_of_pts = dict(zip(packets.pts.tolist(), range(len(packets.pts)), strict=True))
    starts = np.flatnonzero(packets.keyframe)
    # Frames before the time of the first keyframe (leading pictures of a cut recording) also start
    # at the first packet.
    hang_on = np.maximum(np.searchsorted(packets.pts[starts], wanted_pts, side="right") - 1, 0)
    members: dict[int, list[int]] = {}
    for pts, start in zip(wanted_pts, starts[hang_on].tolist(), strict=True):
        if pts in position_of_pts:
            members.setdefault(start, []).append(pts)
    runs: list[_Run] = []
    for start, times in members.items():
        at = [position_of_pts[pts] for pts in times]
        needed = packets.reference.copy()
        needed[at] = True
        # The decoder is drained after the last wanted packet, so that later ones need not push its
        # frames out.
        positions = start + np.flatnonzero(needed[start : max(at) + 1])
        # A decoder that has decoded everything before can continue, because starting another one
        # costs more than decoding a frame.
        if (
            runs
            and (last := int(runs[-1].positions[-1])) < start
            and not packets.reference[last + 1 : start].any()
        ):
            runs[-1].positions = np.concatenate([runs[-1].positions, positions])
            runs[-1].wanted_pts += times
        else:
            runs.append(_Run(positions, times))
    return runs


def _decode(
    data: memoryview | FileBytes, index: VideoIndex, positions: Int64Array, *, threads: int
) -> Iterator[VideoFrame]:
    decoder, packets = (
        bare_decoder(index.codec_name, index.extradata, threads=threads),
        index.packets,
    )
    if decoder is None or packets is None:
        return
    times, offsets, sizes = (
        column[positions].tolist() for column in (packets.pts, packets.offset, packets.size)
    )
    for pts, offset, size in zip(times, offsets, sizes, strict=True):
        yield from _decoded(decoder, bare_packet(data[offset : offset + size], pts))
    yield from _decoded(decoder, None)


def _decoded(decoder: VideoCodecContext, packet: "Packet[VideoStream] | None") -> list[VideoFrame]:
    try:
        return decoder.decode(packet)
    except av.FFmpegError as error:
        raise PacketsError from error


def _other_video(video: VideoSource, frame_index: int, got: str, index: VideoIndex) -> VideoError:
    return VideoError(
        f"{where(video)} frame {frame_index}: is {got}, its index says "
        f"{index.width}x{index.height} at time {index.frame_pts[frame_index]}. The index belongs "
        "to other bytes: make it again with index_video."
    )
