"""Makes the frame index of a video with one full decode."""

import hashlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.video.frame import VideoFrame

from .container import REMUX, shown_frames, where
from .index import Int64Array, VideoError, VideoIndex
from .orientation import UPRIGHT, orientation_of
from .packets import demux
from .perceptual import frame_hash, hashed_frames
from .proof import visible_planes

_FRAMES_AHEAD = 4
"""Largest number of decoded frames that wait for the digest."""


def index_video(video: bytes | Path) -> VideoIndex:
    """The index of a video, which is decoded once from its first frame to its last.

    `fps` is the average rate: the container's rate if the presentation times agree with it,
    otherwise (num_frames - 1) / duration from the first to the last frame; 0.0 for one frame
    without a rate.

    Raises:
        VideoError: no video stream; a frame that is damaged, has no presentation time, the time of
            another frame or another size; or frames that the container lists but the decoder does
            not give. Programs would read such a file differently.
        OSError: the path cannot be read.
    """
    demuxed = demux(video)
    hashed = hashed_frames(demuxed.frame_pts)
    hashes: dict[int, str] = {}
    times: list[int] = []
    sha256, frame, orientation = hashlib.sha256(), None, UPRIGHT

    def add(frame: VideoFrame) -> None:
        for plane in visible_planes(frame):
            sha256.update(np.ascontiguousarray(plane).data)

    # The digest takes half as long as the decoder, and both release Python's lock, so they run in
    # parallel.
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(1) as beside:
        for pts, frame in shown_frames(video):
            orientation = orientation_of(frame) if not times else orientation
            if len(times) in hashed:
                hashes[len(times)] = frame_hash(frame)
            times.append(pts)
            waiting.append(beside.submit(add, frame))
            if len(waiting) > _FRAMES_AHEAD:
                waiting.popleft().result()
        for added in waiting:
            added.result()
    frame_pts = np.asarray(times, dtype=np.int64)
    if frame is None or not np.array_equal(frame_pts, demuxed.frame_pts):
        raise VideoError(
            f"{where(video)}: the container lists {len(demuxed.frame_pts)} frames and "
            f"{len(frame_pts)} decode{_first_difference(frame_pts, demuxed.frame_pts)}; every "
            "frame must decode. The file is cut off or damaged, or starts in the middle of a "
            f"recording. {REMUX}"
        )
    return VideoIndex(
        height=frame.height,
        width=frame.width,
        num_frames=len(frame_pts),
        fps=_average_rate(frame_pts, demuxed.time_base, demuxed.rate),
        frame_pts=frame_pts,
        time_base=demuxed.time_base,
        packets=demuxed.packets,
        codec_name=demuxed.codec_name,
        extradata=demuxed.extradata,
        rotation=orientation.rotation,
        frames_sha256=sha256.hexdigest(),
        perceptual_hash="".join(hashes[number] for number in hashed),
        orientation=orientation,
    )


def _average_rate(frame_pts: Int64Array, time_base: Fraction, rate: Fraction | None) -> float:
    span = int(frame_pts[-1] - frame_pts[0]) * time_base
    intervals = len(frame_pts) - 1
    # Presentation times are rounded to ticks (1 ms in WebM); the rate in the container is not
    # rounded.
    if rate and (not span or abs(span - intervals / rate) <= time_base):
        return float(rate)
    return float(intervals / span) if span else 0.0


def _first_difference(shown: Int64Array, listed: Int64Array) -> str:
    common = min(len(shown), len(listed))
    different = np.flatnonzero(shown[:common] != listed[:common])
    return f", the first difference at frame {different[0] if len(different) else common}"
