"""Masks of a row: the objects of one video, frame by frame, as one array."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import numpy.typing as npt

from .arrays import BitmapArray, MaskError, UInt8Array
from .batch import collate_planes
from .bitmaps import MAX_DECODED_BYTES, spans
from .planes import (
    Entries,
    Grouping,
    checked_frames,
    place_of,
    planes_of,
    require_grouping,
    select_entries,
)
from .rows import row_with_masks
from .runs import RLEError, Runs, checked_size, parse

if TYPE_CHECKING:
    import torch


@overload
def decode_masks(
    row: Mapping[str, Any],
    *,
    frames: Sequence[int] | None = None,
    by: Grouping = "union",
    dtype: Literal["uint8", "bool"] = "uint8",
    max_decoded_bytes: int = MAX_DECODED_BYTES,
    device: None = None,
) -> BitmapArray: ...
@overload
def decode_masks(
    row: Mapping[str, Any],
    *,
    frames: Sequence[int] | None = None,
    by: Grouping = "union",
    dtype: Literal["uint8", "bool"] = "uint8",
    max_decoded_bytes: int = MAX_DECODED_BYTES,
    device: "torch.device | str",
) -> "torch.Tensor": ...


def decode_masks(
    row: Mapping[str, Any],
    *,
    frames: Sequence[int] | None = None,
    by: Grouping = "union",
    dtype: Literal["uint8", "bool"] = "uint8",
    max_decoded_bytes: int = MAX_DECODED_BYTES,
    device: "torch.device | str | None" = None,
) -> "BitmapArray | torch.Tensor":
    """Masks of one video as an array of 0 and 1 (False and True). A frame without a mask, or not
    annotated, is all 0.

    Frames that are not in `row["annotated_frames"]` are unknown, not empty. Check that column
    before you use them as truth.

    Args:
        row: one video as the dataset yields it, in any format of `datasets`. It needs height,
            width, num_frames, objects, masks and, for messages, video_id.
        frames: frame indices in any order, repeats allowed; None = all frames of the video.
        by: "union" = any object, "object" = one plane per object in the order of
            `row["objects"]["object_id"]`, "type" = one plane per artifact type in the order of
            ARTIFACT_TYPES.
        dtype: dtype of the result.
        max_decoded_bytes: limit for the result.
        device: None = a NumPy array; "cpu", "cuda" or another torch device = an equal tensor there.

    Returns:
        [T, H, W] for "union", [T, K, H, W] for "object" (K objects, may be 0), [T, 3, H, W] for
        "type"; planes in column-major memory.

    Raises:
        RLEError: a string is refused (see `parse`; `index` is the place in `row["masks"]`), or the
            result is over the budget.
        MaskError: the row contradicts itself, or `frames`, `by` or `dtype` is not possible.
        DeviceError: the device does not exist.

    Examples:
        >>> row = next(row for row in brokenvideos.load("sample", split="train", streaming=True) if row["label"])
        >>> masks = brokenvideos.decode_masks(row)
        >>> masks.shape, masks.dtype, row["num_frames"], row["height"], row["width"]
        ((24, 96, 128), dtype('uint8'), 24, 96, 128)
        >>> broken = [frame for frame, mask in enumerate(masks) if mask.any()]
        >>> broken == sorted(set(row["masks"]["frame_index"]))
        True

        A plane for each artifact type, of two frames:

        >>> brokenvideos.decode_masks(row, frames=[0, 5], by="type").shape
        (2, 3, 96, 128)
    """
    require_grouping(by)
    if dtype not in ("uint8", "bool"):
        raise MaskError(f'dtype is {dtype!r}, wanted "uint8" or "bool".')
    row = row_with_masks(row)
    height, width = checked_size(row["height"], row["width"])
    frame_indices = checked_frames(row, frames)
    object_planes, plane_count = planes_of(row, by)
    # Each frame is decoded once, however often it is asked for.
    unique_frames, places = np.unique(frame_indices, return_inverse=True)
    decoded_bytes = max(len(frame_indices), len(unique_frames)) * plane_count * height * width
    if decoded_bytes > max_decoded_bytes:
        raise RLEError(
            f"{place_of(row)}the masks would take {decoded_bytes} bytes, wanted at most "
            f"max_decoded_bytes={max_decoded_bytes}. "
            "Ask for fewer frames at a time or raise max_decoded_bytes."
        )
    entries = select_entries(row, unique_frames, object_planes)
    shape = (len(unique_frames), plane_count, width, height)
    positions = None if np.array_equal(unique_frames, frame_indices) else places
    try:
        if device is not None:
            return _decode_on(device, entries, shape, positions, union=by == "union", dtype=dtype)
        runs = parse(entries.counts, height=height, width=width)
    except RLEError as error:
        raise _located(row, entries, error) from None
    stack = np.zeros(shape, np.uint8)
    _paint_all(entries, runs, stack)
    if positions is not None:
        stack = stack[positions]
    planes = stack.transpose(0, 1, 3, 2)
    result = planes[:, 0] if by == "union" else planes
    return result.view(np.bool_) if dtype == "bool" else result


def _decode_on(
    device: "torch.device | str",
    entries: Entries,
    shape: tuple[int, int, int, int],
    places: npt.NDArray[np.intp] | None,
    *,
    union: bool,
    dtype: str,
) -> "torch.Tensor":
    import torch

    from .device import decode_batch

    num_frames, plane_count, width, height = shape
    planes = (entries.frame * plane_count + entries.plane).tolist()
    batch = collate_planes(
        entries.counts,
        height=height,
        width=width,
        planes=planes,
        num_planes=num_frames * plane_count,
    )
    stack = decode_batch(
        batch, device=device, max_decoded_bytes=num_frames * plane_count * height * width
    )
    columns = stack.transpose(1, 2).view(shape)
    if places is not None:
        columns = columns[torch.from_numpy(places).to(columns.device)]
    result: torch.Tensor = columns.transpose(2, 3)
    if dtype == "bool":
        result = result.view(torch.bool)
    return result[:, 0] if union else result


def _located(row: Mapping[str, Any], entries: Entries, error: RLEError) -> RLEError:
    """The error with its place in the row."""
    if error.index is None:
        return error
    at = int(entries.at[error.index])
    frame, object_id = row["masks"]["frame_index"][at], row["masks"]["object_id"][at]
    return RLEError(f"{place_of(row)}frame {frame} object {object_id}: {error.problem}", at)


def _paint_all(entries: Entries, runs: Runs, stack: UInt8Array) -> None:
    """Writes every entry into its plane; where objects meet in one plane, as their union."""
    _, _, width, height = stack.shape
    flat = stack.reshape(*stack.shape[:2], width * height)
    places = zip(entries.frame.tolist(), entries.plane.tolist(), strict=True)
    for place, (start, pixels) in zip(places, spans(runs), strict=True):
        flat[place][start : start + len(pixels)] |= pixels
