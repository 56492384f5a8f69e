"""One part of the truth against its predictions: counts of every video, or everything that is wrong with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ...builder.raw import MasksAre, Problem
from ...masks import empty
from .counts import Counts, against_empty, against_full, count_strings
from .floors import MeanMask, centre_box
from .predictions import PredictedVideo
from .protocol import Protocol, ProtocolTask, score_objects
from .reading import read_masks
from .scores import ScoredObject, ScoredVideo
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
    incomplete: frozenset[str] | None = frozenset()
    """Of `Predictions`: videos whose missing frames are no problem of their own."""
    counts_from_0: bool = False
    """Whether somebody said that the first frame's number is 0; else numbers that only fit from 1 on are refused."""
    masks_are: MasksAre | None = None
    """How predictions for videos that players turn were drawn, where their size does not tell; None: nobody says."""
    protocol: Protocol | None = None
    """By which every object is scored on its own too; None: objects are not."""


@dataclass(frozen=True, slots=True)
class PartScores:
    """The videos of a part and every problem of their predictions; a video with a problem is not scored."""

    videos: tuple[ScoredVideo, ...]
    problems: tuple[Problem, ...]


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
    problems = _frame_problems(video, predicted, frames, task)
    if not frames:
        what = f"{len(video.frames)} annotated frames{', none without the first and last' if video.frames else ''}"
        problems.append(Problem(f"video {video.video_id}", f"{what}; wanted at least one to score"))
    read = read_masks(video, predicted, frames, marked, masks_are=task.masks_are)
    problems += read.problems
    objects: tuple[ScoredObject, ...] = ()
    if not problems and task.protocol is not None:
        asked = ProtocolTask(task.protocol, task.skip_ends, task.masks_are)
        objects, problems = score_objects(video, predicted, asked)
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
        objects=objects,
    ), []


def _frame_problems(
    video: AnnotatedVideo, predicted: PredictedVideo | None, frames: Sequence[int], task: Task
) -> list[Problem]:
    """Predictions that should be there and are not, or are there and should not be; `frames` are those that are scored."""
    where = f"video {video.video_id}"
    hint = "predict it, or count it as empty with --missing empty"
    may_miss = task.missing == "empty" or task.incomplete is None or video.video_id in task.incomplete
    if predicted is None:
        what = f"no prediction at all, wanted {len(frames)} frames; {hint}"
        return [] if may_miss else [Problem(where, what)]
    there = predicted.frames
    beyond = [frame_index for frame_index in there if not 0 <= frame_index < video.num_frames]
    if not task.counts_from_0 and _only_fits_from_1(there, video):
        what = (
            f"predicted frames {frame_ranges(there)} only fit the truth's, {frame_ranges(video.frames)}, if they count from 1; "
            "give --first-frame 1 if they do, else rename them"
        )
        return [Problem(where, what)]
    problems = []
    absent = set(frames) - set(there)
    if absent and not may_miss:
        problems.append(Problem(where, f"no prediction for frames {frame_ranges(absent)}; {hint}"))
    if beyond:
        what = (
            f"frames {frame_ranges(beyond)} are predicted, the truth ends at frame {video.num_frames - 1}; remove them"
        )
        problems.append(Problem(where, what))
    return problems


def _only_fits_from_1(there: Sequence[int], video: AnnotatedVideo) -> bool:
    """Whether the numbers end one after the truth or hit none of its frames, and all do fit when 1 is taken off.

    One number alone that hits none may be all that a model found.
    """
    annotated = set(video.frames)
    one_less = {frame_index - 1 for frame_index in there}
    if not there or min(there) < 1:
        return False
    if max(there) == video.num_frames:
        return bool(one_less & annotated)
    return len(one_less) > 1 and one_less <= annotated and not annotated & set(there)


def _floors(counts: Counts, truth: Sequence[str], task: Task) -> dict[str, Counts]:
    floors = {"all-empty": against_empty(counts), "all-full": against_full(counts)}
    size = {"height": counts.height, "width": counts.width}
    constant = {"centre-box": centre_box(**size)}
    if task.mean_mask is not None:
        constant["mean-mask"] = task.mean_mask.counts(**size)
    for name, string in constant.items():
        floors[name] = count_strings(truth, [string] * len(truth), frames=counts.frames.tolist(), **size)
    return floors
