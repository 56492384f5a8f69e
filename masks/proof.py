"""What verification asks: the fingerprint of every mask, taken from its decoded bitmap."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from .fingerprint import MAX_SIDE, fingerprint_bitmaps
from .rle import decode
from .runs import MAX_COUNTS_BYTES, MAX_MASKS, RLEError, check, checked_size

if TYPE_CHECKING:
    import torch

BUDGET_BYTES = 1 << 30
"""Of bitmaps that are held at a time; a mask that needs more is refused."""

# Of bitmaps that are drawn and then summed in one go: they stay near the caches.
_PART_BYTES = 64 << 20

Item = TypeVar("Item")
Strings = tuple[Sequence[str], int, int]
"""Counts, height and width."""


def fingerprint_decoded(
    counts: Sequence[str],
    *,
    height: int,
    width: int,
    device: "torch.device | str | None" = None,
    budget_bytes: int = BUDGET_BYTES,
) -> list[int | RLEError]:
    """Fingerprint of every mask of one size, taken from its decoded bitmap in stored memory, or why it cannot be decoded.

    Args:
        counts: COCO RLE strings, in any number.
        device: where they are decoded; None or "cpu" is NumPy, without torch. Only the strings' bytes travel to a device and only
            fingerprints come back.
        budget_bytes: of bitmaps held at a time. Beside them NumPy needs one mask's size more while it draws; the rest (strings that
            were read, sums) is below 500 MB.

    Returns:
        For every string an int or the RLEError that names it: one bad string does not hide the others. A size that no mask has or
        that is over the budget is said of every string.

    Raises:
        DeviceError: there is no such device.
    """
    if device is not None and str(device) != "cpu":
        from .device import fingerprint_decoded as fingerprint_decoded_on

        return fingerprint_decoded_on(counts, height=height, width=width, device=device, budget_bytes=budget_bytes)
    part_bytes = min(budget_bytes, _PART_BYTES)
    return by_stretches(
        counts,
        lambda own: _on_host(own, height=height, width=width, part_bytes=part_bytes),
        problem=size_problem(height, width, budget_bytes=budget_bytes),
    )


def by_stretches(
    counts: Sequence[str], fingerprints_of: Callable[[Sequence[str]], list[int | RLEError]], *, problem: str | None
) -> list[int | RLEError]:
    """Results of stretches of strings that the parsers take at once, put together; with a `problem`, that for every string."""
    if problem is not None:
        return [RLEError(problem, index) for index in range(len(counts))]
    results: list[int | RLEError] = []
    for start, stop in _stretches(counts):
        found = fingerprints_of(counts[start:stop])
        results += [RLEError(r.problem, start + i) if isinstance(r, RLEError) else r for i, r in enumerate(found)]
    return results


def decoded_ahead(
    items: Iterable[Item],
    strings_of: Callable[[Item], Strings],
    *,
    device: "torch.device | str | None" = None,
    budget_bytes: int = BUDGET_BYTES,
) -> Iterator[tuple[Item, list[int | RLEError]]]:
    """Every item with `fingerprint_decoded` of its strings, in order; a thread works on the next one while the caller has this one.

    So reading, what the caller does with an item, and the device's work overlap; two items are held at a time.

    Args:
        strings_of: counts, height and width of an item.
    """

    def work(item: Item) -> list[int | RLEError]:
        counts, height, width = strings_of(item)
        return fingerprint_decoded(counts, height=height, width=width, device=device, budget_bytes=budget_bytes)

    with ThreadPoolExecutor(1) as thread:
        ahead: tuple[Item, Future[list[int | RLEError]]] | None = None
        for item in items:
            following = (item, thread.submit(work, item))
            if ahead is not None:
                yield ahead[0], ahead[1].result()
            ahead = following
        if ahead is not None:
            yield ahead[0], ahead[1].result()


def _on_host(counts: Sequence[str], *, height: int, width: int, part_bytes: int) -> list[int | RLEError]:
    results: list[int | RLEError] = []
    part_masks = max(1, part_bytes // (height * width))
    buffer = np.empty((min(part_masks, len(counts)), width, height), np.uint8)
    for start in range(0, len(counts), part_masks):
        part = counts[start : start + part_masks]
        errors: dict[int, RLEError] = {}
        try:
            bitmaps = decode(part, height=height, width=width, out=buffer)
        except RLEError:
            errors, good = judged(part, height=height, width=width)
            bitmaps = decode(good, height=height, width=width, out=buffer)
        found = iter(fingerprint_bitmaps(bitmaps).tolist())
        results += [RLEError(errors[i].problem, start + i) if i in errors else next(found) for i in range(len(part))]
    return results


def judged(counts: Sequence[str], *, height: int, width: int) -> tuple[dict[int, RLEError], list[str]]:
    """Errors by index, and the strings that have none."""
    errors: dict[int, RLEError] = {}
    for index, entry in enumerate(counts):
        try:
            check([entry], height=height, width=width)
        except RLEError as error:
            errors[index] = RLEError(error.problem, index)
    return errors, [entry for index, entry in enumerate(counts) if index not in errors]


def size_problem(height: int, width: int, *, budget_bytes: int) -> str | None:
    """What is wrong with every mask of this size, None when nothing is."""
    try:
        height, width = checked_size(height, width)
    except RLEError as error:
        return error.problem
    if max(height, width) > MAX_SIDE:
        return f"size [{height}, {width}]: a fingerprint wants sides up to {MAX_SIDE} pixels. Cut the mask into tiles."
    if height * width > budget_bytes:
        return (
            f"the bitmap would take {height * width} bytes, wanted at most budget_bytes={budget_bytes}. "
            "Raise budget_bytes if masks of this size are meant."
        )
    return None


def _stretches(counts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Start and stop of stretches that the parsers take at once: their budgets are for one call."""
    start = size = 0
    for index, entry in enumerate(counts):
        own = len(entry) if isinstance(entry, str) else 0
        if index > start and (size + own > MAX_COUNTS_BYTES or index - start == MAX_MASKS):
            yield start, index
            start, size = index, 0
        size += own
    if len(counts) > start:
        yield start, len(counts)
