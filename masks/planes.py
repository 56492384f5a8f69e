"""Assigns every string of a row's masks to the plane that it paints."""

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from .arrays import Int64Array, MaskError
from .rows import row_with_masks
from .runs import checked_size

ARTIFACT_TYPES = ("motion", "deformation", "blur")
"""The class labels of `objects.artifact_type`, in the order of their integers.

Examples:
    >>> row = next(row for row in brokenvideos.load("sample", split="train", streaming=True) if row["label"])
    >>> [brokenvideos.ARTIFACT_TYPES[code] for code in row["artifact_types"]]
    ['motion']
"""

TYPE_NOT_GIVEN = "type not given"
"""Used in place of a type's name if the annotation does not give the type."""

Grouping = Literal["union", "object", "type"]


def type_name(code: int | None) -> str:
    """The name of an artifact type by its class, `TYPE_NOT_GIVEN` for None."""
    return TYPE_NOT_GIVEN if code is None else ARTIFACT_TYPES[code]


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """The requested entries of `row["masks"]`: their positions there, and the plane and the frame
    of each.

    `frame` is the position in the requested frames; `counts` are not checked yet.
    """

    at: Int64Array
    plane: Int64Array
    frame: Int64Array
    counts: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class RowPlanes:
    """The strings of a row and their planes: string i paints planes[i], over all axes of `shape`
    before height and width.
    """

    counts: list[str]
    planes: list[int]
    shape: tuple[int, ...]


def planes_of_row(
    row: Mapping[str, Any], *, frames: Sequence[int] | None = None, by: Grouping = "union"
) -> RowPlanes:
    """The strings of the requested frames and their planes, for code that decodes them elsewhere.

    Raises:
        MaskError: as `decode_masks`.
    """
    require_grouping(by)
    row = row_with_masks(row)
    height, width = checked_size(row["height"], row["width"])
    frame_indices = checked_frames(row, frames)
    object_planes, plane_count = planes_of(row, by)
    unique_frames = np.unique(frame_indices)
    entries = select_entries(row, unique_frames, object_planes)
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


def require_grouping(by: str) -> None:
    if by not in ("union", "object", "type"):
        raise MaskError(f'by is {by!r}, wanted "union", "object" or "type".')


def checked_frames(row: Mapping[str, Any], frames: Sequence[int] | None) -> Int64Array:
    num_frames = operator.index(row["num_frames"])
    if frames is None:
        return np.arange(num_frames)
    frame_indices = np.asarray(frames)
    if not frame_indices.size:
        return np.zeros(0, np.int64)
    if frame_indices.ndim != 1 or frame_indices.dtype.kind not in "iu":
        raise MaskError(
            f"{place_of(row)}frames is {frames!r:.80}, wanted a sequence of frame indices."
        )
    outside = frame_indices[(frame_indices < 0) | (frame_indices >= num_frames)]
    if outside.size:
        raise MaskError(
            f"{place_of(row)}frame {outside[0]} is asked for, wanted 0 to {num_frames - 1}. Count "
            "from 0 in presentation order."
        )
    return frame_indices.astype(np.int64)


def planes_of(row: Mapping[str, Any], by: Grouping) -> tuple[dict[int, int], int]:
    """The plane of each object_id, and the number of planes."""
    object_ids = _integers(row["objects"]["object_id"])
    if len(set(object_ids.tolist())) < len(object_ids):
        raise MaskError(
            f"{place_of(row)}objects.object_id is {object_ids.tolist()}, wanted every id once. "
            "Build the row again."
        )
    if by == "union":
        return dict.fromkeys(object_ids.tolist(), 0), 1
    if by == "object":
        return {object_id: plane for plane, object_id in enumerate(object_ids.tolist())}, len(
            object_ids
        )
    types = dict(zip(object_ids.tolist(), _types(row), strict=True))
    for object_id, artifact_type in types.items():
        if not 0 <= artifact_type < len(ARTIFACT_TYPES):
            raise MaskError(
                f"{place_of(row)}object {object_id}: artifact_type is {artifact_type}, wanted 0 to "
                f"{len(ARTIFACT_TYPES) - 1} ({', '.join(ARTIFACT_TYPES)}). Build the row again."
            )
    return types, len(ARTIFACT_TYPES)


def select_entries(
    row: Mapping[str, Any], unique_frames: Int64Array, object_planes: Mapping[int, int]
) -> Entries:
    """The entries of these frames."""
    object_ids = _integers(row["masks"]["object_id"])
    frame_indices = _integers(row["masks"]["frame_index"])
    all_counts = row["masks"]["counts"]
    if not len(object_ids) == len(frame_indices) == len(all_counts):
        raise MaskError(
            f"{place_of(row)}masks has {len(object_ids)} object ids, {len(frame_indices)} frame "
            f"indices and {len(all_counts)} counts, wanted as many of each. Build the row again."
        )
    num_frames = operator.index(row["num_frames"])
    for index in np.flatnonzero((frame_indices < 0) | (frame_indices >= num_frames)).tolist():
        raise MaskError(
            f"{place_of(row)}mask {index}: frame {frame_indices[index]}, wanted 0 to "
            f"{num_frames - 1}. Build the row again."
        )
    for index in np.flatnonzero(~np.isin(object_ids, list(object_planes))).tolist():
        raise MaskError(
            f"{place_of(row)}mask {index}: object {object_ids[index]}, wanted one of "
            f"{list(object_planes)}. Build the row again."
        )
    positions = np.flatnonzero(np.isin(frame_indices, unique_frames))
    planes = np.fromiter(
        (object_planes[object_id] for object_id in object_ids[positions].tolist()),
        np.int64,
        len(positions),
    )
    frames = np.searchsorted(unique_frames, frame_indices[positions])
    return Entries(positions, planes, frames, [all_counts[index] for index in positions.tolist()])


def _types(row: Mapping[str, Any]) -> list[int]:
    codes = row["objects"]["artifact_type"]
    for object_id, artifact_type in zip(row["objects"]["object_id"], codes, strict=True):
        if artifact_type is None or artifact_type != artifact_type:  # pandas has NaN for it
            raise MaskError(
                f"{place_of(row)}object {object_id}: its artifact type is not given. Use "
                'by="union" or by="object".'
            )
    types: list[int] = _integers(codes).tolist()
    return types


def _integers(values: npt.ArrayLike) -> Int64Array:
    # An empty list has no dtype of its own.
    return np.asarray(values).astype(np.int64).reshape(-1)


def place_of(row: Mapping[str, Any]) -> str:
    return f"video {row['video_id']} " if row.get("video_id") else ""
