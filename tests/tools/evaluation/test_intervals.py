"""Bootstrap intervals against theory and against scipy's idea of them."""

import numpy as np
import pytest

from brokenvideos.tools.evaluation.intervals import Estimate, difference, estimate


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
    assert found.low is not None
    assert found.p is not None
    assert found.low > 0
    assert found.p < 0.01
    assert difference(others, ours).value == pytest.approx(-found.value)  # type: ignore[operator]


def test_no_difference_is_no_difference() -> None:
    found = difference(np.full(10, 0.5), np.full(10, 0.5))
    assert (found.value, found.low, found.high, found.p) == (0, 0, 0, 1)
    assert difference(np.array([np.nan, 1.0]), np.array([0.0, 0.0])).n == 1
