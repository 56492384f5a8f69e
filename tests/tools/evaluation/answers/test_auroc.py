"""AUROC and its interval."""

import math

import numpy as np
import pytest

from brokenvideos.card import wilson_interval
from brokenvideos.tools.evaluation.answers.auroc import auroc


def test_it_is_the_share_of_pairs_in_order() -> None:
    stream = np.random.default_rng(3)
    broken = stream.random(40) < 0.6
    scores = np.round(stream.normal(broken, 1.0), 1)
    found = auroc(broken, scores)
    pairs = [(a > b) + (a == b) / 2 for a in scores[broken] for b in scores[~broken]]
    assert found.value == pytest.approx(sum(pairs) / len(pairs))
    assert found.n == min(broken.sum(), (~broken).sum())
    assert found.low < found.value < found.high


def test_the_interval_worked_out_by_hand() -> None:
    found = auroc(np.array([True, True, False, False]), np.array([3.0, 1.0, 2.0, 0.0]))
    # Placements: 1 and 1/2 on one side, 1/2 and 1 on the other; each variance 1/8, halved.
    reach = 12.706205 * math.sqrt(1 / 16 + 1 / 16) / (0.75 * 0.25)
    middle = math.log(0.75 / 0.25)
    assert (found.value, found.n) == (0.75, 2)
    assert found.low == pytest.approx(1 / (1 + math.exp(reach - middle)))
    assert found.high == pytest.approx(1 / (1 + math.exp(-reach - middle)))


def test_wholly_apart_is_not_certain_and_neither_are_ties() -> None:
    broken = np.repeat([True, False], [9, 4])
    found = auroc(broken, np.where(broken, np.inf, -np.inf))
    assert (found.value, (found.low, found.high)) == (1.0, wilson_interval(4, 4))
    tied = auroc(broken, np.ones(13))
    assert (tied.value, (tied.low, tied.high)) == (0.5, wilson_interval(2, 4))


def test_of_one_kind_nothing_can_be_said() -> None:
    assert auroc(np.array([True, True]), np.array([1.0, 2.0])).value is None
    one = auroc(np.array([True, False]), np.array([1.0, 0.0]))
    assert (one.value, one.low, one.n) == (1.0, None, 1)


def test_the_interval_covers_as_often_as_it_promises() -> None:
    stream = np.random.default_rng(5)
    true, gap = 0.9, 1.8124  # of two normals that far apart
    broken = np.repeat([True, False], [30, 20])
    hits = 0
    for _ in range(300):
        found = auroc(broken, stream.normal(broken * gap, 1.0))
        hits += found.low <= true <= found.high
    assert hits / 300 > 0.93
