"""The videos on which annotators disagree most, as frames with all annotators' outlines."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from ...builder.raw import MasksAre
from ...masks import Colour, decode, empty
from ..evaluation import AnnotatedVideo, Annotation, Tile, count_strings, painted, pictures, read_annotation
from .agreement import Agreement, read_together, readers_of

COLOURS: tuple[Colour, ...] = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
    (240, 228, 66),
    (255, 255, 255),
)
"""Colours of the annotators, in their order: the palette of Okabe and Ito, as in masks/overlay.py."""

NUM_VIDEOS, FRAMES_PER_VIDEO = 8, 5


@dataclass(frozen=True, slots=True)
class DisputedVideo:
    """One video with its most disputed frames, in the order of time."""

    video_id: str
    active_jf: float
    tiles: tuple[Tile, ...]


def disputed_videos(
    agreement: Agreement, paths: Sequence[Path], *, masks_are: MasksAre | None = None
) -> list[DisputedVideo]:
    """The first videos of `agreement.worst`, without videos on which all agree, read again from the annotators' folders.

    If no annotator has the video, its frames are grey. `masks_are`: as in `agree`.
    """
    worst = [(video_id, score) for video_id, score in agreement.worst if score < 1][:NUM_VIDEOS]
    annotations = [read_annotation(path, masks_are=masks_are) for path in paths]
    found = []
    for (video_id, score), readers in zip(
        worst, readers_of(annotations, [video_id for video_id, _ in worst]), strict=True
    ):
        tiles = _tiles(read_together(readers, masks_are=masks_are), annotations)
        found.append(DisputedVideo(video_id, score, tiles))
    return found


def _tiles(videos: Sequence[AnnotatedVideo], annotations: Sequence[Annotation]) -> tuple[Tile, ...]:
    unions = [video.union() for video in videos]
    height, width = videos[0].height, videos[0].width
    scores = _frame_scores(videos, unions)
    chosen = sorted(sorted(scores, key=lambda frame_index: (scores[frame_index], frame_index))[:FRAMES_PER_VIDEO])
    frames = pictures(videos[0], chosen, annotations)
    background = empty(height, width)
    tiles = []
    for frame_index in chosen:
        masks = decode([union.get(frame_index, background) for union in unions], height=height, width=width)
        tiles.append(painted(frame_index, frames[frame_index], masks.astype(np.bool_), COLOURS[: len(videos)]))
    return tuple(tiles)


def _frame_scores(videos: Sequence[AnnotatedVideo], unions: Sequence[Mapping[int, str]]) -> dict[int, float]:
    """J&F of each frame in which a pair marks anything: the mean over the pairs who both annotated it."""
    height, width = videos[0].height, videos[0].width
    background = empty(height, width)
    found: dict[int, list[float]] = {}
    for one, other in combinations(range(len(videos)), 2):
        frames = sorted(
            set(videos[one].frames) & set(videos[other].frames) & (unions[one].keys() | unions[other].keys())
        )
        strings = [[unions[number].get(frame, background) for frame in frames] for number in (one, other)]
        counts = count_strings(strings[0], strings[1], frames=frames, height=height, width=width)
        for frame_index, score in zip(frames, ((counts.j() + counts.f()) / 2).tolist(), strict=True):
            found.setdefault(frame_index, []).append(score)
    return {frame_index: sum(scores) / len(scores) for frame_index, scores in found.items()}
