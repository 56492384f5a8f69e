"""The share of one consumer in an epoch: its rows, their order, and the number of its clips."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, islice, tee
from typing import Any, Literal

import numpy as np

from ..frames import Int64Array
from .epoch_order import Done, Place, epoch_order, most_and_fewest, visits_left
from .plan import ClipPlan, count_clips
from .release_rows import ReleaseRows
from .source import Row, Rows, group_sizes, rows_in_turn, video_frames


@dataclass(frozen=True, slots=True, eq=False)
class Share:
    """One consumer's visits in order, and the number of clips that every consumer gives (None: all
    clips of its visits).
    """

    visits: Iterable[int]
    clips: int | None


def order_of(source: Rows, *, shuffle: bool, seed: int, epoch: int) -> Int64Array:
    """int64[N]: the row of every visit."""
    sizes = group_sizes(source)
    return (
        epoch_order(sizes, seed=seed, epoch=epoch)
        if shuffle
        else np.arange(sum(sizes), dtype=np.int64)
    )


def share_of(
    source: Any,
    order: Int64Array | None,
    plan: ClipPlan,
    *,
    place: Place,
    done: Done,
    uneven: Literal["pad", "drop"],
) -> Share:
    """The remaining share of this consumer.

    Args:
        source: rows, or an iterable of rows without a length.
        order: the result of `order_of`; None for an iterable.
    """
    if order is None:
        endless = (visit for visit in count(done.before) if visit not in done.whole)
        return Share(islice(endless, place.consumer, None, place.consumers), None)
    left = visits_left(done, len(order))
    visits = left[place.consumer :: place.consumers].tolist()
    if place.world_size == 1:
        return Share(visits, None)
    # The lengths of videos matter only for sampling "all".
    lengths = video_frames(source)[order] if plan.sampling == "all" else order
    clip_counts = count_clips(plan, lengths[left])
    clip_counts -= np.asarray([done.begun.get(visit, 0) for visit in left.tolist()], dtype=np.int64)
    most, fewest = most_and_fewest(clip_counts, place.consumers)
    return Share(visits, most if uneven == "pad" else fewest)


def num_clips(
    source: Rows, plan: ClipPlan, *, world_size: int, uneven: Literal["pad", "drop"]
) -> int:
    """Number of clips that each of `world_size` ranks with one worker gives in an epoch; with
    sampling "all" only for one rank.
    """
    rows = sum(group_sizes(source))
    lengths = video_frames(source) if plan.sampling == "all" else np.zeros(rows, np.int64)
    clip_counts = count_clips(plan, lengths)
    if world_size == 1:
        return int(clip_counts.sum())
    most, fewest = most_and_fewest(clip_counts, world_size)
    return most if uneven == "pad" else fewest


def rows_at(
    source: Any, order: Int64Array | None, visits: Iterable[int]
) -> Iterator[tuple[int, Row, str]]:
    """(visit, row, the row's place for messages) of these visits; for an iterable the visits must
    ascend.
    """
    if order is None:
        visits, places = tee(visits)
        for visit, row in zip(visits, rows_in_turn(source, places), strict=False):
            yield visit, row, ""
        return
    for visit in visits:
        number = int(order[visit])
        yield (
            visit,
            source[number],
            f"{source.where(number)} " if isinstance(source, ReleaseRows) else "",
        )
