"""How sure a mean over videos is, and whether two predictions differ on the same videos.

The interval is the wider of Student's t and the bootstrap-t at either end, and no end lies further from the mean than three times
Student's: the percentile bootstrap is too narrow for few videos, Student's t for skewed scores, and the bootstrap-t alone has no
bound where scores tie. The test of a difference flips the sign of each video's gap.

Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 12.5 (bootstrap-t); Fisher, The Design of Experiments,
1935, section 21 (sign flips); Phipson and Smyth, Statistical Applications in Genetics and Molecular Biology 9, 2010 (b + 1, B + 1).
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
"""Videos, below which an interval says little: it stands there and is marked."""
EXACT_UP_TO = 20
"""Videos whose 2**n signs are all tried; above, FLIPS of them are drawn."""

UNRELIABLE = "?"
"""Marks an interval of fewer than RELIABLE_FROM videos in texts."""

_WIDEST = 3.0
_STUDENT = (12.706205, 4.302653, 3.182446, 2.776445, 2.570582, 2.446912, 2.364624, 2.306004)
# Of resampled values held at once.
_CHUNK_VALUES = 1 << 22
# Sums that differ by less than this share of the sum of all gaps are equal: they were added in another order.
_TIE = 1e-12


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over n videos with its interval; None where there is nothing to say it from (n = 0, or an interval of n = 1)."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    @property
    def reliable(self) -> bool:
        """Whether there is an interval, of enough videos to cover the true mean about as often as it promises."""
        return self.low is not None and self.n >= RELIABLE_FROM

    def to_dict(self) -> dict[str, float | int | bool | None]:
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n, "reliable": self.reliable}

    def interval(self) -> str:
        """As texts show it: "[0.617, 0.683]", followed by UNRELIABLE where it is not; "" without one."""
        if self.low is None or self.high is None:
            return ""
        return f"[{self.low:.3f}, {self.high:.3f}]{'' if self.reliable else UNRELIABLE}"


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean difference of two predictions over the same n videos. `p` is two-sided: of all ways to swap the two predictions on
    some of the videos, the share that makes their means differ at least as much."""

    mean: Estimate
    p: float | None

    @property
    def value(self) -> float | None:
        """The mean difference."""
        return self.mean.value

    @property
    def n(self) -> int:
        """Videos of which both say something."""
        return self.mean.n

    def to_dict(self) -> dict[str, float | int | bool | None]:
        return self.mean.to_dict() | {"p": self.p}


def mean_of(values: Float64Array) -> float | None:
    """Mean of per-video values, NaN left out; None without one. The same for any order of the videos."""
    known = _known(values)
    return float(known.mean()) if len(known) else None


def estimate(values: Float64Array, *, least: float = 0.0, most: float = 1.0) -> Estimate:
    """Mean of per-video values and its 95 % interval; NaN values (nothing to say of this video) are left out.

    The same values give the same interval, in any order: the resampling has a fixed seed.

    Args:
        least, most: what a value can be at all; no interval goes beyond.
    """
    known = _known(values)
    if len(known) < 2:
        return Estimate(float(known[0]) if len(known) else None, None, None, len(known))
    mean = float(known.mean())
    down, up = _arms(known)
    return Estimate(mean, max(least, mean - down), min(most, mean + up), len(known))


def difference(ours: Float64Array, others: Float64Array, *, widest: float = 1.0) -> Difference:
    """Mean of ours - others by video, its interval and p; videos of which either says nothing are left out.

    Args:
        widest: the largest gap that there can be.
    """
    gaps = ours - others
    mean = estimate(gaps, least=-widest, most=widest)
    return Difference(mean, sign_flip_p(_known(gaps)) if mean.n > 1 else None)


def sign_flip_p(gaps: Float64Array) -> float:
    """Two-sided p of gaps of pairs, in (0, 1]: how often their sum is at least as far from 0 when each has either sign.

    Exact up to EXACT_UP_TO gaps that are not 0, so never below 2 / 2**n; above, (b + 1) / (B + 1) of FLIPS drawn signs. Where two
    predictions are exchangeable on every video, p is below 0.05 in at most 5 % of all cases. 1 where no gap differs from 0.
    """
    gaps = gaps[gaps != 0]
    bound = abs(float(gaps.sum())) - _TIE * float(np.abs(gaps).sum())
    if len(gaps) <= EXACT_UP_TO:
        sums = np.zeros(1)
        for gap in gaps[1:]:  # with the first sign turned, every sum has its negative: half of them are enough
            sums = np.concatenate([sums + gap, sums - gap])
        first = gaps[0] if len(gaps) else 0.0
        return float((np.abs(sums + first) >= bound).mean())
    stream = np.random.default_rng(SEED)
    beyond = sum(int((np.abs(signs @ gaps) >= bound).sum()) for signs in _signs(stream, len(gaps)))
    return (beyond + 1) / (FLIPS + 1)


def _signs(stream: np.random.Generator, count: int) -> Iterator[Float64Array]:
    """FLIPS rows of -1 and 1, float64[rows, count], in pieces."""
    for rows in _pieces(FLIPS, count):
        bits = np.unpackbits(stream.integers(0, 256, (rows, -(-count // 8)), np.uint8), axis=1, count=count)
        yield 2.0 * bits.astype(np.float64) - 1.0


def _arms(values: Float64Array) -> tuple[float, float]:
    """How far the interval reaches below and above the mean of at least two values."""
    tail = (1 - COVERAGE) / 2
    count = len(values)
    error = float(values.std(ddof=1)) / math.sqrt(count)
    student = student_t(count - 1) * error
    if count < RELIABLE_FROM or error == 0:
        return student, student
    low, high = np.quantile(_studentized(values), [tail, 1 - tail], method="inverted_cdf").tolist()
    # How a resampled mean lies above the mean tells how the mean may lie above the truth.
    below, above = high * error, -low * error
    return min(max(below, student), _WIDEST * student), min(max(above, student), _WIDEST * student)


def student_t(freedom: int) -> float:
    """The 0.975 quantile of Student's t; `freedom` at least 1.

    Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, table 26.10 and formula 26.7.5.
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
    """RESAMPLES values of (resampled mean - mean) / its own standard error; infinite where all resampled values are equal."""
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
    """Numbers of rows of this width that fit into memory at once, `total` together."""
    step = max(1, _CHUNK_VALUES // max(1, width))
    for start in range(0, total, step):
        yield min(step, total - start)


def _known(values: Float64Array) -> Float64Array:
    """The values that are known, sorted: which video comes first must not matter."""
    known: Float64Array = np.sort(values[~np.isnan(values)])
    return known
