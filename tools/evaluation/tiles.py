"""Frames of a video with masks painted on them, small enough for a page."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ...builder.raw import find_videos
from ...masks import BoolArray, Colour, UInt8Array, overlay
from ...sampling import find_row
from .truth import AnnotatedVideo, Annotation

TILE_LONG_SIDE_PX = 320
PLAIN_GREY = 96


@dataclass(frozen=True, slots=True)
class Tile:
    """One frame as a JPEG."""

    frame_index: int
    jpeg: bytes
    width: int
    height: int


def painted(frame_index: int, frame: UInt8Array, masks: BoolArray, colours: Sequence[Colour]) -> Tile:
    """A frame with its masks.

    Args:
        frame: uint8[H, W, 3] RGB.
        masks: bool[K, H, W].
        colours: K colours.
    """
    _, height, width = masks.shape
    scale = TILE_LONG_SIDE_PX / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    file = io.BytesIO()
    Image.fromarray(overlay(frame, masks, colours, size=size, line_px=2)).save(file, format="JPEG", quality=82)
    return Tile(frame_index, file.getvalue(), size[1], size[0])


def pictures(
    video: AnnotatedVideo, frames: Sequence[int], annotations: Sequence[Annotation]
) -> Mapping[int, UInt8Array]:
    """Frames of a video, uint8[H, W, 3] RGB, from the first of the annotations that has it; plain grey where none has."""
    for annotation in annotations:
        found = _pictures(video, frames, annotation)
        if found is not None:
            return dict(zip(frames, found, strict=True))
    return dict.fromkeys(frames, np.full((video.height, video.width, 3), PLAIN_GREY, np.uint8))


def _pictures(video: AnnotatedVideo, frames: Sequence[int], annotation: Annotation) -> UInt8Array | None:
    """uint8[N, H, W, 3] RGB; None where the annotation has masks alone."""
    from ...frames import index_from_row, read_frames

    if annotation.kind == "release":
        row = find_row(str(annotation.path), video.video_id)
        return read_frames(row["video"]["bytes"], list(frames), index=index_from_row(row))
    files, _ = find_videos(annotation.path / "videos", raw=annotation.path)
    return read_frames(files[video.video_id], list(frames)) if video.video_id in files else None
