"""Reads the properties of a video from its first frame."""

from dataclasses import dataclass

from .container import VideoSource, opened, shown_frames
from .orientation import Orientation, orientation_of


@dataclass(frozen=True, slots=True)
class Probe:
    """Size in pixels of the stored frames, the rotation that players apply, and FFmpeg's name of
    the codec.
    """

    height: int
    width: int
    orientation: Orientation
    codec_name: str


def probe(video: VideoSource) -> Probe:
    """The size, orientation and codec of a video; one frame is decoded.

    Raises:
        VideoError: no video stream, or its first frame does not decode. OSError: the path cannot be
            read.
    """
    with opened(video) as (_, stream):
        codec_name = stream.codec_context.codec.canonical_name
    _, frame = next(shown_frames(video))
    return Probe(frame.height, frame.width, orientation_of(frame), codec_name)
