"""COCO RLE strings to bitmaps: in NumPy, or on a torch device."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from .arrays import UInt8Array
from .batch import RLEBatch
from .bitmaps import MAX_DECODED_BYTES, decode_many_on_host, decode_on_host
from .runs import RLEError

if TYPE_CHECKING:
    import torch


@overload
def decode(
    counts: Sequence[str],
    *,
    height: int,
    width: int,
    out: UInt8Array | None = None,
    max_decoded_bytes: int = MAX_DECODED_BYTES,
    device: None = None,
) -> UInt8Array: ...
@overload
def decode(
    counts: Sequence[str],
    *,
    height: int,
    width: int,
    max_decoded_bytes: int = MAX_DECODED_BYTES,
    device: "torch.device | str",
) -> "torch.Tensor": ...
@overload
def decode(
    counts: RLEBatch, *, max_decoded_bytes: int = MAX_DECODED_BYTES, device: "torch.device | str"
) -> "torch.Tensor": ...


def decode(
    counts: Sequence[str] | RLEBatch,
    *,
    height: int | None = None,
    width: int | None = None,
    out: UInt8Array | None = None,
    max_decoded_bytes: int = MAX_DECODED_BYTES,
    device: "torch.device | str | None" = None,
) -> "UInt8Array | torch.Tensor":
    """uint8[N, H, W] of 0 and 1, in column-major memory: a transposed view of [N, W, H].

    Args:
        counts: N canonical COCO RLE strings of one size; may be empty. Or, with a device, a batch
            of `rle_batch` whose planes have one size. It holds the size itself, and N is the number
            of planes.
        out: a buffer to decode into, C-contiguous uint8[M, W, H] with M >= N. The result is a view
            of its first N masks; the rest is not changed. Decoding into a reused buffer is several
            times faster than into new memory. Not with a device.
        max_decoded_bytes: limit for N · H · W; not used if `out` is given.
        device: None = a NumPy array; "cpu", "cuda" or another torch device = an equal tensor there.
            Only strings are sent to it.

    Raises:
        RLEError: a string is refused (see `parse`), the result is over the budget, or `out` does
            not fit.
        DeviceError: there is no such device.
    """
    if isinstance(counts, RLEBatch):
        from .device import decode_batch

        return decode_batch(
            counts, device="cpu" if device is None else device, max_decoded_bytes=max_decoded_bytes
        )
    if height is None or width is None:
        raise RLEError(
            "height and width are missing. Strings do not say their size: pass that of the decoded "
            "frames."
        )
    if device is not None:
        from .device import decode as decode_on

        if out is not None:
            raise RLEError(
                "out is given with a device, wanted only one of them. A device keeps and reuses "
                "its own memory."
            )
        return decode_on(
            counts, height=height, width=width, device=device, max_decoded_bytes=max_decoded_bytes
        )
    return decode_on_host(
        counts, height=height, width=width, out=out, max_decoded_bytes=max_decoded_bytes
    )


@overload
def decode_many(
    rles: Sequence[Mapping[str, Any]],
    *,
    max_decoded_bytes: int = MAX_DECODED_BYTES,
    device: None = None,
) -> list[UInt8Array]: ...
@overload
def decode_many(
    rles: Sequence[Mapping[str, Any]] | RLEBatch,
    *,
    max_decoded_bytes: int = MAX_DECODED_BYTES,
    device: "torch.device | str",
) -> "list[torch.Tensor]": ...


def decode_many(
    rles: Sequence[Mapping[str, Any]] | RLEBatch,
    *,
    max_decoded_bytes: int = MAX_DECODED_BYTES,
    device: "torch.device | str | None" = None,
) -> "list[UInt8Array] | list[torch.Tensor]":
    """uint8[H, W] of 0 and 1 for every COCO RLE {'size': [height, width], 'counts': str}, in the
    order given.

    Masks of one size are decoded together and share their memory.

    Args:
        rles: the masks. Or, with a device, a batch of `rle_batch`; a row in it gives [T, H, W], or
            [T, K, H, W] with K planes.
        max_decoded_bytes: limit for all sizes together.
        device: None = NumPy arrays; a torch device = tensors there.

    Raises:
        RLEError: as `decode`; an entry without size or counts; the budget holds for all sizes
            together.
        DeviceError: there is no such device.
    """
    if isinstance(rles, RLEBatch) or device is not None:
        from .device import decode_many as decode_many_on

        return decode_many_on(
            rles, device="cpu" if device is None else device, max_decoded_bytes=max_decoded_bytes
        )
    return decode_many_on_host(rles, max_decoded_bytes=max_decoded_bytes)
