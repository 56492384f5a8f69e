"""How sure a mean over videos is: percentile bootstrap, and the paired one for two predictions on the same videos."""

from dataclasses import dataclass

import numpy as np

from ...masks import Float64Array

RESAMPLES = 2000
SEED = 0
COVERAGE = 0.95

# Of resampled values held at once.
_CHUNK_VALUES = 1 << 22


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over n videos with its interval; None where there is nothing to say it from (n = 0, or an interval of n = 1)."""

    value: float | None
    low: float | None
    high: float | None
    n: int

    def to_dict(self) -> dict[str, float | int | None]:
        return {"value": self.value, "low": self.low, "high": self.high, "n": self.n}


@dataclass(frozen=True, slots=True)
class Difference:
    """Mean difference of two predictions over the same n videos. `p` is two-sided: how often a resampled one has the other sign."""

    value: float | None
    low: float | None
    high: float | None
    p: float | None
    n: int

    def to_dict(self) -> dict[str, float | int | None]:
        return {"value": self.value, "low": self.low, "high": self.high, "p": self.p, "n": self.n}


def estimate(values: Float64Array) -> Estimate:
    """Mean of per-video values and its 95 % interval; NaN values (nothing to say of this video) are left out.

    The same values give the same interval: the resampling has a fixed seed.
    """
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return Estimate(float(known[0]) if len(known) else None, None, None, len(known))
    low, high = _quantiles(_resampled_means(known))
    return Estimate(float(known.mean()), low, high, len(known))


def difference(ours: Float64Array, others: Float64Array) -> Difference:
    """Mean of ours - others by video, its interval and p; videos of which either says nothing are left out."""
    gaps = ours - others
    gaps = gaps[~np.isnan(gaps)]
    if len(gaps) < 2:
        return Difference(float(gaps[0]) if len(gaps) else None, None, None, None, len(gaps))
    means = _resampled_means(gaps)
    low, high = _quantiles(means)
    # One more of each, so that no finite number of resamples calls a difference certain.
    tail = min(int((means <= 0).sum()), int((means >= 0).sum()))
    return Difference(float(gaps.mean()), low, high, min(1.0, 2 * (tail + 1) / (RESAMPLES + 1)), len(gaps))


def _quantiles(means: Float64Array) -> tuple[float, float]:
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(means, [tail, 1 - tail]).tolist()
    return low, high


def _resampled_means(values: Float64Array) -> Float64Array:
    stream = np.random.default_rng(SEED)
    step = max(1, _CHUNK_VALUES // len(values))
    parts = [
        values[stream.integers(0, len(values), (min(step, RESAMPLES - start), len(values)))].mean(axis=1)
        for start in range(0, RESAMPLES, step)
    ]
    return np.concatenate(parts)
