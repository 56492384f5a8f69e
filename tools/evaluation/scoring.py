"""Scores one part of the truth: counts of every video, or the problems of its predictions."""

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
    """Videos whose missing frames are not a problem; as `incomplete` of `Predictions`."""
    counts_from_0: bool = False
    """True if the caller has said that frames count from 0. Otherwise frame numbers that fit only
    if they count from 1 are a problem.
    """
    masks_are: MasksAre | None = None
    """How predictions of rotated videos were drawn, if their size does not show it; None: not
    known.
    """
    protocol: Protocol | None = None
    """The rule by which each object is also scored on its own; None: objects are not scored."""


@dataclass(frozen=True, slots=True)
class PartScores:
    """The scored videos of a part, and all problems of its predictions. A video with a problem is
    not scored.
    """

    videos: tuple[ScoredVideo, ...]
    problems: tuple[Problem, ...]


def score_part(task: Task) -> PartScores:
    """Scores the videos of a part. It can run in any process."""
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
        what = (
            f"{len(video.frames)} annotated "
            f"frames{', none without the first and last' if video.frames else ''}"
        )
        problems.append(Problem(f"video {video.video_id}", f"{what}; wanted at least one to score"))
    read = read_masks(video, predicted, frames, marked, masks_are=task.masks_are)
    problems += read.problems
    objects: tuple[ScoredObject, ...] = ()
    if not problems and task.protocol is not None:
        protocol_task = ProtocolTask(task.protocol, task.skip_ends, task.masks_are)
        objects, problems = score_objects(video, predicted, protocol_task)
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
    """The problems of missing and unexpected frames of a prediction.

    Args:
        frames: the frames that are scored.
    """
    where = f"video {video.video_id}"
    hint = "predict it, or count it as empty with --missing empty"
    may_miss = (
        task.missing == "empty" or task.incomplete is None or video.video_id in task.incomplete
    )
    if predicted is None:
        what = f"no prediction at all, wanted {len(frames)} frames; {hint}"
        return [] if may_miss else [Problem(where, what)]
    predicted_frames = predicted.frames
    beyond = [
        frame_index for frame_index in predicted_frames if not 0 <= frame_index < video.num_frames
    ]
    if not task.counts_from_0 and _only_fits_from_1(predicted_frames, video):
        what = (
            f"predicted frames {frame_ranges(predicted_frames)} only fit the truth's, "
            f"{frame_ranges(video.frames)}, if they count from 1; give --first-frame 1 if they do, "
            "else rename them"
        )
        return [Problem(where, what)]
    problems = []
    absent = set(frames) - set(predicted_frames)
    if absent and not may_miss:
        problems.append(Problem(where, f"no prediction for frames {frame_ranges(absent)}; {hint}"))
    if beyond:
        what = (
            f"frames {frame_ranges(beyond)} are predicted, the truth ends at frame "
            f"{video.num_frames - 1}; remove them"
        )
        problems.append(Problem(where, what))
    return problems


def _only_fits_from_1(numbers: Sequence[int], video: AnnotatedVideo) -> bool:
    """Whether the frame numbers fit the truth only if they count from 1.

    This is so in two cases. The last number is one after the truth's last frame, and at least one
    number - 1 is annotated. Or no number is an annotated frame, but all numbers - 1 are; then there
    must be at least two numbers, because a model may predict something in a single frame only.
    """
    annotated = set(video.frames)
    one_less = {frame_index - 1 for frame_index in numbers}
    if not numbers or min(numbers) < 1:
        return False
    if max(numbers) == video.num_frames:
        return bool(one_less & annotated)
    return len(one_less) > 1 and one_less <= annotated and not annotated & set(numbers)


def _floors(counts: Counts, truth: Sequence[str], task: Task) -> dict[str, Counts]:
    floors = {"all-empty": against_empty(counts), "all-full": against_full(counts)}
    size = {"height": counts.height, "width": counts.width}
    constant = {"centre-box": centre_box(**size)}
    if task.mean_mask is not None:
        constant["mean-mask"] = task.mean_mask.counts(**size)
    for name, string in constant.items():
        floors[name] = count_strings(
            truth, [string] * len(truth), frames=counts.frames.tolist(), **size
        )
    return floors
