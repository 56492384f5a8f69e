"""Chance-corrected agreement and consensus from counts of votes, so that each pixel is read only
once.

With N annotators, a pixel has a pattern: a number below 2**N in which bit k is 1 if annotator k
marked it. Cohen's, Fleiss' and Krippendorff's coefficients and STAPLE need only the number of
pixels of each pattern.

Empty input: without a pixel the result is None. If everybody chose one class for every pixel,
chance alone gives full agreement and the coefficients are 0 / 0. They are then defined as 1,
because nobody disagreed.
"""

from dataclasses import dataclass

import numpy as np

from ...masks import BoolArray, Float64Array, Int64Array

MAX_ANNOTATORS = 8


def marked_by(num_annotators: int) -> BoolArray:
    """bool[2**N, N]: whether the annotator marks a pixel of the pattern."""
    patterns = np.arange(1 << num_annotators)
    return (patterns[:, None] >> np.arange(num_annotators) & 1).astype(np.bool_)


def cohen_kappa(table: Int64Array) -> float | None:
    """Cohen's kappa of two annotators from int64[2, 2] or [K, K]: the number of times one chose the
    row and the other the column.

    Source: Cohen, Educational and Psychological Measurement 20, 1960.
    """
    total = int(table.sum())
    if not total:
        return None
    observed = int(np.trace(table)) / total
    expected = float((table.sum(axis=0) / total) @ (table.sum(axis=1) / total))
    return 1.0 if expected == 1 else (observed - expected) / (1 - expected)


def fleiss_kappa(votes: Int64Array) -> float | None:
    """Fleiss' kappa of N annotators from int64[N + 1]: pixels by number of votes.

    Source: Fleiss, Psychological Bulletin 76, 1971.
    """
    raters, total = len(votes) - 1, int(votes.sum())
    if not total or raters < 2:
        return None
    ones = np.arange(raters + 1)
    share = float(votes @ ones) / (total * raters)
    expected = share * share + (1 - share) * (1 - share)
    pairs = ones * (ones - 1) + (raters - ones) * (raters - ones - 1)
    observed = float(votes @ pairs) / (total * raters * (raters - 1))
    return 1.0 if share in (0, 1) else (observed - expected) / (1 - expected)


def krippendorff_alpha(votes_by_raters: dict[int, Int64Array]) -> float | None:
    """Krippendorff's alpha (nominal) from pixels by number of votes, for each number m of
    annotators of a frame: {m: int64[m + 1]}.

    Pixels with only one annotator cannot be compared and are left out.

    Source: Krippendorff, Computing Krippendorff's Alpha-Reliability, 2011.
    """
    values = ones = 0
    disagreement = 0.0
    for raters, votes in votes_by_raters.items():
        if raters >= 2:
            marks = np.arange(raters + 1)
            values += raters * int(votes.sum())
            ones += int(votes @ marks)
            disagreement += 2 * float(votes @ (marks * (raters - marks))) / (raters - 1)
    if not values:
        return None
    zeros = values - ones
    if not ones or not zeros:
        return 1.0
    return 1 - disagreement / values / (2 * (ones / values) * (zeros / (values - 1)))


@dataclass(frozen=True, slots=True, eq=False)
class Staple:
    """Probability of each pattern that a pixel is truly marked, float64[2**N], and each annotator's
    scores, float64[N].
    """

    probability: Float64Array
    sensitivity: Float64Array
    specificity: Float64Array


def staple(patterns: Int64Array, *, iterations: int = 10_000) -> Staple | None:
    """STAPLE by expectation maximisation over the patterns of one image or video; None without a
    pixel.

    Two annotators do not determine the result: sensitivities then depend on start and stop values
    in the third digit. If nobody marks anything, or everybody marks everything, nothing is
    estimated: the probability is 0 or 1, and annotators are perfect.

    Args:
        patterns: int64[2**N], pixels of every pattern.

    Source: Warfield, Zou, Wells, IEEE Transactions on Medical Imaging 23, 2004; started as ITK's
    STAPLEImageFilter is, from 0.99999 and the mean of all votes as prior.
    """
    total = int(patterns.sum())
    if not total:
        return None
    marked = marked_by(len(patterns).bit_length() - 1)
    num_annotators = marked.shape[1]
    prior = float(patterns @ marked.sum(axis=1)) / (total * num_annotators)
    perfect = np.ones(num_annotators)
    if prior in (0, 1):
        return Staple(np.full(len(patterns), prior), perfect, perfect)
    sensitivity = specificity = np.full(num_annotators, 0.99999)
    probability = np.zeros(len(patterns))
    for _ in range(iterations):
        truly = prior * np.where(marked, sensitivity, 1 - sensitivity).prod(axis=1)
        falsely = (1 - prior) * np.where(marked, 1 - specificity, specificity).prod(axis=1)
        both = truly + falsely
        probability = np.divide(truly, both, out=np.full(len(patterns), prior), where=both > 0)
        true_px, false_px = patterns * probability, patterns * (1 - probability)
        if not true_px.sum() or not false_px.sum():
            break
        better = true_px @ marked / true_px.sum(), false_px @ ~marked / false_px.sum()
        change = max(abs(better[0] - sensitivity).max(), abs(better[1] - specificity).max())
        sensitivity, specificity = better
        if change < 1e-12:
            break
    return Staple(probability, sensitivity, specificity)


def majority(num_annotators: int) -> BoolArray:
    """bool[2**N]: patterns that more than half of the annotators mark. A tie does not count."""
    chosen: BoolArray = 2 * marked_by(num_annotators).sum(axis=1) > num_annotators
    return chosen


def votes_of(patterns: Int64Array) -> Int64Array:
    """int64[N + 1]: pixels by number of votes."""
    num_annotators = len(patterns).bit_length() - 1
    return np.bincount(
        marked_by(num_annotators).sum(axis=1), weights=patterns, minlength=num_annotators + 1
    ).astype(np.int64)


def pair_table(patterns: Int64Array, first: int, second: int) -> Int64Array:
    """int64[2, 2]: pixels by what two of the annotators chose."""
    marked = marked_by(len(patterns).bit_length() - 1)
    table = np.zeros((2, 2), np.int64)
    np.add.at(
        table, (marked[:, first].astype(np.intp), marked[:, second].astype(np.intp)), patterns
    )
    return table
