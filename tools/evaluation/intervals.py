"""Intervals of means over videos, and tests of the difference of two predictions on the same
videos.

Each end of an interval is the wider one of Student's t and the bootstrap-t, but at most three times
as far from the mean as Student's t. The reasons: the percentile bootstrap is too narrow for few
videos, Student's t is too narrow for skewed scores, and the bootstrap-t alone has no bound if many
scores are equal. The test of a difference flips the sign of each video's difference at random.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 12.5 (bootstrap-t);
Fisher, The Design of Experiments, 1935, section 21 (sign flips); Phipson and Smyth, Statistical
Applications in Genetics and Molecular Biology 9, 2010 (b + 1, B + 1).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from ...masks import Float64Array

RESAMPLES = 2000
FLIPS = 9999
SEED = 0
COVERAGE = 0.95
RELIABLE_FROM = 10
"""An interval of fewer videos than this is not reliable; it is shown with a mark."""
EXACT_UP_TO = 20
"""Up to this number n of differences all 2**n sign patterns are tried; above, FLIPS random ones."""

UNRELIABLE = "?"
"""Marks an interval of fewer than RELIABLE_FROM videos in texts."""

_WIDEST = 3.0
_STUDENT = (12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004)
# Largest number of resampled values in memory at a time.
_CHUNK_VALUES = 1 << 22
# Sums that differ by less than this share of the sum of all gaps count as equal, because the order
# of additions changes the last digits.
_TIE = 1e-12


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over n videos with its 95 % interval. The mean is None for n = 0, the interval for n <
    2.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def reliable(self) -> bool:
        """Whether there is an interval, and it is of enough videos to contain the true mean in
        about 95 % of cases.
        """
        return self.low is not None and self.n >= RELIABLE_FROM

    def to_dict(self) -> dict[str, float | int | bool | None]:
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "reliable": self.reliable,
        }

    def interval(self) -> str:
        """The interval as text: "[0.617, 0.683]", followed by UNRELIABLE if it is not reliable; ""
        if there is none.
        """
        if self.low is None or self.high is None:
            return ""
        return f"[{self.low:.3f}, {self.high:.3f}]{'' if self.reliable else UNRELIABLE}"


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean difference of two predictions over the same n videos, and its two-sided p.

    p is a share of all ways to swap the two predictions on some of the videos: those in which the
    means differ at least as much. None for n < 2.
    """

    mean: Estimate
    p: float | None

    @property
    def value(self) -> float | None:
        """The mean difference; None for n = 0."""
        return self.mean.value

    @property
    def n(self) -> int:
        """Number of videos for which both predictions have a value."""
        return self.mean.n

    def to_dict(self) -> dict[str, float | int | bool | None]:
        return self.mean.to_dict() | {"p": self.p}


def mean_of(values: Float64Array) -> float | None:
    """The mean of per-video values without NaN; None if no value is left. It does not depend on the
    order.
    """
    known = _known(values)
    return float(known.mean()) if len(known) else None


def estimate(values: Float64Array, *, least: float = 0.0, most: float = 1.0) -> Estimate:
    """The mean of per-video values and its 95 % interval. NaN (not defined for a video) is left
    out.

    The same values give the same interval in any order, because the resampling has a fixed seed.

    Args:
        least, most: the smallest and largest possible value; the interval is cut there.
    """
    known = _known(values)
    if len(known) < 2:
        return Estimate(float(known[0]) if len(known) else None, None, None, len(known))
    mean = float(known.mean())
    down, up = _arms(known)
    return Estimate(mean, max(least, mean - down), min(most, mean + up), len(known))


def difference(ours: Float64Array, others: Float64Array, *, widest: float = 1.0) -> Difference:
    """The mean of `ours - others` per video, its interval and p. Videos with a NaN are left out.

    Args:
        widest: the largest possible difference.
    """
    gaps = ours - others
    mean = estimate(gaps, least=-widest, most=widest)
    return Difference(mean, sign_flip_p(_known(gaps)) if mean.n > 1 else None)


def sign_flip_p(gaps: Float64Array) -> float:
    """The two-sided p of the differences of pairs, in (0, 1]; 1 if all are 0.

    It is the share of sign patterns for which the sum of the differences is at least as far from 0.
    For n <= EXACT_UP_TO differences other than 0, all 2**n patterns are tried, so p is at least
    2 / 2**n. For more, p is (b + 1) / (B + 1) with B = FLIPS random patterns. If two predictions
    can be exchanged on every video, p is below 0.05 in at most 5 % of all cases.
    """
    gaps = gaps[gaps != 0]
    bound = abs(float(gaps.sum())) - _TIE * float(np.abs(gaps).sum())
    if len(gaps) <= EXACT_UP_TO:
        sums = np.zeros(1)
        # flipping all signs gives the negative sum, so half of the patterns are enough
        for gap in gaps[1:]:
            sums = np.concatenate([sums + gap, sums - gap])
        first = gaps[0] if len(gaps) else 0.0
        return float((np.abs(sums + first) >= bound).mean())
    stream = np.random.default_rng(SEED)
    beyond = sum(int((np.abs(signs @ gaps) >= bound).sum()) for signs in _signs(stream, len(gaps)))
    return (beyond + 1) / (FLIPS + 1)


def _signs(stream: np.random.Generator, count: int) -> Iterator[Float64Array]:
    """Yields FLIPS random rows of -1 and 1 in pieces: float64[rows, count]."""
    for rows in _pieces(FLIPS, count):
        bits = np.unpackbits(
            stream.integers(0, 256, (rows, -(-count // 8)), np.uint8), axis=1, count=count
        )
        yield 2.0 * bits.astype(np.float64) - 1.0


def _arms(values: Float64Array) -> tuple[float, float]:
    """The distances of the interval's ends below and above the mean, of at least two values."""
    tail = (1 - COVERAGE) / 2
    count = len(values)
    error = float(values.std(ddof=1)) / math.sqrt(count)
    student = student_t(count - 1) * error
    if count < RELIABLE_FROM or error == 0:
        return student, student
    low, high = np.quantile(_studentized(values), [tail, 1 - tail], method="inverted_cdf").tolist()
    # Bootstrap-t: the upper quantile of resampled means gives the lower end of the interval.
    below, above = high * error, -low * error
    return min(max(below, student), _WIDEST * student), min(max(above, student), _WIDEST * student)


def student_t(freedom: int) -> float:
    """The 0.975 quantile of Student's t; `freedom` at least 1.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, table 26.10 and formula
    26.7.5.
    """
    if freedom <= len(_STUDENT):
        return _STUDENT[freedom - 1]
    z = NormalDist().inv_cdf(1 - (1 - COVERAGE) / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    quantile: float = z + sum(term / freedom**power for power, term in enumerate(terms, start=1))
    return quantile


def _studentized(values: Float64Array) -> Float64Array:
    """RESAMPLES values of (resampled mean - mean) / standard error of the resampled values.

    A value is infinite if all resampled values are equal, but 0 if their mean equals the mean.
    """
    stream = np.random.default_rng(SEED)
    count, mean = len(values), values.mean()
    parts = []
    for rows in _pieces(RESAMPLES, count):
        resampled = values[stream.integers(0, count, (rows, count))]
        gaps = resampled.mean(axis=1) - mean
        errors = resampled.std(axis=1, ddof=1) / math.sqrt(count)
        far = np.where(gaps == 0, 0.0, np.copysign(np.inf, gaps))
        parts.append(np.divide(gaps, errors, out=far, where=errors > 0))
    return np.concatenate(parts)


def _pieces(total: int, width: int) -> Iterator[int]:
    """Splits `total` rows of this width into numbers of rows that fit into memory at a time."""
    step = max(1, _CHUNK_VALUES // max(1, width))
    for start in range(0, total, step):
        yield min(step, total - start)


def _known(values: Float64Array) -> Float64Array:
    """The values that are not NaN, sorted, so that the order of videos does not change a result."""
    known: Float64Array = np.sort(values[~np.isnan(values)])
    return known
