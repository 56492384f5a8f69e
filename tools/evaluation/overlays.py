"""The videos that a prediction fails on most, as frames with what it hit, missed and marked for nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...builder.raw import MasksAre
from ...masks import Colour, decode, empty
from .evaluation import Evaluation
from .predictions import PredictedVideo, Reading, find_predictions, read_on_stored
from .summary import VideoScores
from .tiles import Tile, painted, pictures
from .truth import AnnotatedVideo, Annotation, read_annotation

COLOURS: dict[str, Colour] = {"hit": (0, 158, 115), "missed": (213, 94, 0), "false": (240, 228, 66)}
"""Bluish green, vermilion and yellow of the palette of Okabe and Ito, as in masks/overlay.py."""

NUM_BROKEN, NUM_NORMAL, FRAMES_PER_VIDEO = 6, 2, 5


@dataclass(frozen=True, slots=True)
class WorstVideo:
    """One video with what there is to see of it."""

    scores: VideoScores
    tiles: tuple[Tile, ...]


def worst_videos(evaluation: Evaluation) -> list[WorstVideo]:
    """The broken videos with the lowest J&F in active frames, then the normal ones with the largest false area.

    Truth and predictions are read again, as the evaluation says. A truth without videos is drawn on grey.
    """
    options = evaluation.options
    names = None if options["names"] is None else Path(options["names"])
    chosen = _choose(evaluation.videos)
    annotation = read_annotation(Path(evaluation.truth), void=options["void"], masks_are=options["masks_are"])
    reading = Reading(options["values"], options["first_frame"], names, annotation.splits.keys(), options["masks_are"])
    source = find_predictions(Path(evaluation.predictions), reading=reading)
    wanted = {scores.video_id: scores for scores in chosen}
    found: dict[str, WorstVideo] = {}
    for part in annotation.parts:
        if wanted.keys() & set(part.video_ids) - found.keys():
            for video in part.read():
                if video.video_id in wanted and video.video_id not in found:
                    predicted = source.videos.get(video.video_id)
                    tiles = _tiles(video, predicted, annotation, masks_are=reading.masks_are)
                    found[video.video_id] = WorstVideo(wanted[video.video_id], tiles)
    return [found[scores.video_id] for scores in chosen if scores.video_id in found]


def _choose(videos: Sequence[VideoScores]) -> list[VideoScores]:
    broken = [video for video in videos if video.broken and not np.isnan(video.scores["active_jf"])]
    normal = [video for video in videos if not video.broken and video.scores["false_area"] > 0]
    broken.sort(key=lambda video: (video.scores["active_jf"], video.video_id))
    normal.sort(key=lambda video: (-video.scores["false_area"], video.video_id))
    return broken[:NUM_BROKEN] + normal[:NUM_NORMAL]


def _tiles(
    video: AnnotatedVideo, predicted: PredictedVideo | None, annotation: Annotation, *, masks_are: MasksAre | None
) -> tuple[Tile, ...]:
    height, width = video.height, video.width
    background = empty(height, width)
    marked = video.union()
    strings: dict[int, str] = {}
    if predicted is not None:
        there = [frame_index for frame_index in predicted.frames if frame_index in set(video.frames)]
        found = read_on_stored(
            predicted, there, height=height, width=width, orientation=video.orientation, masks_are=masks_are
        )
        strings = {frame.frame_index: frame.counts for frame in found}
    interesting = sorted(marked) or [
        frame_index for frame_index in sorted(strings) if strings[frame_index] != background
    ]
    shown = _spread(interesting)
    frames = pictures(video, shown, [annotation])
    tiles = []
    for frame_index in shown:
        pair = [marked.get(frame_index, background), strings.get(frame_index, background)]
        truth, pred = decode(pair, height=height, width=width).astype(np.bool_)
        kinds = np.stack([truth & pred, truth & ~pred, pred & ~truth])
        tiles.append(painted(frame_index, frames[frame_index], kinds, list(COLOURS.values())))
    return tuple(tiles)


def _spread(frames: Sequence[int]) -> list[int]:
    """Up to FRAMES_PER_VIDEO of them, the middles of equal parts."""
    count = min(FRAMES_PER_VIDEO, len(frames))
    return [frames[(2 * number + 1) * len(frames) // (2 * count)] for number in range(count)]
