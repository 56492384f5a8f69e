"""Chooses frames, and finds their times and the spans in which something is marked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Span:
    """The frames from `first` to `last`, both included."""

    first: int
    last: int


def frame_times_s(row: Mapping[str, Any]) -> list[float]:
    """The time of each frame of a video in seconds after the first frame; ascending."""
    num, den = row["time_base"]["num"], row["time_base"]["den"]
    pts = row["frame_pts"]
    return [(value - pts[0]) * num / den for value in pts]


def spans_of(frames: Sequence[int], marked: Collection[int]) -> list[Span]:
    """The longest runs of marked frames in a list of annotated frames; empty if none is marked.

    A frame that is not in the list does not end a run.

    Args:
        frames: annotated frame indices, ascending.
        marked: frame indices with a mask.
    """
    return [Span(run[0], run[-1]) for run in _runs(frames, marked, is_marked=True)]


def chosen_frames(
    frames: Sequence[int], count: int, *, stream: np.random.Generator, marked: Collection[int]
) -> tuple[int, ...]:
    """Up to `count` of the frames, ascending; empty if there are no frames.

    The frames are divided into `count` parts of about equal length. One frame is chosen at random
    from each part.

    Args:
        frames: frame indices, ascending.
        marked: frame indices with a mask. If any of `frames` is marked, at least one marked frame
            is chosen.
    """
    if not frames:
        return ()
    parts = np.array_split(np.asarray(frames, np.int64), min(count, len(frames)))
    chosen = [int(stream.choice(part)) for part in parts]
    marked_frames = [frame for frame in frames if frame in marked]
    if marked_frames and not any(frame in marked for frame in chosen):
        frame = int(stream.choice(marked_frames))
        place = next(number for number, part in enumerate(parts) if frame <= part[-1])
        chosen[place] = frame
    return tuple(chosen)


def stretches_of(
    frames: Sequence[int], marked: Collection[int], *, stream: np.random.Generator
) -> list[tuple[int, ...]]:
    """Up to two parts of a video: one with a mask in every frame, and one without masks.

    Each has at most a quarter of the frames. A part is left out if the video has no such frames.

    Args:
        frames: annotated frame indices, ascending.
        marked: frame indices with a mask.
    """
    most = -(-len(frames) // 4)
    parts = []
    for is_marked in (True, False):
        runs = _runs(frames, marked, is_marked=is_marked)
        if runs:
            run = runs[int(stream.integers(len(runs)))]
            length = min(most, len(run))
            start = int(stream.integers(len(run) - length + 1))
            parts.append(tuple(run[start : start + length]))
    return parts


def _runs(frames: Sequence[int], marked: Collection[int], *, is_marked: bool) -> list[list[int]]:
    runs: list[list[int]] = []
    goes_on = False
    for frame in frames:
        is_in = (frame in marked) == is_marked
        if is_in and goes_on:
            runs[-1].append(frame)
        elif is_in:
            runs.append([frame])
        goes_on = is_in
    return runs
