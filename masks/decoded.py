"""Fingerprints of bitmaps that NumPy decodes, and the checks that come before decoding on every
device.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from .bitmaps import decode_on_host
from .fingerprint import MAX_SIDE, fingerprint_bitmaps
from .runs import MAX_COUNTS_BYTES, MAX_MASKS, RLEError, check, checked_size

BUDGET_BYTES = 1 << 30
"""Limit for the bitmaps in memory at a time; a larger mask is refused."""

# Bytes of bitmaps that are drawn and then summed at a time, so that they stay in the CPU caches.
_PART_BYTES = 4 << 20


def fingerprint_on_host(
    counts: Sequence[str], *, height: int, width: int, budget_bytes: int = BUDGET_BYTES
) -> list[int | RLEError]:
    """The result of `proof.fingerprint_decoded` without a device."""
    part_bytes = min(budget_bytes, _PART_BYTES)
    return by_stretches(
        counts,
        lambda own: _on_host(own, height=height, width=width, part_bytes=part_bytes),
        problem=size_problem(height, width, budget_bytes=budget_bytes),
    )


def by_stretches(
    counts: Sequence[str],
    fingerprints_of: Callable[[Sequence[str]], list[int | RLEError]],
    *,
    problem: str | None,
) -> list[int | RLEError]:
    """The joined results of groups of strings, each small enough for one call of a parser. A
    `problem` stands for every string.
    """
    if problem is not None:
        return [RLEError(problem, index) for index in range(len(counts))]
    results: list[int | RLEError] = []
    for start, stop in _stretches(counts):
        stretch_results = fingerprints_of(counts[start:stop])
        results += [
            RLEError(r.problem, start + i) if isinstance(r, RLEError) else r
            for i, r in enumerate(stretch_results)
        ]
    return results


def _on_host(
    counts: Sequence[str], *, height: int, width: int, part_bytes: int
) -> list[int | RLEError]:
    results: list[int | RLEError] = []
    part_masks = max(1, part_bytes // (height * width))
    buffer = np.empty((min(part_masks, len(counts)), width, height), np.uint8)
    for start in range(0, len(counts), part_masks):
        part = counts[start : start + part_masks]
        errors: dict[int, RLEError] = {}
        try:
            bitmaps = decode_on_host(part, height=height, width=width, out=buffer)
        except RLEError:
            errors, good = checked_apart(part, height=height, width=width)
            bitmaps = decode_on_host(good, height=height, width=width, out=buffer)
        fingerprints = iter(fingerprint_bitmaps(bitmaps).tolist())
        results += [
            RLEError(errors[i].problem, start + i) if i in errors else next(fingerprints)
            for i in range(len(part))
        ]
    return results


def checked_apart(
    counts: Sequence[str], *, height: int, width: int
) -> tuple[dict[int, RLEError], list[str]]:
    """Errors by index, and the strings without an error."""
    errors: dict[int, RLEError] = {}
    for index, entry in enumerate(counts):
        try:
            check([entry], height=height, width=width)
        except RLEError as error:
            errors[index] = RLEError(error.problem, index)
    return errors, [entry for index, entry in enumerate(counts) if index not in errors]


def size_problem(height: int, width: int, *, budget_bytes: int) -> str | None:
    """The problem of every mask of this size; None if there is none."""
    try:
        height, width = checked_size(height, width)
    except RLEError as error:
        return error.problem
    if max(height, width) > MAX_SIDE:
        return (
            f"size [{height}, {width}]: a fingerprint needs sides of at most {MAX_SIDE} pixels. "
            "Cut the mask into tiles."
        )
    if height * width > budget_bytes:
        return (
            f"the bitmap would take {height * width} bytes, wanted at most "
            f"budget_bytes={budget_bytes}. Raise budget_bytes if you expect masks of this size."
        )
    return None


def _stretches(counts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Start and stop of groups of strings that fit the limits of one call of a parser."""
    start = size = 0
    for index, entry in enumerate(counts):
        own = len(entry) if isinstance(entry, str) else 0
        if index > start and (size + own > MAX_COUNTS_BYTES or index - start == MAX_MASKS):
            yield start, index
            start, size = index, 0
        size += own
    if len(counts) > start:
        yield start, len(counts)
