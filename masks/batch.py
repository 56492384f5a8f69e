"""Masks as bytes, to send them from a DataLoader's workers to a device: strings are joined, and
decoded on the device.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .arrays import MaskError
from .runs import RLEError, check, checked_size, joined, located

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, eq=False)
class RLEBatch:
    """N strings that paint P planes: a few hundred bytes per mask, in CPU tensors until they are
    decoded.

    The strings are not checked yet; `decode` checks them.

    Attributes:
        text: uint8[B], all strings joined.
        bounds: int64[N], the end of each string in `text`.
        sizes: int64[N, 2], height and width of each mask.
        planes: int64[N], the plane that each mask paints.
        plane_sizes: int64[P, 2], height and width of each plane.
        shapes: the shape of the result for each collated item: (H, W) for one RLE, (T, H, W) or
            (T, K, H, W) for a row. The planes of the items follow each other.
    """

    text: "torch.Tensor"
    bounds: "torch.Tensor"
    sizes: "torch.Tensor"
    planes: "torch.Tensor"
    plane_sizes: "torch.Tensor"
    shapes: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        """N, the number of strings."""
        return len(self.bounds)

    @property
    def nbytes(self) -> int:
        """The number of bytes that are sent."""
        return sum(
            tensor.nbytes
            for tensor in (self.text, self.bounds, self.sizes, self.planes, self.plane_sizes)
        )

    def pin_memory(self) -> "RLEBatch":
        """The same batch with the strings in page-locked memory; DataLoader(pin_memory=True) calls
        it.
        """
        return replace(self, text=self.text.pin_memory())

    def counts(self, index: int) -> str:
        """The string at this index."""
        start = int(self.bounds[index - 1]) if index else 0
        return bytes(self.text[start : int(self.bounds[index])].tolist()).decode("ascii", "replace")

    def strings(self) -> list[str]:
        """All strings, in order."""
        text = self.text.numpy().tobytes().decode("ascii", "replace")
        bounds = [0, *self.bounds.tolist()]
        return [text[start:stop] for start, stop in pairwise(bounds)]


def collate_planes(
    counts: Sequence[str],
    *,
    height: int,
    width: int,
    planes: Sequence[int] | None = None,
    num_planes: int | None = None,
) -> RLEBatch:
    """Strings of one size as a batch; string i paints plane planes[i] of `num_planes`, together
    with others of that plane.

    For clips with masks of layout "rle": plane = place in the batch · T + frame. Without `planes`
    every string has its own.

    Raises:
        RLEError: an invalid size, or counts that is not a string, empty or not ASCII.
        MaskError: not one plane for every string, or a plane outside 0 … num_planes - 1.
    """
    height, width = checked_size(height, width)
    all_planes = list(range(len(counts))) if planes is None else [int(plane) for plane in planes]
    total = len(all_planes) if num_planes is None else num_planes
    if len(all_planes) != len(counts):
        raise MaskError(
            f"planes has {len(all_planes)} entries, wanted one for each of the {len(counts)} "
            "strings."
        )
    if all_planes and not 0 <= min(all_planes) <= max(all_planes) < total:
        raise MaskError(
            f"planes goes from {min(all_planes)} to {max(all_planes)}, wanted 0 to {total - 1}. "
            "Raise num_planes."
        )
    return batch_of(
        counts,
        [(height, width)] * len(all_planes),
        all_planes,
        [(height, width)] * total,
        ((total, height, width),),
    )


def batch_of(
    counts: Sequence[Any],
    sizes: Sequence[tuple[int, int]],
    planes: Sequence[int],
    plane_sizes: Sequence[tuple[int, int]],
    shapes: tuple[tuple[int, ...], ...],
) -> RLEBatch:
    """The batch of these columns; see the class for them.

    Raises:
        RLEError: counts that is not a string, empty or not ASCII.
    """
    import torch

    try:
        text, bounds = joined(counts)
        data = bytearray(text.encode("ascii"))
    except (RLEError, UnicodeEncodeError) as error:
        if not isinstance(error, RLEError) or error.index is not None:
            # raises the same error as without a device: first by size, then by rule
            _check_sizes(counts, sizes)
        raise
    return RLEBatch(
        text=torch.frombuffer(data, dtype=torch.uint8)
        if data
        else torch.zeros(0, dtype=torch.uint8),
        bounds=torch.from_numpy(bounds),
        sizes=torch.tensor(sizes, dtype=torch.int64).reshape(-1, 2),
        planes=torch.tensor(planes, dtype=torch.int64),
        plane_sizes=torch.tensor(plane_sizes, dtype=torch.int64).reshape(-1, 2),
        shapes=shapes,
    )


def _check_sizes(counts: Sequence[Any], sizes: Sequence[tuple[int, int]]) -> None:
    """Checks that every string is canonical for its size. Sizes are checked one after the other, in
    the order they appear.

    Raises:
        RLEError: as `parse`, with the index among all strings.
    """
    positions: dict[tuple[int, int], list[int]] = {}
    for index, size in enumerate(sizes):
        positions.setdefault(size, []).append(index)
    for (height, width), group in positions.items():
        try:
            check([counts[index] for index in group], height=height, width=width)
        except RLEError as error:
            raise located(error, group) from None
