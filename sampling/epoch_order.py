"""The order of videos in an epoch, the share of each consumer, and the rest of an epoch: pure
functions.

A visit is one video in the order of one epoch. Consumers are all DataLoader workers of all ranks.
Consumer c of C takes every C-th visit that is not done yet, starting with the c-th. So a few
numbers (`Done`) describe the finished visits of any number of consumers, and any other number of
consumers can continue from there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count, islice

import numpy as np
import numpy.typing as npt

from ..frames import Int64Array

WINDOW_GROUPS = 8
"""Row groups whose rows are mixed. Their annotations stay in memory, their videos do not."""


@dataclass(frozen=True, slots=True)
class Done:
    """The finished part of an epoch: all visits below `before`, the visits in `whole`, and for each
    visit in `begun` the number of its clips that were given.
    """

    before: int = 0
    whole: frozenset[int] = frozenset()
    begun: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """The rank and worker of this consumer, and the numbers of ranks and workers."""

    rank: int
    world_size: int
    worker: int
    workers: int

    @property
    def consumer(self) -> int:
        return self.rank + self.world_size * self.worker

    @property
    def consumers(self) -> int:
        return self.world_size * self.workers


def epoch_order(
    group_sizes: npt.ArrayLike, *, seed: int, epoch: int, window_groups: int = WINDOW_GROUPS
) -> Int64Array:
    """int64[N]: the row of every visit.

    Row groups come in random order over all shards, and the rows of every `window_groups`
    consecutive groups are mixed. Rows are numbered through all groups: the first group holds rows 0
    to group_sizes[0] - 1.
    """
    sizes = np.asarray(group_sizes, dtype=np.int64)
    random = np.random.default_rng([seed, epoch])
    groups = random.permutation(len(sizes))
    firsts = np.cumsum(sizes) - sizes
    window_of_group = np.arange(len(sizes)) // window_groups
    shuffled = sizes[groups]
    within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(shuffled) - shuffled, shuffled)
    rows = np.repeat(firsts[groups], shuffled) + within
    # Sorting by (window, random number) mixes every window at once.
    return rows[np.lexsort((random.random(len(rows)), np.repeat(window_of_group, shuffled)))]


def visits_left(done: Done, num_visits: int) -> Int64Array:
    """int64[M]: the visits that are not finished, in order."""
    left = np.arange(done.before, num_visits, dtype=np.int64)
    return left[~np.isin(left, list(done.whole))] if done.whole else left


def most_and_fewest(clip_counts: Int64Array, consumers: int) -> tuple[int, int]:
    """The largest and smallest number of clips of a consumer, if the consumers share these
    visits.
    """
    padded = np.zeros(-(-len(clip_counts) // consumers) * consumers, dtype=np.int64)
    padded[: len(clip_counts)] = clip_counts
    totals = padded.reshape(-1, consumers).sum(axis=0)
    return int(totals.max(initial=0)), int(totals.min()) if len(totals) else 0


def joined(parts: Iterable[tuple[int, int, int]], base: Done) -> Done:
    """The finished part of an epoch after consumers, who all started at `base`, have given clips.

    Args:
        parts: for the consumers 0 … C - 1, in this order: (C, number of finished visits, number of
            given clips of the next visit).
    """
    progress = list(parts)
    whole, begun = set(base.whole), dict(base.begun)
    needed = max((visits + 1) * consumers for consumers, visits, _ in progress)
    skipped = (visit for visit in count(base.before) if visit not in base.whole)
    left = list(islice(skipped, needed))
    for consumer, (consumers, visits, clips) in enumerate(progress):
        mine = left[consumer::consumers]
        whole.update(mine[:visits])
        if clips:
            begun[mine[visits]] = clips
    before = base.before
    while before in whole:
        whole.remove(before)
        before += 1
    left_begun = {
        visit: clips for visit, clips in begun.items() if visit >= before and visit not in whole
    }
    return Done(before, frozenset(whole), left_begun)
