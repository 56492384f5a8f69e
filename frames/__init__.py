"""Video in, frames out: an exact frame index, a reader for any frame, clips for training, and a byte-stable encoder."""

from typing import TYPE_CHECKING, Any

from brokenvideos.frames.index import Packets, VideoError, VideoIndex, index_from_row, index_to_columns

if TYPE_CHECKING:
    from brokenvideos.frames.clip_dataset import clips
    from brokenvideos.frames.encode import encode_video
    from brokenvideos.frames.ingest import index_video
    from brokenvideos.frames.packets import demux_index
    from brokenvideos.frames.reader import iter_frames, read_frames

__all__ = [
    "Packets",
    "VideoError",
    "VideoIndex",
    "clips",
    "demux_index",
    "encode_video",
    "index_from_row",
    "index_to_columns",
    "index_video",
    "iter_frames",
    "read_frames",
]


def __getattr__(name: str) -> Any:
    # PyAV and torch take longer to import than many programs run: they load with the first call that needs them.
    if name == "clips":
        from brokenvideos.frames.clip_dataset import clips

        return clips
    if name == "encode_video":
        from brokenvideos.frames.encode import encode_video

        return encode_video
    if name == "index_video":
        from brokenvideos.frames.ingest import index_video

        return index_video
    if name == "demux_index":
        from brokenvideos.frames.packets import demux_index

        return demux_index
    if name in ("iter_frames", "read_frames"):
        from brokenvideos.frames import reader

        return getattr(reader, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
