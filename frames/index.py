"""The index of a video: the presentation time of each frame, and the place of each coded frame in
the bytes.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from .orientation import Orientation, orientation_of_rotation

Int64Array = npt.NDArray[np.int64]
Int32Array = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]


class VideoError(ValueError):
    """A video that cannot be read exactly; the message says where, what was found, what was wanted,
    and what to do.
    """


@dataclass(frozen=True, slots=True, eq=False)
class Packets:
    """The coded frames of a video in decode (file) order; P entries each.

    `pts` is unique, in ticks of the stream's time base. The payload of packet i is bytes
    `offset[i]:offset[i] + size[i]` of the file. `keyframe`: a decoder that starts at this packet
    gives every frame with this pts or a later one exactly. `reference`: other frames may need this
    packet. A packet without it can be left out if its own frame is not needed.
    """

    pts: Int64Array
    offset: Int64Array
    size: Int32Array
    keyframe: BoolArray
    reference: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class VideoIndex:
    """Frame i is the i-th displayed frame; `frame_pts` int64[num_frames] is strictly increasing, in
    ticks of `time_base` seconds.

    height and width are those of the decoded frames, without `rotation`. `rotation` is the number
    of degrees clockwise (0, 90, 180, 270) by which a player turns the picture, plus 360 if it
    mirrors the picture first; 0 for any other transformation. `packets` is None if frames can only
    be read through the container. `frames_sha256` is the SHA-256 over the visible bytes of every
    plane of every frame in the video's own pixel format, in presentation order; `perceptual_hash`
    is the hash of `frames.perceptual`, 64 hex digits. Both are empty if the index comes from a row,
    which does not hold them; `orientation` then equals `rotation`.
    """

    height: int
    width: int
    num_frames: int
    fps: float
    frame_pts: Int64Array
    time_base: Fraction
    packets: Packets | None
    codec_name: str
    extradata: bytes
    rotation: int
    frames_sha256: str
    perceptual_hash: str
    orientation: Orientation


INDEX_COLUMNS = (
    *("height", "width", "num_frames", "fps"),
    *("frame_pts", "time_base", "packets", "codec"),
)
"""The columns of a row that `index_from_row` reads."""


def index_from_row(row: Mapping[str, Any]) -> VideoIndex:
    """The index in a row of the dataset; `frames_sha256` and `perceptual_hash` are empty.

    Args:
        row: needs the columns INDEX_COLUMNS.
    """
    codec, time_base = row["codec"], row["time_base"]
    return VideoIndex(
        height=int(row["height"]),
        width=int(row["width"]),
        num_frames=int(row["num_frames"]),
        fps=float(row["fps"]),
        frame_pts=np.asarray(row["frame_pts"], dtype=np.int64),
        time_base=Fraction(int(time_base["num"]), int(time_base["den"])),
        packets=_packets_from_row(row["packets"]),
        codec_name=str(codec["name"]),
        extradata=base64.b64decode(codec["extradata"] or ""),
        rotation=int(codec["rotation"]),
        frames_sha256="",
        perceptual_hash="",
        orientation=orientation_of_rotation(int(codec["rotation"])),
    )


def _packets_from_row(column: Mapping[str, Any] | None) -> Packets | None:
    # Some readers return a null struct as a struct of nulls.
    if column is None or column["pts"] is None:
        return None
    return Packets(
        pts=np.asarray(column["pts"], dtype=np.int64),
        offset=np.asarray(column["offset"], dtype=np.int64),
        size=np.asarray(column["size"], dtype=np.int32),
        keyframe=np.asarray(column["keyframe"], dtype=np.bool_),
        reference=np.asarray(column["reference"], dtype=np.bool_),
    )


def index_to_columns(index: VideoIndex) -> dict[str, Any]:
    """The columns of a row that `index_from_row` reads, as plain Python values."""
    packets = index.packets
    return {
        "height": index.height,
        "width": index.width,
        "num_frames": index.num_frames,
        "fps": index.fps,
        "frame_pts": index.frame_pts.tolist(),
        "time_base": {"num": index.time_base.numerator, "den": index.time_base.denominator},
        "packets": None
        if packets is None
        else {
            "pts": packets.pts.tolist(),
            "offset": packets.offset.tolist(),
            "size": packets.size.tolist(),
            "keyframe": packets.keyframe.tolist(),
            "reference": packets.reference.tolist(),
        },
        "codec": {
            "name": index.codec_name,
            "extradata": base64.b64encode(index.extradata).decode(),
            "rotation": index.rotation,
        },
    }
