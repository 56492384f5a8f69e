import numpy as np
import pytest
from hypothesis import given, strategies as st

from brokenvideos.sampling.epoch_order import (
    WINDOW_GROUPS,
    Done,
    epoch_order,
    joined,
    most_and_fewest,
    visits_left,
)


@given(st.lists(st.integers(0, 7), max_size=30), st.integers(0, 5))
def test_every_row_once(sizes, epoch):
    order = epoch_order(sizes, seed=1, epoch=epoch)
    assert sorted(order.tolist()) == list(range(sum(sizes)))
    np.testing.assert_array_equal(order, epoch_order(sizes, seed=1, epoch=epoch))


def test_rows_of_a_window_come_from_its_row_groups_alone():
    order = epoch_order([8] * 64, seed=0, epoch=0)
    windows = (order // 8).reshape(-1, 8 * WINDOW_GROUPS)
    assert all(len(set(window)) == WINDOW_GROUPS for window in windows.tolist())


def test_how_random_the_order_is():
    """400 row groups of 8: against a perfect shuffle, measured by rank correlation, neighbours and
    the mix in a batch.
    """
    rows = np.arange(3200)
    correlations, neighbours, groups_in_batch = [], [], []
    for epoch in range(20):
        order = epoch_order([8] * 400, seed=0, epoch=epoch)
        correlations.append(abs(np.corrcoef(rows, order)[0, 1]))
        groups = order // 8
        neighbours.append((groups[1:] == groups[:-1]).mean())
        groups_in_batch.append(
            np.mean([len(set(batch)) for batch in groups.reshape(-1, 16).tolist()])
        )
    # A perfect shuffle has 1/sqrt(3200) = 0.018 on average, 7/3199 = 0.002 and nearly 16.
    assert np.mean(correlations) < 0.08
    # Two neighbours come from one row group in 7 of 63 cases, and a batch of 16 holds 7.2 of the 8
    # row groups of its window.
    assert np.mean(neighbours) == pytest.approx(7 / 63, abs=0.01)
    assert np.mean(groups_in_batch) > 7
    # Two epochs have nothing to do with each other.
    first, second = (np.argsort(epoch_order([8] * 400, seed=0, epoch=epoch)) for epoch in (0, 1))
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1


@given(st.data())
def test_any_numbers_of_consumers_go_on_from_any_point(data):
    """Consumers run, stop anywhere, other numbers of them go on, several times: in the end every
    clip came once.
    """
    num_visits = data.draw(st.integers(0, 25), label="visits")
    clips = 3
    seen: list[tuple[int, int]] = []
    done = Done()
    for generation in range(3):
        consumers = data.draw(st.integers(1, 5), label="consumers")
        left = visits_left(done, num_visits).tolist()
        parts = []
        for consumer in range(consumers):
            mine = [
                (visit, clip)
                for visit in left[consumer::consumers]
                for clip in range(done.begun.get(visit, 0), clips)
            ]
            stop = (
                len(mine) if generation == 2 else data.draw(st.integers(0, len(mine)), label="stop")
            )
            seen += mine[:stop]
            own = left[consumer::consumers]
            finished = sum(1 for visit in own if (visit, clips - 1) in mine[:stop])
            begun = [clip for visit, clip in mine[:stop] if visit not in own[:finished]]
            parts.append((consumers, finished, begun[-1] + 1 if begun else 0))
        done = joined(parts, done)
    assert sorted(seen) == [(visit, clip) for visit in range(num_visits) for clip in range(clips)]
    assert done.before >= num_visits
    assert not done.begun


@pytest.mark.parametrize(
    ("counts", "consumers", "expected"),
    [([], 3, (0, 0)), ([2], 3, (2, 0)), ([1, 5, 1], 2, (5, 2)), ([1] * 6, 3, (2, 2))],
)
def test_most_and_fewest(counts, consumers, expected):
    assert most_and_fewest(np.asarray(counts, dtype=np.int64), consumers) == expected
