"""What verification asks: the fingerprint of every mask, taken from its decoded bitmap."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch

from brokenvideos.masks.batch import collate_planes
from brokenvideos.masks.device.bitmaps import read_any, refusal
from brokenvideos.masks.device.fingerprints import fingerprint_unchecked
from brokenvideos.masks.device.parse import DeviceRuns, Rule
from brokenvideos.masks.device.place import Backend, backend_of, require_device
from brokenvideos.masks.device.raster import draw, select
from brokenvideos.masks.fingerprint import MAX_SIDE, fingerprint_bitmaps
from brokenvideos.masks.rle import decode
from brokenvideos.masks.runs import MAX_COUNTS_BYTES, MAX_MASKS, RLEError, check, checked_size

BUDGET_BYTES = 1 << 30
"""Of bitmaps that are held at a time; a mask that needs more is refused."""

# Of bitmaps that are drawn and then summed in one go: on the CPU they stay near the caches.
_HOST_PART_BYTES = 64 << 20
_DEVICE_PART_BYTES = 512 << 20

Item = TypeVar("Item")
Strings = tuple[Sequence[str], int, int]
"""Counts, height and width."""


def fingerprint_decoded(
    counts: Sequence[str],
    *,
    height: int,
    width: int,
    device: torch.device | str = "cpu",
    budget_bytes: int = BUDGET_BYTES,
    backend: Backend | None = None,
) -> list[int | RLEError]:
    """Fingerprint of every mask of one size, taken from its decoded bitmap in stored memory, or why it cannot be decoded.

    Args:
        counts: COCO RLE strings, in any number; only their bytes travel to the device and only fingerprints come back.
        budget_bytes: of bitmaps held at a time; the rest (read strings, sums) is below 500 MB.
        backend: as in `decode`.

    Returns:
        For every string an int or the RLEError that names it: one bad string does not hide the others. A size that no mask has or
        that is over the budget is said of every string.

    Raises:
        DeviceError: there is no such device.
    """
    place = require_device(device)
    used = backend or backend_of(place)
    problem = _size_problem(height, width, budget_bytes=budget_bytes)
    if problem is not None:
        return [RLEError(problem, index) for index in range(len(counts))]
    part_bytes = min(budget_bytes, _HOST_PART_BYTES if used == "numpy" else _DEVICE_PART_BYTES)
    part_masks = max(1, part_bytes // (height * width))
    results: list[int | RLEError] = []
    for start, stop in _stretches(counts):
        own = counts[start:stop]
        if used == "numpy":
            found = _on_host(own, height=height, width=width, part_masks=part_masks)
        else:
            found = _on_device(own, height=height, width=width, part_masks=part_masks, device=place, backend=used)
        results += [RLEError(r.problem, start + i) if isinstance(r, RLEError) else r for i, r in enumerate(found)]
    return results


def decoded_ahead(
    items: Iterable[Item],
    strings_of: Callable[[Item], Strings],
    *,
    device: torch.device | str = "cpu",
    budget_bytes: int = BUDGET_BYTES,
) -> Iterator[tuple[Item, list[int | RLEError]]]:
    """Every item with `fingerprint_decoded` of its strings, in order; a thread works on the next one while the caller has this one.

    So reading, what the caller does with an item, and the device's work overlap; two items are held at a time.

    Args:
        strings_of: counts, height and width of an item.
    """
    place = require_device(device)

    def work(item: Item) -> list[int | RLEError]:
        counts, height, width = strings_of(item)
        return fingerprint_decoded(counts, height=height, width=width, device=place, budget_bytes=budget_bytes)

    with ThreadPoolExecutor(1) as thread:
        ahead: tuple[Item, Future[list[int | RLEError]]] | None = None
        for item in items:
            following = (item, thread.submit(work, item))
            if ahead is not None:
                yield ahead[0], ahead[1].result()
            ahead = following
        if ahead is not None:
            yield ahead[0], ahead[1].result()


def _on_host(counts: Sequence[str], *, height: int, width: int, part_masks: int) -> list[int | RLEError]:
    results: list[int | RLEError] = []
    buffer = np.empty((min(part_masks, len(counts)), width, height), np.uint8)
    for start in range(0, len(counts), part_masks):
        part = counts[start : start + part_masks]
        errors: dict[int, RLEError] = {}
        try:
            bitmaps = decode(part, height=height, width=width, out=buffer)
        except RLEError:
            errors, good = _judged(part, height=height, width=width)
            bitmaps = decode(good, height=height, width=width, out=buffer)
        found = iter(fingerprint_bitmaps(bitmaps).tolist())
        results += [RLEError(errors[i].problem, start + i) if i in errors else next(found) for i in range(len(part))]
    return results


def _on_device(
    counts: Sequence[str], *, height: int, width: int, part_masks: int, device: torch.device, backend: Backend
) -> list[int | RLEError]:
    errors: dict[int, RLEError] = {}
    good, places = list(counts), list(range(len(counts)))
    try:
        batch = collate_planes(good, height=height, width=width)
    except RLEError:  # not even text; what is text is judged by the device
        errors, good = _judged(counts, height=height, width=width)
        places = [index for index in places if index not in errors]
        batch = collate_planes(good, height=height, width=width)
    runs = read_any(batch, device=device, backend=backend)
    rules = runs.broken.cpu().numpy()
    for index in np.flatnonzero(rules < Rule.SOUND).tolist():
        errors[places[index]] = RLEError(refusal(batch, index).problem, places[index])
    sound = torch.from_numpy(np.flatnonzero(rules == Rule.SOUND))
    found = []
    for start in range(0, len(sound), part_masks):
        part = select(runs, sound[start : start + part_masks])
        found.append(_drawn_fingerprints(part, height=height, width=width, backend=backend))
    # One copy back at the end: nothing before it waits for the device.
    values = iter(torch.cat(found).tolist() if found else [])
    return [errors[index] if index in errors else next(values) for index in range(len(counts))]


def _drawn_fingerprints(runs: DeviceRuns, *, height: int, width: int, backend: Backend) -> torch.Tensor:
    planes = torch.empty((len(runs.starts), width * height), dtype=torch.uint8, device=runs.ends.device)
    draw(runs, planes, pixels=width * height, backend=backend)
    return fingerprint_unchecked(planes.view(len(planes), width, height).transpose(1, 2))


def _judged(counts: Sequence[str], *, height: int, width: int) -> tuple[dict[int, RLEError], list[str]]:
    """Errors by index, and the strings that have none."""
    errors: dict[int, RLEError] = {}
    for index, entry in enumerate(counts):
        try:
            check([entry], height=height, width=width)
        except RLEError as error:
            errors[index] = RLEError(error.problem, index)
    return errors, [entry for index, entry in enumerate(counts) if index not in errors]


def _size_problem(height: int, width: int, *, budget_bytes: int) -> str | None:
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
