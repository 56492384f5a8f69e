"""Reads frames of a video as RGB arrays: any frames by the index, whole clips in one pass, or all
frames in order.
"""

from collections.abc import Generator, Iterator, Sequence

import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from .container import VideoSource, plane_rows, shown_frames
from .decode import PacketsError, frames_by_packets, frames_in_sequence, require_in_range
from .geometry import Geometry, whole
from .index import Int64Array, VideoIndex

UInt8Array = npt.NDArray[np.uint8]


def read_frames(
    video: VideoSource,
    frame_indices: Sequence[int],
    *,
    index: VideoIndex | None = None,
    size: tuple[int, int] | None = None,
) -> UInt8Array:
    """RGB uint8[T, H, W, 3] of the given frames, in the given order; repeats are allowed, an empty
    list gives T = 0.

    Bit-identical with and without an index, and to a decode from the first frame.

    Args:
        frame_indices: 0-based, in presentation order.
        index: the index of this video, from `index_video` or `index_from_row`. With packets, only
            the needed frames are decoded; without, every frame up to the last given one.
        size: (height, width) of the result; None keeps the video's size. Frames are scaled by
            area-weighted bilinear sampling, with aligned pixel centres: (i + 0.5) / height is the
            same place in both.

    Raises:
        VideoError: a frame index out of range, an index of another video, or a video that cannot be
            read exactly.
    """
    wanted = sorted({int(frame_index) for frame_index in frame_indices})
    require_in_range(video, wanted, index)
    height, width = size or (
        (index.height, index.width) if index is not None else _decoded_size(video)
    )
    out = np.empty((len(wanted), height, width, 3), dtype=np.uint8)
    row_of_frame = dict(zip(wanted, range(len(wanted)), strict=True))
    reformatter = VideoReformatter()
    for frame_index, frame in _either_way(video, wanted, index):
        out[row_of_frame[frame_index]] = _rgb(frame, (height, width), reformatter)
    rows = np.searchsorted(wanted, np.asarray(frame_indices, dtype=np.int64))
    return out if np.array_equal(rows, np.arange(len(wanted))) else out[rows]


def read_clips(
    video: VideoSource,
    clips: Sequence[Sequence[int] | Int64Array],
    *,
    index: VideoIndex,
    geometries: Sequence[Geometry] | None = None,
    threads: int = 1,
) -> Iterator[UInt8Array]:
    """Yields RGB uint8[T, 3, H, W] for each clip, in one pass over the video. Each needed frame is
    decoded once.

    A clip is given when its last frame is decoded and all clips before it are given. So sort clips
    by their first frames: then only overlapping clips are in memory.

    Args:
        clips: frame indices of each clip; repeats are allowed.
        geometries: the geometry of each clip; None: whole frames in their own size.
        threads: number of decoder threads; it does not change the pixels.

    Raises:
        VideoError: as `read_frames`.
    """
    chosen = geometries or [whole(index.height, index.width)] * len(clips)
    places: dict[int, list[tuple[int, int]]] = {}
    for clip, frame_indices in enumerate(clips):
        for place, frame_index in enumerate(frame_indices):
            places.setdefault(int(frame_index), []).append((clip, place))
    require_in_range(video, places, index)
    missing = [{int(frame_index) for frame_index in frame_indices} for frame_indices in clips]
    open_clips: dict[int, UInt8Array] = {}
    reformatter = VideoReformatter()
    given = 0
    for frame_index, frame in _either_way(video, sorted(places), index, threads=threads):
        scaled: dict[tuple[int, int], UInt8Array] = {}
        for clip, place in places[frame_index]:
            if clip < given:
                continue
            geometry = chosen[clip]
            if geometry.scaled not in scaled:
                scaled[geometry.scaled] = _rgb(frame, geometry.scaled, reformatter)
            if clip not in open_clips:
                open_clips[clip] = np.empty((len(clips[clip]), 3, *geometry.size), dtype=np.uint8)
            open_clips[clip][place] = _window(scaled[geometry.scaled], geometry).transpose(2, 0, 1)
            missing[clip].discard(frame_index)
        while given < len(clips) and not missing[given]:
            yield open_clips.pop(given)
            given += 1


def iter_frames(
    video: VideoSource, *, size: tuple[int, int] | None = None
) -> Iterator[tuple[int, UInt8Array]]:
    """(pts, RGB uint8[H, W, 3]) of every frame in presentation order; pts in ticks of the stream's
    time base.

    Args:
        size: as in `read_frames`.

    Raises:
        VideoError: as `index_video`, when decoding reaches the bad frame.
    """
    reformatter = VideoReformatter()
    for pts, frame in shown_frames(video):
        yield pts, _rgb(frame, size or (frame.height, frame.width), reformatter).copy()


def frames_from(
    video: VideoSource, first: int, *, index: VideoIndex
) -> Generator[tuple[int, UInt8Array], None, None]:
    """(frame_index, RGB uint8[H, W, 3]) of frame `first` and all later frames, each decoded when it
    is needed.

    An array is valid until the next frame is requested; copy it to keep it.

    Args:
        index: the index of this video, as in `read_frames`.

    Raises:
        VideoError: as `read_frames`.
    """
    wanted = range(first, index.num_frames)
    require_in_range(video, [first], index)
    reformatter = VideoReformatter()
    for frame_index, frame in _either_way(video, wanted, index):
        yield frame_index, _rgb(frame, (index.height, index.width), reformatter)


def _either_way(
    video: VideoSource, wanted: Sequence[int], index: VideoIndex | None, *, threads: int = 1
) -> Iterator[tuple[int, VideoFrame]]:
    """The frames by their packets. If that fails, all of them are read again through the
    container.
    """
    if not wanted:
        return
    if index is not None:
        by_packets = frames_by_packets(video, wanted, index, threads=threads)
        while True:
            # No yield inside the try: an abandoned loop may end this generator at interpreter exit,
            # when module names are gone.
            try:
                decoded = next(by_packets, None)
            except PacketsError:
                break
            if decoded is None:
                return
            yield decoded
    yield from frames_in_sequence(video, wanted, index, threads=threads)


def _rgb(frame: VideoFrame, size: tuple[int, int], reformatter: VideoReformatter) -> UInt8Array:
    """uint8[H, W, 3], valid until the reformatter's next frame. Colour and size are converted in
    one step.

    One reformatter serves all frames of a call, because making one costs as much as a frame.
    """
    height, width = size
    rgb = reformatter.reformat(
        frame,
        width=width,
        height=height,
        format="rgb24",
        interpolation=Interpolation.BILINEAR,
        threads=1,
    )
    return plane_rows(rgb.planes[0])[:, : width * 3].reshape(height, width, 3)


def _window(rgb: UInt8Array, geometry: Geometry) -> UInt8Array:
    (height, width), top, left = geometry.size, geometry.top, geometry.left
    window = rgb[top : top + height, left : left + width]
    return window[:, ::-1] if geometry.flipped else window


def _decoded_size(video: VideoSource) -> tuple[int, int]:
    _, frame = next(shown_frames(video))
    return frame.height, frame.width
