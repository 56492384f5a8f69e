"""Fingerprints of decoded masks for verification: each is computed from the decoded bitmap."""

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
    """Fingerprint of every mask of one size, computed from its decoded bitmap in memory, or the
    error of a mask that fails.

    Args:
        counts: any number of COCO RLE strings.
        device: the device that decodes; None or "cpu" is NumPy, without torch. Only the strings'
            bytes are sent to a device, and only fingerprints come back.
        budget_bytes: limit for the bitmaps in memory at a time. NumPy needs one more mask while it
            draws; the rest (parsed strings, sums) is below 500 MB.

    Returns:
        For every string an int, or the RLEError of that string, so that one bad string does not
        hide the others. An invalid size, or a size over the budget, gives an error for every
        string.

    Raises:
        DeviceError: the device does not exist.
    """
    if device is not None and str(device) != "cpu":
        from .device import fingerprint_decoded as fingerprint_decoded_on

        return fingerprint_decoded_on(
            counts, height=height, width=width, device=device, budget_bytes=budget_bytes
        )
    return fingerprint_on_host(counts, height=height, width=width, budget_bytes=budget_bytes)


def decoded_ahead(
    items: Iterable[Item],
    strings_of: Callable[[Item], Strings],
    *,
    device: "torch.device | str | None" = None,
    budget_bytes: int = BUDGET_BYTES,
) -> Iterator[tuple[Item, list[int | RLEError]]]:
    """Each item with `fingerprint_decoded` of its strings, in order; a thread works on the next
    item meanwhile.

    So reading, the caller's work and the device's work overlap. Two items are in memory at a time.

    Args:
        strings_of: gives counts, height and width of an item.
    """

    def work(item: Item) -> list[int | RLEError]:
        counts, height, width = strings_of(item)
        return fingerprint_decoded(
            counts, height=height, width=width, device=device, budget_bytes=budget_bytes
        )

    with ThreadPoolExecutor(1) as thread:
        ahead: tuple[Item, Future[list[int | RLEError]]] | None = None
        for item in items:
            following = (item, thread.submit(work, item))
            if ahead is not None:
                yield ahead[0], ahead[1].result()
            ahead = following
        if ahead is not None:
            yield ahead[0], ahead[1].result()
