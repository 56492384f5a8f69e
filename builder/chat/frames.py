"""The choice of frames, their times, and the spans of them in which something is marked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Span:
    """Frames `first` to `last`, both of them in it."""

    first: int
    last: int


def frame_times_s(row: Mapping[str, Any]) -> list[float]:
    """The time of each frame of a row's video, in seconds after its first; ascending."""
    num, den = row["time_base"]["num"], row["time_base"]["den"]
    pts = row["frame_pts"]
    return [(value - pts[0]) * num / den for value in pts]


def spans_of(frames: Sequence[int], marked: Collection[int]) -> list[Span]:
    """The longest runs of marked frames in a list of annotated frames. Frames that the list leaves out end no run.

    Args:
        frames: ascending.
    """
    return [Span(run[0], run[-1]) for run in _runs(frames, marked, is_marked=True)]


def chosen_frames(
    frames: Sequence[int], count: int, *, stream: np.random.Generator, marked: Collection[int]
) -> tuple[int, ...]:
    """Up to `count` of some frames, ascending, one at random from each of as many equal parts.

    Args:
        frames: ascending.
        marked: if any of `frames` is among these, at least one that is chosen is.
    """
    if not frames:
        return ()
    parts = np.array_split(np.asarray(frames, np.int64), min(count, len(frames)))
    chosen = [int(stream.choice(part)) for part in parts]
    wanted = [frame for frame in frames if frame in marked]
    if wanted and not any(frame in marked for frame in chosen):
        frame = int(stream.choice(wanted))
        place = next(number for number, part in enumerate(parts) if frame <= part[-1])
        chosen[place] = frame
    return tuple(chosen)


def stretches_of(
    frames: Sequence[int], marked: Collection[int], *, stream: np.random.Generator
) -> list[tuple[int, ...]]:
    """Parts of a video, a quarter of its frames at most: one in which something is marked throughout, one without a mark.

    One that there is not is left out.

    Args:
        frames: those that somebody looked at, ascending.
    """
    most = -(-len(frames) // 4)
    found = []
    for is_marked in (True, False):
        runs = _runs(frames, marked, is_marked=is_marked)
        if runs:
            run = runs[int(stream.integers(len(runs)))]
            length = min(most, len(run))
            start = int(stream.integers(len(run) - length + 1))
            found.append(tuple(run[start : start + length]))
    return found


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
