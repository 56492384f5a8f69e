"""Masks of a row: the objects of one video, frame by frame, as one array."""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import numpy.typing as npt

from .arrays import BitmapArray, Int64Array, MaskError, UInt8Array
from .batch import collate_planes
from .bitmaps import MAX_DECODED_BYTES, spans
from .runs import RLEError, Runs, checked_size, parse

if TYPE_CHECKING:
    import torch

ARTIFACT_TYPES = ("motion", "deformation", "blur")
"""The class labels of `objects.artifact_type`, in the order of their integers."""

Grouping = Literal["union", "object", "type"]


@dataclass(frozen=True, slots=True, eq=False)
class _Entries:
    """The entries of `row["masks"]` that are asked for: their places there, and the plane and the frame that each belongs to.

    `frame` counts through the frames that are asked for; `counts` have passed no gate yet.
    """

    at: Int64Array
    plane: Int64Array
    frame: Int64Array
    counts: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class RowPlanes:
    """What a row's masks paint: string i paints planes[i], counted through all axes of `shape` before height and width."""

    counts: list[str]
    planes: list[int]
    shape: tuple[int, ...]


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
    """Masks of one video as an array of 0 and 1 (False and True), all 0 where nothing is marked or nobody looked.

    Frames that are not in `row["annotated_frames"]` are unknown, not empty: ask that column before using them as truth.

    Args:
        row: one video as the dataset yields it; read are height, width, num_frames, objects, masks and, for messages, video_id.
        frames: frame indices in any order, repeats allowed; None = all frames of the video.
        by: "union" = any object, "object" = one plane per object in the order of `row["objects"]["object_id"]`, "type" = one plane
            per artifact type in the order of ARTIFACT_TYPES.
        dtype: of the result.
        max_decoded_bytes: budget for the result.
        device: None = a NumPy array; "cpu", "cuda" or another torch device = a tensor there, equal to it.

    Returns:
        [T, H, W] for "union", [T, K, H, W] for "object" (K objects, may be 0), [T, 3, H, W] for "type"; planes in column-major
        memory.

    Raises:
        RLEError: a string is refused (see `parse`; `index` is the place in `row["masks"]`), or the result is over the budget.
        MaskError: the row contradicts itself, or `frames`, `by` or `dtype` is not among what there is.
        DeviceError: there is no such device.
    """
    _require_grouping(by)
    if dtype not in ("uint8", "bool"):
        raise MaskError(f'dtype is {dtype!r}, wanted "uint8" or "bool".')
    height, width = checked_size(row["height"], row["width"])
    frame_indices = _checked_frames(row, frames)
    object_planes, plane_count = _planes(row, by)
    # Each frame is decoded once, however often it is asked for.
    unique_frames, places = np.unique(frame_indices, return_inverse=True)
    decoded_bytes = max(len(frame_indices), len(unique_frames)) * plane_count * height * width
    if decoded_bytes > max_decoded_bytes:
        raise RLEError(
            f"{_where(row)}the masks would take {decoded_bytes} bytes, wanted at most max_decoded_bytes={max_decoded_bytes}. "
            "Ask for fewer frames at a time or raise max_decoded_bytes."
        )
    entries = _select(row, unique_frames, object_planes)
    shape = (len(unique_frames), plane_count, width, height)
    wanted = None if np.array_equal(unique_frames, frame_indices) else places
    try:
        if device is not None:
            return _decode_on(device, entries, shape, wanted, union=by == "union", dtype=dtype)
        runs = parse(entries.counts, height=height, width=width)
    except RLEError as error:
        raise _located(row, entries, error) from None
    stack = np.zeros(shape, np.uint8)
    _paint_all(entries, runs, stack)
    if wanted is not None:
        stack = stack[wanted]
    planes = stack.transpose(0, 1, 3, 2)
    result = planes[:, 0] if by == "union" else planes
    return result.view(np.bool_) if dtype == "bool" else result


def planes_of_row(row: Mapping[str, Any], *, frames: Sequence[int] | None = None, by: Grouping = "union") -> RowPlanes:
    """The strings of the frames that are asked for, and where they go, for whoever decodes them elsewhere.

    Raises:
        MaskError: as `decode_masks`.
    """
    _require_grouping(by)
    height, width = checked_size(row["height"], row["width"])
    frame_indices = _checked_frames(row, frames)
    object_planes, plane_count = _planes(row, by)
    unique_frames = np.unique(frame_indices)
    entries = _select(row, unique_frames, object_planes)
    of_frame: dict[int, list[int]] = {}
    for entry, frame in enumerate(unique_frames[entries.frame].tolist()):
        of_frame.setdefault(frame, []).append(entry)
    counts, planes = [], []
    for place, frame in enumerate(frame_indices.tolist()):
        for entry in of_frame.get(frame, []):
            counts.append(entries.counts[entry])
            planes.append(place * plane_count + int(entries.plane[entry]))
    axes = (len(frame_indices),) if by == "union" else (len(frame_indices), plane_count)
    return RowPlanes(counts, planes, (*axes, height, width))


def _decode_on(
    device: "torch.device | str",
    entries: _Entries,
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
        entries.counts, height=height, width=width, planes=planes, num_planes=num_frames * plane_count
    )
    stack = decode_batch(batch, device=device, max_decoded_bytes=num_frames * plane_count * height * width)
    columns = stack.transpose(1, 2).view(shape)
    if places is not None:
        columns = columns[torch.from_numpy(places).to(columns.device)]
    result: torch.Tensor = columns.transpose(2, 3)
    if dtype == "bool":
        result = result.view(torch.bool)
    return result[:, 0] if union else result


def _located(row: Mapping[str, Any], entries: _Entries, error: RLEError) -> RLEError:
    """The error with its place in the row."""
    if error.index is None:
        return error
    at = int(entries.at[error.index])
    frame, object_id = row["masks"]["frame_index"][at], row["masks"]["object_id"][at]
    return RLEError(f"{_where(row)}frame {frame} object {object_id}: {error.problem}", at)


def _require_grouping(by: str) -> None:
    if by not in ("union", "object", "type"):
        raise MaskError(f'by is {by!r}, wanted "union", "object" or "type".')


def _paint_all(entries: _Entries, runs: Runs, stack: UInt8Array) -> None:
    """Writes every entry into its plane; where objects meet in one plane, as their union."""
    _, _, width, height = stack.shape
    flat = stack.reshape(*stack.shape[:2], width * height)
    places = zip(entries.frame.tolist(), entries.plane.tolist(), strict=True)
    for place, (start, pixels) in zip(places, spans(runs), strict=True):
        flat[place][start : start + len(pixels)] |= pixels


def _checked_frames(row: Mapping[str, Any], frames: Sequence[int] | None) -> Int64Array:
    num_frames = operator.index(row["num_frames"])
    if frames is None:
        return np.arange(num_frames)
    frame_indices = np.asarray(frames)
    if not frame_indices.size:
        return np.zeros(0, np.int64)
    if frame_indices.ndim != 1 or frame_indices.dtype.kind not in "iu":
        raise MaskError(f"{_where(row)}frames is {frames!r:.80}, wanted a sequence of frame indices.")
    outside = frame_indices[(frame_indices < 0) | (frame_indices >= num_frames)]
    if outside.size:
        raise MaskError(
            f"{_where(row)}frame {outside[0]} is asked for, wanted 0 to {num_frames - 1}. Count from 0 in presentation order."
        )
    return frame_indices.astype(np.int64)


def _planes(row: Mapping[str, Any], by: Grouping) -> tuple[dict[int, int], int]:
    """The plane that each object_id goes to, and how many planes there are."""
    object_ids = _integers(row["objects"]["object_id"])
    if len(set(object_ids.tolist())) < len(object_ids):
        raise MaskError(
            f"{_where(row)}objects.object_id is {object_ids.tolist()}, wanted every id once. Build the row anew."
        )
    if by == "union":
        return dict.fromkeys(object_ids.tolist(), 0), 1
    if by == "object":
        return {object_id: plane for plane, object_id in enumerate(object_ids.tolist())}, len(object_ids)
    artifact_types = _integers(row["objects"]["artifact_type"])
    types = dict(zip(object_ids.tolist(), artifact_types.tolist(), strict=True))
    for object_id, artifact_type in types.items():
        if not 0 <= artifact_type < len(ARTIFACT_TYPES):
            raise MaskError(
                f"{_where(row)}object {object_id}: artifact_type is {artifact_type}, "
                f"wanted 0 to {len(ARTIFACT_TYPES) - 1} ({', '.join(ARTIFACT_TYPES)}). Build the row anew."
            )
    return types, len(ARTIFACT_TYPES)


def _select(row: Mapping[str, Any], unique_frames: Int64Array, object_planes: Mapping[int, int]) -> _Entries:
    """The entries of these frames."""
    object_ids = _integers(row["masks"]["object_id"])
    frame_indices = _integers(row["masks"]["frame_index"])
    all_counts = row["masks"]["counts"]
    if not len(object_ids) == len(frame_indices) == len(all_counts):
        raise MaskError(
            f"{_where(row)}masks has {len(object_ids)} object ids, {len(frame_indices)} frame indices and "
            f"{len(all_counts)} counts, wanted as many of each. Build the row anew."
        )
    for index in np.flatnonzero((frame_indices < 0) | (frame_indices >= row["num_frames"])).tolist():
        raise MaskError(
            f"{_where(row)}mask {index}: frame {frame_indices[index]}, wanted 0 to {row['num_frames'] - 1}. Build the row anew."
        )
    for index in np.flatnonzero(~np.isin(object_ids, list(object_planes))).tolist():
        raise MaskError(
            f"{_where(row)}mask {index}: object {object_ids[index]}, wanted one of {list(object_planes)}. Build the row anew."
        )
    chosen = np.flatnonzero(np.isin(frame_indices, unique_frames))
    planes = np.fromiter((object_planes[object_id] for object_id in object_ids[chosen].tolist()), np.int64, len(chosen))
    frames = np.searchsorted(unique_frames, frame_indices[chosen])
    return _Entries(chosen, planes, frames, [all_counts[index] for index in chosen.tolist()])


def _integers(values: npt.ArrayLike) -> Int64Array:
    # An empty list has no dtype of its own.
    return np.asarray(values).astype(np.int64).reshape(-1)


def _where(row: Mapping[str, Any]) -> str:
    return f"video {row['video_id']} " if row.get("video_id") else ""
