"""The file of a video on disk: its stored index, and whether the file has changed since."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...builder.work import file_sha256, write_atomic
from ...frames import VideoIndex, index_from_row, index_to_columns, index_video
from ...release import parse_json


@dataclass(frozen=True, slots=True, eq=False)
class VideoFile:
    """A video that was decoded once."""

    path: Path
    sha256: str
    num_bytes: int
    modified_ns: int
    index: VideoIndex

    def looks_unchanged(self) -> bool:
        """Whether the file still has the size and modification time that it had when it was read.
        Fast.

        Raises:
            OSError: the file does not exist any more.
        """
        facts = self.path.stat()
        return (facts.st_size, facts.st_mtime_ns) == (self.num_bytes, self.modified_ns)


def open_video(path: Path, kept: Path) -> VideoFile:
    """The video and its index. The index is read from `kept` if it belongs to the same bytes, else
    made and stored there.

    Raises:
        VideoError: a frame cannot be decoded. OSError: the file cannot be read.
    """
    facts = path.stat()
    sha256 = file_sha256(path)
    index = _read_index(kept, sha256)
    if index is None:
        index = index_video(path)
        write_atomic(kept, json.dumps({"sha256": sha256, **index_to_columns(index)}).encode())
    return VideoFile(path, sha256, facts.st_size, facts.st_mtime_ns, index)


def times_of(index: VideoIndex) -> list[float]:
    """Seconds from the first frame to each frame."""
    ticks = index.frame_pts - index.frame_pts[0]
    return [float(time) for time in np.asarray(ticks, np.float64) * float(index.time_base)]


def _read_index(kept: Path, sha256: str) -> VideoIndex | None:
    try:
        record = parse_json(kept.read_bytes())
        if record["sha256"] != sha256:
            return None
        return index_from_row(record)
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it is made again
