"""Compares the frames that an index gives with those of a plain decode."""

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from .container import VideoSource, plane_rows, shown_frames
from .decode import PacketsError, frames_by_packets, require_in_range
from .index import VideoIndex


def frames_that_differ(
    video: VideoSource, frame_indices: Collection[int], *, index: VideoIndex
) -> list[int]:
    """The indices of frames that differ, in any bit, from a decode that starts at the first frame;
    each frame is read separately.

    Without packets no frame can differ, because all frames are then decoded from the first one on.

    Raises:
        VideoError: a frame index out of range, or a video that does not decode up to the last one.
    """
    require_in_range(video, frame_indices, index)
    if index.packets is None or not frame_indices:
        return []
    wanted, last = set(frame_indices), max(frame_indices)
    differing = []
    for frame_index, (_, frame) in enumerate(shown_frames(video)):
        if frame_index in wanted and not _is_given(frame, frame_index, video, index):
            differing.append(frame_index)
        if frame_index == last:
            break
    return differing


def _is_given(frame: VideoFrame, frame_index: int, video: VideoSource, index: VideoIndex) -> bool:
    """Whether the packets of the index give this frame."""
    try:
        ((_, found),) = frames_by_packets(video, [frame_index], index)
    except PacketsError:
        return False
    if found.format.name != frame.format.name:
        return False
    return all(
        np.array_equal(*pair)
        for pair in zip(visible_planes(found), visible_planes(frame), strict=True)
    )


def visible_planes(frame: VideoFrame) -> Iterator[npt.NDArray[np.uint8]]:
    """uint8[rows, bytes] of each plane, without the decoder's padding, whose content is random."""
    for plane_index, plane in enumerate(frame.planes):
        bits = [
            component.bits
            for component in frame.format.components
            if component.plane == plane_index
        ]
        # Components in a single plane may share bytes (yuyv422); in several planes each sample has
        # whole bytes. A palette has none.
        bits_per_sample = (
            frame.format.padded_bits_per_pixel
            if len(frame.planes) == 1
            else sum((b + 7) // 8 * 8 for b in bits)
        )
        yield (
            plane_rows(plane)[:, : (plane.width * bits_per_sample + 7) // 8]
            if bits
            else plane_rows(plane)
        )
