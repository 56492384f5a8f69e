"""Scores each object on its own, by the rules of other benchmarks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from ...builder.raw import MasksAre, Problem
from ...masks import Float64Array, empty, parse
from .counts import Counts, count_strings
from .overlap import Spans, areas, foreground, intersections
from .predictions import PredictedVideo
from .reading import read_masks
from .scores import ScoredObject, object_scores
from .truth import AnnotatedVideo, Masklet

Protocol = Literal["davis", "sav", "ytvos"]
"""The rule for scoring an object: the predicted object it is compared with, and the frames that
count.

davis: objects are matched one to one, so that the sum of J is highest. Every annotated frame
counts,
    also before the object appears. This is the rule of TrackEval's DAVIS. The unsupervised task of
    davis2017-evaluation differs only in that it matches by J&F.
sav: the predicted object with the same id. The first and last annotated frame of the video do not
    count, nor do frames before the object first appears in the truth or the prediction. This is the
    rule of vos-benchmark and of SA-V's sav_evaluator.
ytvos: the predicted object with the same id. The frames after the one in which the object first
    appears count, including the last. (A method is given the mask of that first frame.) The code of
    the server of YouTube-VOS is not public. Without the ends, this is the rule of pytracking's
    evaluate_vos for its part of YouTube-VOS.
"""

PROTOCOLS: Mapping[str, str] = {
    "davis": "objects matched one to one by the highest J; every annotated frame, also before an "
    "object appears",
    "sav": "objects by id; without the first and last annotated frame, and from an object's first "
    "appearance on",
    "ytvos": "objects by id; from the frame after an object's first appearance on, the last frame "
    "with it",
}
"""A one-line text about each protocol."""


class ProtocolTask(NamedTuple):
    """The settings for scoring objects.

    Attributes:
        skip_ends: leave out the first and last annotated frame, whatever the protocol.
        masks_are: how predictions of rotated videos were drawn, if their size does not show it.
    """

    protocol: str
    skip_ends: bool
    masks_are: MasksAre | None


@dataclass(frozen=True, slots=True)
class ObjectScores:
    """The scores of all objects by one protocol.

    Attributes:
        left_out: (video_id, object_id) of each object without a frame to score.
    """

    protocol: str
    objects: tuple[ScoredObject, ...]
    left_out: tuple[tuple[str, int], ...]

    @property
    def means(self) -> Mapping[str, float]:
        """The mean of each metric over all objects of all videos; empty if there is no object."""
        rows = [object_scores(scored.counts) for scored in self.objects]
        return (
            {name: float(np.mean([row[name] for row in rows])) for name in rows[0]} if rows else {}
        )

    @property
    def num_videos(self) -> int:
        """The number of videos with at least one scored object."""
        return len({scored.video_id for scored in self.objects})

    def line(self) -> str:
        """One line of text about the scores.

        For example "Every object on its own (protocol davis): J&F 0.617, J 0.600, F 0.634 of 12
        objects in 6 videos."
        """
        means = self.means
        numbers = (
            ", ".join(f"{label} {means[name]:.3f}" for name, label in _LABELS.items())
            if means
            else "no score"
        )
        left_out = f"; {len(self.left_out)} without a frame to score" if self.left_out else ""
        objects, videos = (
            f"{count} {noun}{'' if count == 1 else 's'}"
            for noun, count in (("object", len(self.objects)), ("video", self.num_videos))
        )
        return (
            f"Every object on its own (protocol {self.protocol}): {numbers} of {objects} in "
            f"{videos}{left_out}."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "protocol": self.protocol,
            "what": PROTOCOLS[self.protocol],
            "mean": "over all objects of all videos; without interval, because objects of one "
            "video are not independent",
            "n_objects": len(self.objects),
            "n_videos": self.num_videos,
            **self.means,
            "left_out": [
                {"video_id": video_id, "object_id": object_id}
                for video_id, object_id in self.left_out
            ],
            "objects": [scored.to_dict() for scored in self.objects],
        }


def objects_of(protocol: str, objects: Sequence[ScoredObject]) -> ObjectScores:
    """The scores of these objects; those without a frame to score go to `left_out`."""
    scored = tuple(entry for entry in objects if len(entry.counts))
    left_out = tuple(
        (entry.video_id, entry.object_id) for entry in objects if not len(entry.counts)
    )
    return ObjectScores(protocol, scored, left_out)


_LABELS = {"jf": "J&F", "j": "J", "f": "F", "j_recall": "J recall", "f_recall": "F recall"}


def score_objects(
    video: AnnotatedVideo, predicted: PredictedVideo | None, task: ProtocolTask
) -> tuple[tuple[ScoredObject, ...], list[Problem]]:
    """The counts of every object that has a pixel in an annotated frame, and the problems.

    An object without a frame to score has counts without frames.

    Args:
        predicted: predictions that have been read without a problem; None: nothing is predicted
            for the video.
    """
    masklets = [
        masklet
        for masklet in video.masklets
        if any(frame in masklet.counts for frame in video.frames)
    ]
    if not masklets:
        return (), []
    objects: Mapping[int, PredictedVideo] | None = {} if predicted is None else predicted.objects()
    if objects is None:
        what = (
            f"its prediction does not distinguish objects, which --protocol {task.protocol} needs; "
            "give palette "
            "PNGs of object ids, {video_id}/{object}/{frame}.png, tracks, or an object_id for "
            "every mask, or leave the option out"
        )
        return (), [Problem(f"video {video.video_id}", what)]
    strings: dict[int, list[str]] = {}
    for object_id, predicted_object in objects.items():
        read = read_masks(video, predicted_object, video.frames, {}, masks_are=task.masks_are)
        if read.problems:
            return (), read.problems
        strings[object_id] = read.strings
    of_truth = [_strings_of(video, masklet) for masklet in masklets]
    if task.protocol == "davis":
        pairs = _matched(video, of_truth, strings, slice(1, -1) if task.skip_ends else slice(None))
    else:
        pairs = [
            _by_id(video, masklet, truth, strings, task)
            for masklet, truth in zip(masklets, of_truth, strict=True)
        ]
    return tuple(
        ScoredObject(video.video_id, masklet.object_id, masklet.artifact_type, predicted_id, counts)
        for masklet, (predicted_id, counts) in zip(masklets, pairs, strict=True)
    ), []


def _strings_of(video: AnnotatedVideo, masklet: Masklet) -> list[str]:
    background = empty(video.height, video.width)
    return [masklet.counts.get(frame_index, background) for frame_index in video.frames]


def _counted(
    video: AnnotatedVideo, truth: Sequence[str], pred: Sequence[str], chosen: slice
) -> Counts:
    size = {"height": video.height, "width": video.width}
    return count_strings(truth[chosen], pred[chosen], frames=video.frames[chosen], **size)


def _matched(
    video: AnnotatedVideo,
    of_truth: Sequence[Sequence[str]],
    strings: Mapping[int, Sequence[str]],
    chosen: slice,
) -> list[tuple[int | None, Counts]]:
    """The matched predicted id and the counts of each object.

    If fewer objects are predicted than there are in the truth, empty objects are added to them.
    """
    nothing = [empty(video.height, video.width)] * len(video.frames)
    candidates: list[tuple[int | None, Sequence[str]]] = [*strings.items()]
    candidates += [(None, nothing)] * max(0, len(of_truth) - len(candidates))
    if not video.frames[chosen]:
        return [(None, _counted(video, truth, nothing, chosen)) for truth in of_truth]
    spans_of_truth, spans = (
        [foreground(parse(masks[chosen], height=video.height, width=video.width)) for masks in side]
        for side in (of_truth, [pred for _, pred in candidates])
    )
    best = best_assignment(
        np.array([[_mean_j(truth, pred) for pred in spans] for truth in spans_of_truth])
    )
    return [
        (candidates[column][0], _counted(video, truth, candidates[column][1], chosen))
        for truth, column in zip(of_truth, best, strict=True)
    ]


def _mean_j(truth: Spans, pred: Spans) -> float:
    """The mean of `Counts.j`, computed from runs alone, because matching needs no boundaries."""
    both = intersections(truth, pred)
    union = areas(truth) + areas(pred) - both
    return float(np.where(union == 0, 1.0, both / np.maximum(union, 1)).mean())


def best_assignment(scores: Float64Array) -> list[int]:
    """The column for each row, so that no column is used twice and the sum of scores is highest.

    Args:
        scores: float64[R, C] in [0, 1]; C >= R.
    """
    import networkx

    graph = networkx.Graph()
    for row, columns in enumerate(scores.tolist()):
        graph.add_weighted_edges_from(
            (("row", row), ("column", column), value) for column, value in enumerate(columns)
        )
    pairs = networkx.max_weight_matching(graph, maxcardinality=True)
    partners = dict(sorted(pair, reverse=True) for pair in pairs)
    return [partners["row", row][1] for row in range(len(scores))]


def _by_id(
    video: AnnotatedVideo,
    masklet: Masklet,
    truth: Sequence[str],
    strings: Mapping[int, Sequence[str]],
    task: ProtocolTask,
) -> tuple[int | None, Counts]:
    background = empty(video.height, video.width)
    pred = strings.get(masklet.object_id, [background] * len(truth))
    marked_truth = [string != background for string in truth]
    marked = [
        truth_marked or string != background
        for truth_marked, string in zip(marked_truth, pred, strict=True)
    ]
    last = len(truth)
    if task.protocol == "sav":
        is_scored = any(marked_truth[1:-1])
        chosen = slice(marked.index(True, 1) if is_scored else last, last - 1)
    else:
        chosen = slice(marked_truth.index(True) + 1, last - 1 if task.skip_ends else last)
    predicted_id = masklet.object_id if masklet.object_id in strings else None
    return predicted_id, _counted(video, truth, pred, chosen)
