"""Areas and intersections of many masks, computed from their runs without decoding them."""

from dataclasses import dataclass

import numpy as np

from ...masks import Int64Array, Runs


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """The R foreground runs of N masks of one size: first pixel and end of each, int64[R].

    Pixels are numbered through all masks: mask i starts at pixel i * height * width.
    """

    starts: Int64Array
    ends: Int64Array
    num_masks: int
    height: int
    width: int


def foreground(runs: Runs) -> Spans:
    """The foreground runs of masks."""
    ends = np.cumsum(runs.lengths)  # every mask sums to height * width
    # Runs alternate, and the first run of a mask is background. A mask with an odd number of runs
    # flips the parity of all runs after it.
    inside = (np.arange(len(ends)) & 1).astype(np.bool_)
    turned = np.diff(runs.offsets) & 1
    inside ^= np.repeat(np.cumsum(turned) - turned, np.diff(runs.offsets)).astype(np.int64) & 1 == 1
    return Spans(
        ends[inside] - runs.lengths[inside], ends[inside], len(runs), runs.height, runs.width
    )


def areas(spans: Spans) -> Int64Array:
    """The number of foreground pixels of each mask, int64[N]."""
    return _per_mask(spans, spans.ends - spans.starts)


def intersections(a: Spans, b: Spans) -> Int64Array:
    """The number of pixels that are in mask i of both, int64[N].

    `a` and `b` must have equal numbers of masks of the same size.
    """
    covered = np.concatenate([[0], np.cumsum(b.ends - b.starts)])

    def covered_before(places: Int64Array) -> Int64Array:
        """The number of foreground pixels of `b` before each pixel number in `places`."""
        number = np.searchsorted(b.starts, places, "right")
        # The last run that starts before a place may end after it.
        beyond = np.concatenate([[0], b.ends])[number] - places
        result: Int64Array = covered[number] - np.maximum(beyond, 0)
        return result

    return _per_mask(a, covered_before(a.ends) - covered_before(a.starts))


def _per_mask(spans: Spans, pixels: Int64Array) -> Int64Array:
    owners = spans.starts // (spans.height * spans.width)
    # float64 holds every sum below 2**53 exactly.
    return np.bincount(owners, weights=pixels, minlength=spans.num_masks).astype(np.int64)
