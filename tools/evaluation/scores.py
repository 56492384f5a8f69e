"""Computes scores of videos and groups of videos from counts, and states the conventions.

A mean is taken over the frames of a video, then over videos. Broken and normal videos are never in
one mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ...masks import Float64Array, Int64Array
from .counts import Counts

RECALL_ABOVE = 0.5
DECAY_BINS = 4

CONVENTIONS = {
    "empty": "davis: J and F of a frame are 1 if truth and prediction are both empty, 0 if exactly "
    "one of them is. F compares boundaries, and a prediction of the whole frame has none, so it "
    "gets F = 1 against an empty truth",
    "strict": "as davis, but F = 0 if exactly one of the two masks is empty",
    "frames": "every annotated frame of a video counts; frames that are not annotated do not",
    "mean": "over the frames of a video, then over videos; broken and normal videos apart, never "
    "pooled",
    "broken": "videos with at least one artifact pixel in an annotated frame; all others are "
    "normal",
    "active": "annotated frames of broken videos in which the truth is not empty",
    "size": "the truth's own; boundaries match within ceil(0.008 * diagonal) pixels",
    "objects": "all artifact objects of a frame count as one mask",
    "recall": "share of frames above 0.5",
    "decay": "mean of the first quarter of the frames minus mean of the last",
    "temporal_iou": "frames that both call broken / frames that one of them calls broken, per "
    "broken video",
    "pixel": "precision, recall, f1 and iou of pixels; macro: mean over videos, 0 if a denominator "
    "is 0 (1 if truth and prediction are both empty); micro: from the pixels of all videos "
    "together",
    "false_frames": "of normal videos: share of frames in which anything is predicted; "
    "false_videos: share of videos with such a frame; false_area: predicted share of the pixels",
    "auc": "of all videos: how often a broken one has a higher score than a normal one; a video's "
    "score is its highest frame score, a video without one ranks lowest",
    "pixel_ap": "average precision over all pixels of all videos, at the 256 levels of soft masks",
    "interval": "95 % over videos: the wider one of Student's t and the bootstrap-t; not reliable "
    "for fewer than 10 videos",
    "p": "two-sided sign-flip test over videos: exact for up to 20 videos that differ, above from "
    "9,999 random sign patterns",
}
"""The meaning of the numbers; part of every output."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoredObject:
    """The counts of one object of the truth, in the frames that its protocol scores.

    Attributes:
        predicted_id: id of the predicted object it is compared with; None: empty masks.
    """

    video_id: str
    object_id: int
    artifact_type: str
    predicted_id: int | None
    counts: Counts

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "video_id": self.video_id,
            "object_id": self.object_id,
            "artifact_type": self.artifact_type,
            "predicted_id": self.predicted_id,
            "frames": len(self.counts),
            **object_scores(self.counts),
        }


@dataclass(frozen=True, slots=True, eq=False)
class ScoredVideo:
    """The counts of one video, and the facts by which videos are grouped."""

    video_id: str
    split: str | None
    generator: str
    artifact_types: tuple[str, ...]
    broken: bool
    counts: Counts
    score: float | None = None
    """The video's highest frame score, if the prediction gives scores."""
    levels: Int64Array | None = None
    """int64[2, 256]: background and artifact pixels by predicted level, if the prediction is
    soft.
    """
    floors: Mapping[str, Counts] = field(default_factory=dict)
    objects: tuple[ScoredObject, ...] = ()
    """The objects of the truth, each on its own; empty without a protocol."""


BROKEN_METRICS = (
    "jf",
    "j",
    "f",
    "j_recall",
    "j_decay",
    "f_recall",
    "f_decay",
    "active_jf",
    "active_j",
    "active_f",
    "strict_jf",
    "strict_f",
    "active_strict_jf",
    "temporal_iou",
    "pixel_precision",
    "pixel_recall",
    "pixel_f1",
    "pixel_iou",
)
NORMAL_METRICS = (
    "jf",
    "j",
    "f",
    "strict_jf",
    "strict_f",
    "false_frames",
    "false_videos",
    "false_area",
)


def statistics(values: Float64Array) -> tuple[float, float, float]:
    """Mean, recall and decay of per-frame values, as DAVIS defines them; three NaN without a frame.

    Source: Perazzi et al., CVPR 2016, section 5.1. The bins are those of db_statistics in
    davis2017-evaluation. Its bounds are uint8 and wrap around from 256 frames on; these do not.
    """
    if not len(values):
        return float("nan"), float("nan"), float("nan")
    bounds = (
        (np.round(np.linspace(1, len(values), DECAY_BINS + 1) + 1e-10) - 1)
        .astype(np.int64)
        .tolist()
    )
    first, last = values[bounds[0] : bounds[1] + 1], values[bounds[-2] : bounds[-1] + 1]
    return (
        float(values.mean()),
        float((values > RECALL_ABOVE).mean()),
        float(first.mean() - last.mean()),
    )


def video_scores(counts: Counts, *, broken: bool) -> dict[str, float]:
    """The metrics of one video by name: BROKEN_METRICS or NORMAL_METRICS; NaN if no frame counts.

    A broken video also has `active_area`, the share of marked pixels in the active frames of the
    truth. It is not a score, but helps to explain scores.
    """
    j, f, strict = counts.j(), counts.f(), counts.f_strict()
    j_mean, j_recall, j_decay = statistics(j)
    f_mean, f_recall, f_decay = statistics(f)
    scores = {
        "jf": (j_mean + f_mean) / 2,
        "j": j_mean,
        "f": f_mean,
        "strict_jf": (j_mean + _mean(strict)) / 2,
        "strict_f": _mean(strict),
    }
    if not broken:
        flagged = counts.pred_px > 0
        return scores | {
            "false_frames": _mean(flagged.astype(np.float64)),
            "false_videos": float(flagged.any()) if len(counts) else float("nan"),
            "false_area": _mean(counts.pred_px / (counts.height * counts.width)),
        }
    active = counts.truth_px > 0
    flagged = counts.pred_px > 0
    either = int((active | flagged).sum())
    pixels = pixel_scores(
        *(int(px.sum()) for px in (counts.truth_px, counts.pred_px, counts.both_px))
    )
    return scores | {
        "j_recall": j_recall,
        "j_decay": j_decay,
        "f_recall": f_recall,
        "f_decay": f_decay,
        "active_j": _mean(j[active]),
        "active_f": _mean(f[active]),
        "active_jf": (_mean(j[active]) + _mean(f[active])) / 2,
        "active_strict_jf": (_mean(j[active]) + _mean(strict[active])) / 2,
        "temporal_iou": int((active & flagged).sum()) / either if either else 1.0,
        **{f"pixel_{name}": value for name, value in pixels.items()},
        "active_area": _mean(counts.truth_px[active] / (counts.height * counts.width)),
    }


def disputed(counts: Counts) -> tuple[float | None, int | None]:
    """1 - J&F over the frames in which either mask has a pixel, and the first of them with the
    lowest J&F.

    Where no mask has a pixel it is 0.0, and there is no such frame; of no frame at all, two None.
    """
    places = np.flatnonzero((counts.truth_px + counts.pred_px) > 0)
    if not len(places):
        return (0.0 if len(counts) else None), None
    jf = (counts.j() + counts.f())[places] / 2
    return 1 - float(jf.mean()), int(counts.frames[places[jf.argmin()]])


def object_scores(counts: Counts) -> dict[str, float]:
    """J and F of one object: mean, recall and decay over its frames; NaN without a frame."""
    (j, j_recall, j_decay), (f, f_recall, f_decay) = statistics(counts.j()), statistics(counts.f())
    scores = {"jf": (j + f) / 2, "j": j, "f": f}
    return scores | {
        "j_recall": j_recall,
        "j_decay": j_decay,
        "f_recall": f_recall,
        "f_decay": f_decay,
    }


def pixel_scores(truth_px: int, pred_px: int, both_px: int) -> dict[str, float]:
    """Precision, recall, F1 and IoU of pixels.

    All are 1 if truth and prediction are both empty. If only one of them is empty, all are 0.
    """
    if not truth_px and not pred_px:
        return {"precision": 1.0, "recall": 1.0, "f1": 1.0, "iou": 1.0}
    return {
        "precision": both_px / pred_px if pred_px else 0.0,
        "recall": both_px / truth_px if truth_px else 0.0,
        "f1": 2 * both_px / (truth_px + pred_px),
        "iou": both_px / (truth_px + pred_px - both_px),
    }


def micro_scores(videos: Sequence[Counts]) -> dict[str, float]:
    """`pixel_scores` of all pixels of these videos together."""
    totals = (
        sum(int(getattr(counts, name).sum()) for counts in videos)
        for name in ("truth_px", "pred_px", "both_px")
    )
    return pixel_scores(*totals)


def video_auc(broken: npt.NDArray[np.bool_], scores: Float64Array) -> float | None:
    """The area under the ROC curve of scores of videos; None unless there are broken and normal
    videos.

    A tie counts one half. Source: the Mann-Whitney form, from mid-ranks.
    """
    num_broken = int(broken.sum())
    num_normal = len(broken) - num_broken
    if not num_broken or not num_normal:
        return None
    _, group, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    mid_ranks = np.cumsum(sizes) - (sizes - 1) / 2
    rank_sum = float(mid_ranks[group][broken].sum())
    return (rank_sum - num_broken * (num_broken + 1) / 2) / (num_broken * num_normal)


def average_precision(levels: Int64Array) -> float | None:
    """Average precision: the sum over thresholds of (gain in recall) * precision; None without a
    positive.

    Args:
        levels: int64[2, L]: numbers of negatives and positives at each level, levels ascending.

    Source: average_precision_score of scikit-learn.
    """
    negatives, positives = levels[0, ::-1].cumsum(), levels[1, ::-1].cumsum()
    if not positives[-1]:
        return None
    precision = positives / np.maximum(positives + negatives, 1)
    gained = np.diff(positives, prepend=0) / positives[-1]
    return float((precision * gained).sum())


def _mean(values: npt.NDArray[np.generic]) -> float:
    return float(values.mean()) if len(values) else float("nan")
