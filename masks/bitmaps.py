"""Runs to bitmaps and back in NumPy: batched decode and encode of COCO RLE strings."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .arrays import BitmapArray, Int64Array, UInt8Array, checked_bitmaps
from .runs import RLEError, Runs, checked_rle, checked_size, format_runs, located, parse

MAX_DECODED_BYTES = 4 << 30
"""Limit for the bitmaps that one call may allocate: a string of ten bytes can decode to two
gigabytes.
"""

# Bytes of bitmap that are encoded at a time, so that temporary arrays stay in the CPU cache.
_ENCODE_BYTES = 2 << 20


def decode_on_host(
    counts: Sequence[str],
    *,
    height: int,
    width: int,
    out: UInt8Array | None = None,
    max_decoded_bytes: int = MAX_DECODED_BYTES,
) -> UInt8Array:
    """uint8[N, H, W], as `rle.decode` without a device.

    Raises:
        RLEError: as `rle.decode`.
    """
    runs = parse(counts, height=height, width=width)
    if out is None:
        require_budget(len(runs) * runs.height * runs.width, max_decoded_bytes=max_decoded_bytes)
        # Zeros that are never written cost nothing: the system maps memory when it is first
        # touched.
        planes = np.zeros((len(runs), runs.width, runs.height), np.uint8)
    else:
        planes = _checked_out(out, runs)
    for plane, (start, pixels) in zip(
        planes.reshape(len(runs), runs.height * runs.width), spans(runs), strict=True
    ):
        stop = start + len(pixels)
        if out is not None:
            plane[:start] = 0
            plane[stop:] = 0
        plane[start:stop] = pixels
    return planes.transpose(0, 2, 1)


def decode_many_on_host(
    rles: Sequence[Mapping[str, Any]], *, max_decoded_bytes: int
) -> list[UInt8Array]:
    """uint8[H, W] of every COCO RLE, as `rle.decode_many` without a device.

    Raises:
        RLEError: as `rle.decode_many`.
    """
    positions: dict[tuple[int, int], list[int]] = {}
    for index, rle in enumerate(rles):
        height, width, _ = checked_rle(rle, index)
        positions.setdefault((height, width), []).append(index)
    decoded_bytes = sum(height * width * len(group) for (height, width), group in positions.items())
    require_budget(decoded_bytes, max_decoded_bytes=max_decoded_bytes)
    masks: dict[int, UInt8Array] = {}
    for (height, width), group in positions.items():
        try:
            decoded = decode_on_host(
                [rles[index]["counts"] for index in group],
                height=height,
                width=width,
                max_decoded_bytes=max_decoded_bytes,
            )
        except RLEError as error:
            raise located(error, group) from None
        masks.update(zip(group, decoded, strict=True))
    return [masks[index] for index in range(len(rles))]


def encode(masks: BitmapArray) -> list[str]:
    """Canonical COCO RLE strings of N masks of one size, equal to pycocotools' byte for byte.

    Args:
        masks: uint8 or bool [N, H, W] of 0 and 1, in any memory order; column-major (as `decode`
            returns) is fastest.

    Raises:
        MaskError: another shape, dtype or value.
        RLEError: 2³¹ pixels and more in one mask.
    """
    bits = checked_bitmaps(masks)
    checked_size(*bits.shape[1:])
    step = max(1, _ENCODE_BYTES // (bits.shape[1] * bits.shape[2]))
    return [
        counts
        for start in range(0, len(bits), step)
        for counts in format_runs(_runs_of(bits[start : start + step]))
    ]


def empty(height: int, width: int) -> str:
    """Canonical counts of a mask without a pixel.

    Raises:
        RLEError: an invalid size.
    """
    height, width = checked_size(height, width)
    return format_runs(Runs(np.array([height * width]), np.array([0, 1]), height, width))[0]


def spans(runs: Runs) -> Iterator[tuple[int, UInt8Array]]:
    """For each mask: the position of its first pixel in column-major order, and uint8 0 and 1 from
    there to its last pixel.

    The background before the first and after the last pixel, often half of a mask, is not made.
    """
    counts = np.diff(runs.offsets)
    # An even number of runs ends with foreground, an odd one with background: from run 1, an odd
    # number of runs or none.
    starts, stops = runs.offsets[:-1] + 1, runs.offsets[:-1] + counts // 2 * 2
    values = np.zeros(counts.max(initial=0), np.uint8)
    values[::2] = 1
    places = runs.lengths[runs.offsets[:-1]]
    for place, start, stop in zip(places.tolist(), starts.tolist(), stops.tolist(), strict=True):
        inner = runs.lengths[start:stop]
        yield place, values[: len(inner)].repeat(inner)


def _runs_of(bits: UInt8Array) -> Runs:
    count, height, width = bits.shape
    pixels = np.ascontiguousarray(bits.transpose(0, 2, 1)).reshape(count, height * width)
    is_switch = np.empty(pixels.shape, np.bool_)
    np.not_equal(pixels[:, 1:], pixels[:, :-1], out=is_switch[:, 1:])
    is_switch[:, 0] = pixels[:, 0]  # runs start with background
    return runs_of_switches(np.flatnonzero(is_switch), count, height=height, width=width)


def runs_of_switches(switches: Int64Array, count: int, *, height: int, width: int) -> Runs:
    """Runs of `count` masks whose pixels, one mask after the other, change at these places.

    Args:
        switches: ascending places of pixels that differ from the one before. The first pixel of a
            mask that starts with foreground is such a place too.
    """
    mask_starts = np.arange(count + 1) * (height * width)
    switches_before = np.searchsorted(switches, mask_starts)
    # The first run of a mask starts at its first pixel, before a switch at the same place.
    run_starts = np.insert(switches, switches_before, mask_starts)
    return Runs(np.diff(run_starts), switches_before + np.arange(count + 1), height, width)


def require_budget(decoded_bytes: int, *, max_decoded_bytes: int) -> None:
    """Checks that the bitmaps may be allocated.

    Raises:
        RLEError: they would be larger than the limit.
    """
    if decoded_bytes > max_decoded_bytes:
        raise RLEError(
            f"the bitmaps would take {decoded_bytes} bytes, wanted at most "
            f"max_decoded_bytes={max_decoded_bytes}. "
            "Decode fewer masks at a time, into a buffer (out=), or raise max_decoded_bytes."
        )


def _checked_out(out: UInt8Array, runs: Runs) -> UInt8Array:
    fits = (
        out.dtype == np.uint8
        and out.ndim == 3
        and len(out) >= len(runs)
        and out.shape[1:] == (runs.width, runs.height)
        and out.flags.c_contiguous
        and out.flags.writeable
    )
    if not fits:
        raise RLEError(
            f"out is {out.dtype}{list(out.shape)}, wanted writeable C-contiguous uint8[M, "
            f"{runs.width}, {runs.height}] with M >= {len(runs)}: masks, then width, then height. "
            "Make it with np.empty((M, width, height), np.uint8)."
        )
    return out[: len(runs)]
