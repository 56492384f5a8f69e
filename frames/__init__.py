"""Video in, frames out: an exact frame index, a reader for any frame, clips for training, and a byte-stable encoder."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from brokenvideos.frames.index import Packets, VideoError, VideoIndex, index_from_row, index_to_columns

if TYPE_CHECKING:
    from brokenvideos.frames.clip_batch import collate, collate_rle, to_device
    from brokenvideos.frames.clip_dataset import clips
    from brokenvideos.frames.clip_state import join_states
    from brokenvideos.frames.encode import encode_video
    from brokenvideos.frames.ingest import index_video
    from brokenvideos.frames.packets import demux_index
    from brokenvideos.frames.reader import frames_from, iter_frames, read_clips, read_frames

__all__ = [
    "Packets",
    "VideoError",
    "VideoIndex",
    "clips",
    "collate",
    "collate_rle",
    "demux_index",
    "encode_video",
    "frames_from",
    "index_from_row",
    "index_to_columns",
    "index_video",
    "iter_frames",
    "join_states",
    "read_clips",
    "read_frames",
    "to_device",
]


_LEAVES = {
    "clips": "clip_dataset",
    "collate": "clip_batch",
    "collate_rle": "clip_batch",
    "demux_index": "packets",
    "encode_video": "encode",
    "frames_from": "reader",
    "index_video": "ingest",
    "iter_frames": "reader",
    "join_states": "clip_state",
    "read_clips": "reader",
    "read_frames": "reader",
    "to_device": "clip_batch",
}


def __getattr__(name: str) -> Any:
    # PyAV and torch take longer to import than many programs run: they load with the first call that needs them.
    if name in _LEAVES:
        return getattr(import_module(f"brokenvideos.frames.{_LEAVES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
