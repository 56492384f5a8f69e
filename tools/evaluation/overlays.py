"""The videos that a prediction fails on most, as frames with what it hit, missed and marked for nothing."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ...builder.raw import find_videos
from ...masks import BoolArray, Colour, UInt8Array, decode, empty, overlay
from ...sampling import find_row
from .evaluation import Evaluation, VideoScores
from .predictions import PredictedVideo, Values, find_predictions
from .truth import AnnotatedVideo, Annotation, read_annotation

COLOURS: dict[str, Colour] = {"hit": (0, 158, 115), "missed": (213, 94, 0), "false": (240, 228, 66)}
"""Bluish green, vermilion and yellow of the palette of Okabe and Ito, as in masks/overlay.py."""

NUM_BROKEN, NUM_NORMAL, FRAMES_PER_VIDEO = 6, 2, 5
TILE_LONG_SIDE_PX = 320
PLAIN_GREY = 96


@dataclass(frozen=True, slots=True)
class Tile:
    """One frame as a JPEG."""

    frame_index: int
    jpeg: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class WorstVideo:
    """One video with what there is to see of it."""

    scores: VideoScores
    tiles: tuple[Tile, ...]


def worst_videos(
    evaluation: Evaluation, *, truth: Path, predictions: Path, values: Values, void: int | None = None
) -> list[WorstVideo]:
    """The broken videos with the lowest J&F in active frames, then the normal ones with the largest false area.

    A truth without videos is drawn on grey.
    """
    chosen = _choose(evaluation.videos)
    annotation = read_annotation(truth, void=void)
    source = find_predictions(predictions, values=values)
    wanted = {scores.video_id: scores for scores in chosen}
    found: dict[str, WorstVideo] = {}
    for part in annotation.parts:
        if wanted.keys() & set(part.video_ids) - found.keys():
            for video in part.read():
                if video.video_id in wanted and video.video_id not in found:
                    tiles = _tiles(video, source.videos.get(video.video_id), annotation)
                    found[video.video_id] = WorstVideo(wanted[video.video_id], tiles)
    return [found[scores.video_id] for scores in chosen if scores.video_id in found]


def _choose(videos: Sequence[VideoScores]) -> list[VideoScores]:
    broken = [video for video in videos if video.broken and not np.isnan(video.scores["active_jf"])]
    normal = [video for video in videos if not video.broken and video.scores["false_area"] > 0]
    broken.sort(key=lambda video: (video.scores["active_jf"], video.video_id))
    normal.sort(key=lambda video: (-video.scores["false_area"], video.video_id))
    return broken[:NUM_BROKEN] + normal[:NUM_NORMAL]


def _tiles(video: AnnotatedVideo, predicted: PredictedVideo | None, annotation: Annotation) -> tuple[Tile, ...]:
    size = {"height": video.height, "width": video.width}
    background = empty(**size)
    marked = video.union()
    strings: dict[int, str] = {}
    if predicted is not None:
        there = [frame_index for frame_index in predicted.frames if frame_index in set(video.frames)]
        strings = {frame.frame_index: frame.counts for frame in predicted.read(there, **size)}
    interesting = sorted(marked) or [
        frame_index for frame_index in sorted(strings) if strings[frame_index] != background
    ]
    shown = _spread(interesting)
    frames = _pictures(video, shown, annotation)
    tiles = []
    for frame_index in shown:
        pair = [marked.get(frame_index, background), strings.get(frame_index, background)]
        truth, pred = decode(pair, height=video.height, width=video.width).astype(np.bool_)
        tiles.append(_tile(frame_index, frames[frame_index], truth, pred))
    return tuple(tiles)


def _spread(frames: Sequence[int]) -> list[int]:
    """Up to FRAMES_PER_VIDEO of them, the middles of equal parts."""
    count = min(FRAMES_PER_VIDEO, len(frames))
    return [frames[(2 * number + 1) * len(frames) // (2 * count)] for number in range(count)]


def _tile(frame_index: int, frame: UInt8Array, truth: BoolArray, pred: BoolArray) -> Tile:
    height, width = truth.shape
    scale = TILE_LONG_SIDE_PX / max(height, width)
    size = (max(1, round(height * scale)), max(1, round(width * scale)))
    kinds = np.stack([truth & pred, truth & ~pred, pred & ~truth])
    painted = overlay(frame, kinds, [COLOURS["hit"], COLOURS["missed"], COLOURS["false"]], size=size, line_px=2)
    file = io.BytesIO()
    Image.fromarray(painted).save(file, format="JPEG", quality=82)
    return Tile(frame_index, file.getvalue(), size[1], size[0])


def _pictures(video: AnnotatedVideo, frames: Sequence[int], annotation: Annotation) -> Mapping[int, UInt8Array]:
    from ...frames import index_from_row, read_frames

    if annotation.kind == "release":
        row = find_row(str(annotation.path), video.video_id)
        pictures = read_frames(row["video"]["bytes"], list(frames), index=index_from_row(row))
    else:
        files, _ = find_videos(annotation.path / "videos", raw=annotation.path)
        if video.video_id not in files:
            grey = np.full((video.height, video.width, 3), PLAIN_GREY, np.uint8)
            return dict.fromkeys(frames, grey)
        pictures = read_frames(files[video.video_id], list(frames))
    return dict(zip(frames, pictures, strict=True))
