"""One part of the truth against its predictions: counts of every video, or everything that is wrong with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ...builder.raw import Problem
from ...masks import Int64Array, decode, empty
from .counts import Counts, against_empty, against_full, count_strings
from .floors import MeanMask, centre_box
from .predictions import PredictedVideo
from .scores import ScoredVideo
from .truth import AnnotatedVideo, Part, frame_ranges

Missing = Literal["error", "empty"]


@dataclass(frozen=True, slots=True)
class Task:
    """A part of the truth and the predictions for its videos."""

    part: Part
    predictions: Mapping[str, PredictedVideo]
    missing: Missing
    skip_ends: bool
    floors: bool
    mean_mask: MeanMask | None


@dataclass(frozen=True, slots=True)
class PartScores:
    """The videos of a part and every problem of their predictions; a video with a problem is not scored."""

    videos: tuple[ScoredVideo, ...]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class _Read:
    """The predictions of one video as they are read: strings in the order of the frames asked for."""

    strings: list[str] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    levels: Int64Array | None = None
    problems: list[Problem] = field(default_factory=list)


def score_part(task: Task) -> PartScores:
    """Scores of a part's videos; runs in any process."""
    videos, problems = [], []
    for video in task.part.read():
        scored, faults = _score_video(video, task)
        problems += faults
        if scored is not None:
            videos.append(scored)
    return PartScores(tuple(videos), tuple(problems))


def _score_video(video: AnnotatedVideo, task: Task) -> tuple[ScoredVideo | None, list[Problem]]:
    predicted = task.predictions.get(video.video_id)
    marked = video.union()
    frames = video.frames[1:-1] if task.skip_ends else video.frames
    problems = _frame_problems(video, predicted, task)
    if not frames:
        what = f"{len(video.frames)} annotated frames{', none without the first and last' if video.frames else ''}"
        problems.append(Problem(f"video {video.video_id}", f"{what}; wanted at least one to score"))
    read = _read(video, predicted, frames, marked)
    problems += read.problems
    if problems:
        return None, problems
    height, width = video.height, video.width
    background = empty(height, width)
    truth = [marked.get(frame_index, background) for frame_index in frames]
    counts = count_strings(truth, read.strings, frames=frames, height=height, width=width)
    return ScoredVideo(
        video_id=video.video_id,
        split=video.split,
        generator=video.generator,
        artifact_types=video.artifact_types,
        broken=bool(marked),
        counts=counts,
        score=max(read.scores, default=None),
        levels=read.levels,
        floors=_floors(counts, truth, task) if task.floors else {},
    ), []


def _frame_problems(video: AnnotatedVideo, predicted: PredictedVideo | None, task: Task) -> list[Problem]:
    """Predictions that should be there and are not, or are there and should not be."""
    where = f"video {video.video_id}"
    hint = "predict it, or count it as empty with --missing empty"
    if predicted is None:
        if task.missing == "empty":
            return []
        return [Problem(where, f"no prediction at all, wanted {len(video.frames)} frames; {hint}")]
    problems = []
    absent = set(video.frames) - set(predicted.frames)
    if absent and task.missing == "error":
        problems.append(Problem(where, f"no prediction for frames {frame_ranges(absent)}; {hint}"))
    beyond = [frame_index for frame_index in predicted.frames if not 0 <= frame_index < video.num_frames]
    if beyond:
        what = (
            f"frames {frame_ranges(beyond)} are predicted, the truth ends at frame {video.num_frames - 1}; remove them"
        )
        problems.append(Problem(where, what))
    return problems


def _read(
    video: AnnotatedVideo, predicted: PredictedVideo | None, frames: Sequence[int], marked: Mapping[int, str]
) -> _Read:
    read = _Read()
    background = empty(video.height, video.width)
    strings = dict.fromkeys(frames, background)
    there = set(predicted.frames) if predicted is not None else set()
    wanted = [frame_index for frame_index in frames if frame_index in there]
    found = predicted.read(wanted, height=video.height, width=video.width) if predicted is not None else ()
    for frame in found:
        if frame.problem is not None:
            read.problems.append(frame.problem)
            continue
        strings[frame.frame_index] = frame.counts
        if frame.score is not None:
            read.scores.append(frame.score)
        if frame.soft is not None:
            truth = decode([marked.get(frame.frame_index, background)], height=video.height, width=video.width)[0]
            by_level = np.bincount(frame.soft.reshape(-1) + 256 * truth.reshape(-1).astype(np.intp), minlength=512)
            read.levels = by_level.reshape(2, 256) + (0 if read.levels is None else read.levels)
    read.strings = list(strings.values())
    return read


def _floors(counts: Counts, truth: Sequence[str], task: Task) -> dict[str, Counts]:
    floors = {"all-empty": against_empty(counts), "all-full": against_full(counts)}
    size = {"height": counts.height, "width": counts.width}
    constant = {"centre-box": centre_box(**size)}
    if task.mean_mask is not None:
        constant["mean-mask"] = task.mean_mask.counts(**size)
    for name, string in constant.items():
        floors[name] = count_strings(truth, [string] * len(truth), frames=counts.frames.tolist(), **size)
    return floors
