"""Measures how well metadata alone (length, size, rate, bytes) predicts the label, without any
pixel.

Such shortcuts have given wrong results before: a classifier that saw only clip length had AUC 0.998
on one benchmark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64Array = npt.NDArray[np.float64]

FEATURES = ("num_frames", "pixels", "fps", "duration_s", "video_bytes", "bytes_per_pixel")
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """AUC of separating broken from normal videos, 0.5 = chance; None if there are fewer than
    `FOLDS` videos of either.

    Attributes:
        by_feature: AUC of each metadata column alone, in its better direction: in [0.5, 1].
        combined: AUC of a logistic regression over all columns, on videos that it was not fitted
            on.
    """

    num_normal: int
    num_broken: int
    by_feature: Mapping[str, float | None]
    combined: float | None


def find_shortcuts(labels: Sequence[int], features: Mapping[str, Sequence[float]]) -> Shortcuts:
    """AUCs of the metadata for the label.

    Args:
        labels: 0 normal, 1 broken; one per video.
        features: one number per video for each name of `FEATURES`.
    """
    truth = np.asarray(labels, np.int64)
    num_broken = int(truth.sum())
    num_normal = len(truth) - num_broken
    if min(num_broken, num_normal) < FOLDS:
        return Shortcuts(num_normal, num_broken, dict.fromkeys(FEATURES), None)
    columns = {name: np.asarray(features[name], np.float64) for name in FEATURES}
    by_feature = {
        name: max(area := auc(truth, column), 1 - area) for name, column in columns.items()
    }
    ranks = np.stack([_ranks(column) for column in columns.values()], axis=1)
    return Shortcuts(num_normal, num_broken, by_feature, auc(truth, _held_out_scores(truth, ranks)))


def auc(truth: npt.NDArray[np.int64], scores: Float64Array) -> float:
    """Area under the ROC curve: the probability that a broken video scores higher than a normal
    one; a tie counts one half.

    Source: Hanley & McNeil, Radiology 1982 (the Mann-Whitney statistic).
    """
    num_broken = int(truth.sum())
    num_normal = len(truth) - num_broken
    rank_sum = float(_ranks(scores)[truth == 1].sum())
    return (rank_sum - num_broken * (num_broken + 1) / 2) / (num_broken * num_normal)


def _ranks(values: Float64Array) -> Float64Array:
    """Ranks from 1, the mean rank for ties."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + 1 + last) / 2)[inverse]


def _held_out_scores(truth: npt.NDArray[np.int64], features: Float64Array) -> Float64Array:
    """Scores of a ridge-regularised logistic regression, each video scored by a fit on the other
    folds.
    """
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)
    design = np.column_stack([np.ones(len(scaled)), scaled])
    fold = np.empty(len(truth), np.int64)
    for label in (0, 1):  # every fold has its share of both labels
        members = np.flatnonzero(truth == label)
        fold[members] = np.arange(len(members)) % FOLDS
    scores = np.empty(len(truth))
    for number in range(FOLDS):
        held_out = fold == number
        scores[held_out] = design[held_out] @ _fit(design[~held_out], truth[~held_out])
    return scores


def _fit(design: Float64Array, truth: npt.NDArray[np.int64]) -> Float64Array:
    """Newton's method. The ridge keeps the weights finite if the labels can be separated."""
    weights = np.zeros(design.shape[1])
    ridge = np.eye(design.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        gradient = design.T @ (truth - chance) - ridge @ weights
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + ridge
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if np.abs(step).max() < 1e-8:
            break
    return weights
