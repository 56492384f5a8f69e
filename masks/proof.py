"""What verification asks: the fingerprint of every mask, taken from its decoded bitmap."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from .decoded import BUDGET_BYTES, fingerprint_on_host
from .runs import RLEError

if TYPE_CHECKING:
    import torch

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
    return fingerprint_on_host(counts, height=height, width=width, budget_bytes=budget_bytes)


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
