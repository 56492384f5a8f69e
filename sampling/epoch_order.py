"""The order of videos in an epoch, how consumers share it, and what is left of it: pure functions.

A visit is one video in the order of one epoch. Consumers are all DataLoader workers of all ranks; consumer c of C takes every
C-th visit that is not done yet, from the c-th on. So what any number of consumers have done is again a few numbers (`Done`), and
any other number of consumers can go on from there.
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
    """Visits that are over: all below `before`, and `whole`. Of each in `begun`, so many clips are."""

    before: int = 0
    whole: frozenset[int] = frozenset()
    begun: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Which consumer this is."""

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


def epoch_order(group_sizes: npt.ArrayLike, *, seed: int, epoch: int, window_groups: int = WINDOW_GROUPS) -> Int64Array:
    """int64[N]: the row of every visit.

    Row groups in random order over all shards, and the rows of each `window_groups` consecutive ones mixed. Rows are numbered
    through the groups: the first group holds rows 0 to group_sizes[0] - 1.
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
    """int64[M]: the visits that are not over, in order."""
    left = np.arange(done.before, num_visits, dtype=np.int64)
    return left[~np.isin(left, list(done.whole))] if done.whole else left


def most_and_fewest(clip_counts: Int64Array, consumers: int) -> tuple[int, int]:
    """The largest and smallest number of clips that a consumer gets when these visits are dealt."""
    padded = np.zeros(-(-len(clip_counts) // consumers) * consumers, dtype=np.int64)
    padded[: len(clip_counts)] = clip_counts
    totals = padded.reshape(-1, consumers).sum(axis=0)
    return int(totals.max(initial=0)), int(totals.min()) if len(totals) else 0


def joined(parts: Iterable[tuple[int, int, int]], base: Done) -> Done:
    """What is over after consumers, who all began at `base`, went on.

    Args:
        parts: of every consumer 0 … C - 1 in this order: (C, its visits that are over, clips of the next one).
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
    left_begun = {visit: clips for visit, clips in begun.items() if visit >= before and visit not in whole}
    return Done(before, frozenset(whole), left_begun)
