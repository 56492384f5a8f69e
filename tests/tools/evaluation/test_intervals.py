"""Intervals and tests against theory: how often they cover, and how often they see a difference
that is not there.
"""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from brokenvideos.tools.evaluation.intervals import (
    Estimate,
    difference,
    estimate,
    mean_of,
    sign_flip_p,
    student_t,
)


def test_the_interval_is_about_two_standard_errors() -> None:
    values = np.random.default_rng(3).normal(0.5, 0.1, 400)
    found = estimate(values)
    error = values.std() / np.sqrt(400)
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.1 * error * 2)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.1 * error * 2)


def test_it_is_the_same_every_time_and_leaves_out_what_is_unknown() -> None:
    values = np.array([0.1, 0.4, np.nan, 0.9])
    assert estimate(values) == estimate(values[[0, 1, 3]])
    assert estimate(values).n == 3


def test_few_videos_have_no_interval() -> None:
    assert estimate(np.array([])) == Estimate(None, None, None, 0)
    assert estimate(np.array([0.3])) == Estimate(0.3, None, None, 1)


def test_many_videos_are_resampled_in_pieces() -> None:
    found = estimate(np.random.default_rng(0).random(20_000))
    assert found.low is not None
    assert found.high is not None
    assert 0.49 < found.low < found.high < 0.51


def test_a_paired_difference_is_sure_where_single_means_are_not() -> None:
    stream = np.random.default_rng(1)
    hard = stream.random(30)  # videos differ much more than methods
    ours, others = hard + 0.02 + stream.normal(0, 0.01, 30), hard
    one, other = estimate(ours), estimate(others)
    assert one.low is not None
    assert other.high is not None
    assert one.low < other.high
    found = difference(ours, others)
    assert found.mean.low is not None
    assert found.p is not None
    assert found.mean.low > 0
    assert found.p < 0.01
    assert difference(others, ours).value == pytest.approx(-found.value)  # type: ignore[operator]


def test_no_difference_is_no_difference() -> None:
    found = difference(np.full(10, 0.5), np.full(10, 0.5))
    assert (found.value, found.mean.low, found.mean.high, found.p) == (0, 0, 0, 1)
    assert difference(np.array([np.nan, 1.0]), np.array([0.0, 0.0])).n == 1


def test_student_is_student() -> None:
    for freedom in (1, 2, 5, 8, 9, 10, 30, 3000):
        assert student_t(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=2e-5)


def test_the_order_of_the_videos_does_not_matter() -> None:
    stream = np.random.default_rng(5)
    values, others = stream.random(23), stream.random(23)
    order = stream.permutation(23)
    assert estimate(values) == estimate(values[order])
    assert difference(values, others) == difference(values[order], others[order])
    assert mean_of(values) == mean_of(values[order]) == estimate(values).value


def test_an_interval_of_few_videos_is_marked() -> None:
    values = np.linspace(0.2, 0.8, 9)
    nine, ten = estimate(values), estimate(np.append(values, 0.5))
    assert (nine.reliable, ten.reliable) == (False, True)
    assert nine.interval() == f"[{nine.low:.3f}, {nine.high:.3f}]?"
    assert ten.interval() == f"[{ten.low:.3f}, {ten.high:.3f}]"
    assert estimate(np.array([0.3])).interval() == ""
    assert nine.to_dict() == {
        "value": nine.value,
        "low": nine.low,
        "high": nine.high,
        "n": 9,
        "reliable": False,
    }


def test_no_interval_leaves_what_a_score_can_be() -> None:
    found = estimate(np.array([0.99, 1.0]))
    assert (found.low, found.high) == (pytest.approx(0.995 - 12.706205 * 0.005), 1.0)
    assert estimate(np.array([-0.9, -1.0]), least=-1).low == -1


DRAWS = {
    "normal": (lambda stream, shape: stream.normal(0.5, 0.1, shape), 0.5),
    "uniform": (lambda stream, shape: stream.random(shape), 0.5),
    "skewed": (lambda stream, shape: stream.beta(5, 0.5, shape), 5 / 5.5),
    "exponential": (lambda stream, shape: stream.exponential(0.1, shape), 0.1),
    "two groups": (
        lambda stream, shape: np.where(stream.random(shape) < 0.7, 1.0, stream.random(shape) / 2),
        0.775,
    ),
    "0 or 1": (lambda stream, shape: (stream.random(shape) < 0.3).astype(np.float64), 0.3),
}


def coverage(kind: str, count: int, *, draws: int) -> float:
    """How often the interval of `count` videos holds the true mean."""
    draw, mean = DRAWS[kind]
    stream = np.random.default_rng(count)
    found = [estimate(values, least=-9, most=9) for values in draw(stream, (draws, count))]
    return sum(one.low - 1e-12 <= mean <= one.high + 1e-12 for one in found) / draws  # type: ignore[operator]


@pytest.mark.parametrize("kind", DRAWS)
def test_intervals_cover_from_ten_videos_on(kind: str) -> None:
    draws = 400
    error = np.sqrt(0.93 * 0.07 / draws)
    assert coverage(kind, 10, draws=draws) >= 0.93 - 2 * error


@pytest.mark.slow
@pytest.mark.parametrize("count", [10, 12, 15, 20, 30, 60])
@pytest.mark.parametrize("kind", DRAWS)
def test_intervals_cover_measured_well(kind: str, count: int) -> None:
    assert coverage(kind, count, draws=3000) >= 0.93


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_p_is_the_share_of_all_signs(count: int) -> None:
    gaps = np.random.default_rng(count).normal(0.3, 1, count)
    sums = [abs(float(np.dot(signs, gaps))) for signs in product((-1, 1), repeat=count)]
    wanted = np.mean([found >= abs(gaps.sum()) - 1e-9 for found in sums])
    assert sign_flip_p(gaps) == pytest.approx(wanted)


def test_p_of_few_videos_cannot_be_small() -> None:
    for count in range(2, 21):
        assert sign_flip_p(np.linspace(0.1, 0.2, count)) == 2 / 2**count
    assert difference(np.array([0.9, 0.8]), np.array([0.1, 0.1])).p == 0.5


def test_p_agrees_with_scipy() -> None:
    gaps = np.random.default_rng(8).normal(0.1, 0.3, 12)
    wanted = stats.permutation_test((gaps,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_p(gaps) == pytest.approx(wanted.pvalue)


def test_p_of_many_videos_is_close_to_normal_theory() -> None:
    gaps = np.random.default_rng(2).normal(0.05, 0.3, 200)
    z = abs(gaps.sum()) / np.sqrt((gaps**2).sum())
    assert sign_flip_p(gaps) == pytest.approx(2 * stats.norm.sf(z), abs=0.01)
    assert sign_flip_p(np.full(50, 0.1)) == 1 / 10_000


def test_ties_count_for_the_null() -> None:
    # 0.1 + 0.2 - 0.3 is not 0 in floating point: sums that are equal must be found equal.
    gaps = np.array([0.1, 0.2, -0.3, 0.1, 0.2, -0.3, 0.1])
    whole = np.round(gaps * 10)
    assert sign_flip_p(gaps) == sign_flip_p(whole)
    # a video without a difference says nothing
    assert sign_flip_p(np.array([0.0, 0.0, 0.4, 0.3])) == 0.5


NULLS = {
    "normal": lambda stream, shape: stream.normal(size=shape),
    "ties": lambda stream, shape: np.round(2 * stream.normal(size=shape)) / 2,
    "skewed scores": lambda stream, shape: stream.beta(5, 0.5, shape) - stream.beta(5, 0.5, shape),
}


def false_alarms(kind: str, count: int, *, draws: int) -> float:
    """How often p is below 0.05 where the two predictions are exchangeable."""
    stream = np.random.default_rng(1000 + count)
    return float(
        np.mean([sign_flip_p(gaps) < 0.05 for gaps in NULLS[kind](stream, (draws, count))])
    )


def bound(draws: int) -> float:
    return 0.05 + 3 * np.sqrt(0.05 * 0.95 / draws)


@pytest.mark.parametrize("count", range(2, 31))
def test_nothing_is_found_where_there_is_nothing(count: int) -> None:
    draws = 600 if count <= 15 else 60
    assert false_alarms("normal", count, draws=draws) <= bound(draws)


@pytest.mark.slow
@pytest.mark.parametrize("count", range(2, 31))
@pytest.mark.parametrize("kind", NULLS)
def test_nothing_is_found_measured_well(kind: str, count: int) -> None:
    assert false_alarms(kind, count, draws=1000) <= bound(1000)
