"""Decodes strings to bitmaps on a device: checks them first, then draws them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from .. import bitmaps as host
from ..arrays import Int64Array
from ..batch import RLEBatch, collate_planes
from ..bitmaps import MAX_DECODED_BYTES
from ..collate import rle_batch
from ..runs import RLEError, check, located, parse as parse_on_host
from .parse import DeviceRuns, Parser, Rule, in_chunks, parse
from .place import Backend, backend_of, require_device
from .raster import draw, draw_packed, packed_width, select

WORK_BYTES = 256 << 20
"""Limit for the bitmaps that are drawn besides the result if masks share a plane."""


def decode(
    counts: Sequence[str],
    *,
    height: int,
    width: int,
    device: torch.device | str,
    max_decoded_bytes: int = MAX_DECODED_BYTES,
    backend: Backend | None = None,
) -> torch.Tensor:
    """uint8[N, H, W] of 0 and 1 on the device, in column-major memory: a transposed view of
    [N, W, H].

    `.view(torch.bool)` converts it to bool without a copy.

    Args:
        counts: N canonical COCO RLE strings of one size; may be empty. Only their bytes are sent.
        max_decoded_bytes: limit for N · H · W. Besides the result, parsing needs up to 100 times
            the memory of the strings, for 2 MiB of strings (or the longest string) at a time, plus
            4 bytes per byte of all strings.
        backend: None = the fastest for the device; others are for tests and measurements.

    Raises:
        RLEError: as `brokenvideos.masks.decode`: the same strings are refused, with the same
            messages.
        DeviceError: there is no such device.
    """
    place = require_device(device)
    used = backend or backend_of(place)
    if used == "numpy":
        bitmaps = host.decode_on_host(
            counts, height=height, width=width, max_decoded_bytes=max_decoded_bytes
        )
        return torch.from_numpy(bitmaps)
    batch = collate_planes(counts, height=height, width=width)
    runs = read(batch, device=place, backend=used)
    height, width = batch.shapes[0][1:]
    host.require_budget(len(batch) * height * width, max_decoded_bytes=max_decoded_bytes)
    planes = torch.empty((len(batch), height * width), dtype=torch.uint8, device=place)
    draw(runs, planes, pixels=height * width, backend=used)
    return planes.view(len(batch), width, height).transpose(1, 2)


def decode_batch(
    batch: RLEBatch,
    *,
    device: torch.device | str,
    max_decoded_bytes: int = MAX_DECODED_BYTES,
    backend: Backend | None = None,
) -> torch.Tensor:
    """The planes of a batch of one size, uint8[P, H, W]; otherwise as `decode_planes`.

    Raises:
        RLEError: the batch has planes of several sizes, or as `decode_planes`.
    """
    sizes = list(dict.fromkeys(shape[-2:] for shape in batch.shapes))
    if len(sizes) != 1:
        size_lists = [list(size) for size in sizes]
        raise RLEError(
            f"the batch has planes of sizes {size_lists!r:.80}, wanted one. Use "
            "brokenvideos.masks.decode_many."
        )
    height, width = sizes[0]
    decoded = decode_planes(
        batch, device=device, max_decoded_bytes=max_decoded_bytes, backend=backend
    )
    if not decoded:
        return torch.zeros(
            (0, width, height), dtype=torch.uint8, device=require_device(device)
        ).transpose(1, 2)
    return decoded[height, width]


def decode_many(
    rles: Sequence[Mapping[str, Any]] | RLEBatch,
    *,
    device: torch.device | str,
    max_decoded_bytes: int = MAX_DECODED_BYTES,
    backend: Backend | None = None,
) -> list[torch.Tensor]:
    """The planes of every item, in the order given: [H, W] of an RLE, [T, H, W] or [T, K, H, W] of
    a row.

    Raises:
        RLEError: as `brokenvideos.masks.decode_many`.
        DeviceError: there is no such device.
    """
    place = require_device(device)
    batch = rles if isinstance(rles, RLEBatch) else rle_batch(rles)
    decoded = decode_planes(
        batch, device=place, max_decoded_bytes=max_decoded_bytes, backend=backend
    )
    used = dict.fromkeys(decoded, 0)
    items = []
    for shape in batch.shapes:
        size = (shape[-2], shape[-1])
        count = math.prod(shape[:-2])
        if not count:
            items.append(torch.zeros(shape, dtype=torch.uint8, device=place))
            continue
        # The planes of an item follow each other, and so do the items of one size.
        planes = decoded[size][used[size] : used[size] + count]
        used[size] += count
        items.append(
            planes.transpose(1, 2).reshape(*shape[:-2], shape[-1], shape[-2]).transpose(-1, -2)
        )
    return items


def decode_planes(
    batch: RLEBatch,
    *,
    device: torch.device | str,
    max_decoded_bytes: int = MAX_DECODED_BYTES,
    backend: Backend | None = None,
) -> dict[tuple[int, int], torch.Tensor]:
    """The planes of a batch by size, uint8[P, H, W] of 0 and 1 in column-major memory, in the order
    of the batch.

    A plane of several masks holds their union; a plane without a mask is 0.

    Raises:
        RLEError: as `brokenvideos.masks.decode_many`; the budget holds for all sizes together.
        DeviceError: there is no such device.
    """
    place = require_device(device)
    used = backend or backend_of(place)
    decoded_bytes = int((batch.plane_sizes[:, 0] * batch.plane_sizes[:, 1]).sum())
    host.require_budget(decoded_bytes, max_decoded_bytes=max_decoded_bytes)
    groups = _groups(batch)
    if used == "numpy":
        return _decode_on_host(batch, groups)
    runs = read(batch, device=place, backend=used)
    decoded = {}
    for group in groups:
        height, width = group.size
        stack = torch.zeros((len(group.planes), height * width), dtype=torch.uint8, device=place)
        _paint(runs, group, stack, backend=used)
        decoded[group.size] = stack.view(len(group.planes), width, height).transpose(1, 2)
    return decoded


def decode_packed(
    counts: Sequence[str],
    *,
    height: int,
    width: int,
    device: torch.device | str,
    max_decoded_bytes: int = MAX_DECODED_BYTES,
    backend: Backend | None = None,
) -> torch.Tensor:
    """uint8[N, ceil(H · W / 8)] on the device: pixel p = x · H + y is bit p % 8 of byte p // 8;
    bits after the last pixel are 0.

    The same as np.packbits of the column-major pixels with bitorder "little"; arguments and errors
    are those of `decode`.
    """
    place = require_device(device)
    used = backend or backend_of(place)
    batch = collate_planes(counts, height=height, width=width)
    height, width = batch.shapes[0][1:]
    pixels = height * width
    if used == "numpy":
        host_runs = parse_on_host(counts, height=height, width=width)
    else:
        runs = read(batch, device=place, backend=used)
    host.require_budget(len(batch) * packed_width(pixels), max_decoded_bytes=max_decoded_bytes)
    rows = torch.zeros((len(batch), packed_width(pixels)), dtype=torch.uint8, device=place)
    if used == "numpy":
        bitmap = np.zeros(pixels, np.uint8)
        for row, (start, span) in zip(rows.numpy(), host.spans(host_runs), strict=True):
            bitmap[:] = 0
            bitmap[start : start + len(span)] = span
            row[:] = np.packbits(bitmap, bitorder="little")
        return rows
    step = max(1, WORK_BYTES // pixels)
    for start in range(0, len(batch), step):
        part = torch.arange(start, min(start + step, len(batch)))
        draw_packed(select(runs, part), rows[start : start + step], pixels=pixels, backend=used)
    return rows


def read(batch: RLEBatch, *, device: torch.device, backend: Backend) -> DeviceRuns:
    """The runs of every string of a batch, after the check.

    Raises:
        RLEError: as `brokenvideos.masks.decode_many`.
    """
    runs = read_any(batch, device=device, backend=backend)
    rules = runs.broken.cpu().numpy()
    if len(batch) and rules.min() < Rule.SOUND:
        index = first_offender(rules, batch)
        raise refusal(batch, index)
    return runs


def read_any(batch: RLEBatch, *, device: torch.device, backend: Backend) -> DeviceRuns:
    """The runs of a batch, without raising an error: `broken` says which strings are valid."""
    text = (
        batch.text.pin_memory()
        if device.type == "cuda" and not batch.text.is_pinned()
        else batch.text
    )
    pixels = batch.sizes[:, 0] * batch.sizes[:, 1]
    if not len(batch):
        nothing = torch.zeros(0, dtype=torch.int32, device=device)
        return DeviceRuns(nothing, nothing.long(), nothing.long(), nothing)
    return in_chunks(_parser(backend), text.to(device, non_blocking=True), batch.bounds, pixels)


def first_offender(rules: npt.NDArray[np.int32], batch: RLEBatch) -> int:
    """Index of the string for the error: in the first size with a broken rule, the first string
    that breaks the first rule.
    """
    for group in _groups(batch):
        if len(group.masks) and rules[group.masks].min() < Rule.SOUND:
            return int(group.masks[rules[group.masks].argmin()])
    raise ValueError("every string is sound")


def refusal(batch: RLEBatch, index: int) -> RLEError:
    """The error of the host's parser for a string that the device's parser refuses.

    Raises:
        RuntimeError: the host's parser accepts the string, so one of the two is wrong.
    """
    height, width = batch.sizes[index].tolist()
    try:
        check([batch.counts(index)], height=height, width=width)
    except RLEError as error:
        return located(error, [index])
    raise RuntimeError(
        f"mask {index}: the device's parser refuses a string that the host's accepts: "
        f"{batch.counts(index)!r} of size [{height}, {width}]. One of them is wrong; please report "
        "this string."
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """The part of a batch with one size: indices of planes and masks, and for each mask the
    position of its plane among these.
    """

    size: tuple[int, int]
    planes: Int64Array
    masks: Int64Array
    own_plane: Int64Array


def _groups(batch: RLEBatch) -> list[_Group]:
    """The masks in groups of one size, in the order in which planes have the sizes."""
    plane_keys, mask_keys = _size_keys(batch.plane_sizes), _size_keys(batch.sizes)
    keys, first = np.unique(plane_keys, return_index=True)
    groups = []
    for key in keys[np.argsort(first)].tolist():
        planes, masks = np.flatnonzero(plane_keys == key), np.flatnonzero(mask_keys == key)
        own_plane = np.searchsorted(planes, batch.planes.numpy()[masks])
        groups.append(_Group((key >> 32, key & 0xFFFFFFFF), planes, masks, own_plane))
    return groups


def _size_keys(sizes: torch.Tensor) -> Int64Array:
    keys: Int64Array = (sizes[:, 0] << 32 | sizes[:, 1]).numpy()
    return keys


def _parser(backend: Backend) -> Parser:
    if backend == "triton":
        from . import kernels

        return kernels.parse
    return parse


def _paint(runs: DeviceRuns, group: _Group, stack: torch.Tensor, *, backend: Backend) -> None:
    """Draws every mask into its plane of `stack`, uint8[P, pixels] of 0."""
    pixels = stack.shape[1]
    if np.array_equal(group.own_plane, np.arange(len(stack))):
        draw(select(runs, torch.from_numpy(group.masks)), stack, pixels=pixels, backend=backend)
        return
    step = max(1, WORK_BYTES // pixels)
    # The masks of one turn have different planes, so they are drawn at once. There are as many
    # turns as masks in one plane.
    turn = _occurrence(group.own_plane)
    for number in range(int(turn.max(initial=-1)) + 1):
        chosen = np.flatnonzero(turn == number)
        for start in range(0, len(chosen), step):
            part = chosen[start : start + step]
            drawn = torch.empty((len(part), pixels), dtype=torch.uint8, device=stack.device)
            draw(
                select(runs, torch.from_numpy(group.masks[part])),
                drawn,
                pixels=pixels,
                backend=backend,
            )
            at = torch.from_numpy(group.own_plane[part]).to(stack.device)
            stack[at] = drawn if number == 0 else stack[at] | drawn


def _occurrence(values: Int64Array) -> Int64Array:
    """The number of earlier occurrences of each value: [5, 2, 5, 5] gives [0, 0, 1, 2]."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=-1))
    occurrence = np.empty(len(values), np.int64)
    occurrence[order] = np.arange(len(values)) - np.repeat(
        starts, np.diff(starts, append=len(values))
    )
    return occurrence


def _decode_on_host(
    batch: RLEBatch, groups: Sequence[_Group]
) -> dict[tuple[int, int], torch.Tensor]:
    strings = batch.strings()
    decoded = {}
    for group in groups:
        height, width = group.size
        try:
            runs = parse_on_host(
                [strings[index] for index in group.masks.tolist()], height=height, width=width
            )
        except RLEError as error:
            raise located(error, group.masks.tolist()) from None
        stack = np.zeros((len(group.planes), width * height), np.uint8)
        for plane, (start, pixels) in zip(group.own_plane.tolist(), host.spans(runs), strict=True):
            stack[plane, start : start + len(pixels)] |= pixels
        decoded[group.size] = torch.from_numpy(stack.reshape(-1, width, height)).transpose(1, 2)
    return decoded
