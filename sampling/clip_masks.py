"""The masks of a clip under its geometry, sampled from the runs without a bitmap of a whole
frame.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from ..frames import Geometry, Int64Array, sampled_pixels
from ..masks import ARTIFACT_TYPES, MaskError, RLEError, Runs, empty, encode, parse

MaskLayout = Literal["union", "object", "type", "rle"]
ClipMasks = torch.Tensor | list[dict[str, Any]]
UInt8Array = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class _Marked:
    """The entries of `row["masks"]` in the frames of a clip: N of them, in K planes, sorted by
    frame and plane.
    """

    runs: Runs
    frame_index: Int64Array
    plane: Int64Array
    planes: int


def clip_masks(
    row: Mapping[str, Any],
    frame_index: Int64Array,
    geometry: Geometry,
    layout: MaskLayout,
    *,
    device: torch.device | str | None = None,
) -> ClipMasks:
    """The masks of these frames: equal to those of the whole video, decoded, then scaled, cut and
    mirrored pixel by pixel.

    Args:
        frame_index: int64[T], repeats allowed.
        layout: "union" gives uint8[T, H, W] of 0 and 1. "type" gives uint8[T, 3, H, W], one plane
            per type of ARTIFACT_TYPES. "object" gives uint8[T, K, H, W], one plane per object of
            the row. "rle" gives a list of {"frame": index in the clip, "object_id",
            "artifact_type", "rle": {"size", "counts"}}, one for each object and frame with a pixel
            in the clip.
        device: the device on which a tensor is made; None is the CPU. The values are the same on
            all devices.

    Raises:
        RLEError, MaskError: a string that is not a mask, or a row that contradicts itself.
    """
    frames, places = np.unique(frame_index, return_inverse=True)
    marked = _marked(row, frames, layout)
    rows, columns = sampled_pixels(geometry, marked.runs.height, marked.runs.width)
    if layout == "rle":
        return _as_rle(row, marked, sample_runs(marked.runs, rows, columns), frame_index)
    at = np.searchsorted(frames, marked.frame_index) * marked.planes + marked.plane
    shape = (len(frames) * marked.planes, len(rows), len(columns))
    if device is None or torch.device(device).type == "cpu":
        planes = torch.from_numpy(_drawn(marked.runs, rows, columns, at, num_planes=shape[0]))
    else:
        planes = torch.zeros(shape, dtype=torch.uint8, device=device)
        for plane, sampled in zip(
            at.tolist(), sample_runs_on(marked.runs, rows, columns, device=device), strict=True
        ):
            planes[plane] |= sampled
    masks = planes.view(len(frames), marked.planes, *shape[1:])
    if not _counts_up(places, len(frames)):
        masks = masks[torch.from_numpy(places).to(masks.device)]
    return masks[:, 0] if layout == "union" else masks


def sample_runs(runs: Runs, rows: Int64Array, columns: Int64Array) -> UInt8Array:
    """uint8[N, H, W] of 0 and 1: pixel (rows[i], columns[j]) of every mask, as
    `decode(…)[:, rows[:, None], columns]`.
    """
    bitmaps = [bitmap.T for bitmap in sampled_columns(runs, rows, columns)]
    return np.stack(bitmaps) if bitmaps else np.zeros((0, len(rows), len(columns)), dtype=np.uint8)


def sampled_columns(runs: Runs, rows: Int64Array, columns: Int64Array) -> Iterator[UInt8Array]:
    """Yields uint8[W, H] for each mask: the pixels of `sample_runs`, column by column.

    The cost grows with the runs and the returned pixels, not with the pixels of the masks.
    """
    own_rows, row_places = np.unique(rows, return_inverse=True)
    own_columns, column_places = np.unique(columns, return_inverse=True)
    height, pixels = len(own_rows), len(own_rows) * len(own_columns)
    # Every mask sums to the same number of pixels, so ends count through the batch.
    mask, end = np.divmod(np.cumsum(runs.lengths), runs.height * runs.width)
    column, row = np.divmod(end, runs.height)
    rows_before = np.searchsorted(own_rows, np.arange(runs.height))
    columns_before = np.searchsorted(own_columns, np.arange(runs.width + 1))
    has_column = np.zeros(runs.width + 1, dtype=np.int64)
    has_column[own_columns] = 1
    ends = mask * pixels + columns_before[column] * height + has_column[column] * rows_before[row]
    lengths = np.diff(ends, prepend=0)
    values = np.zeros(np.diff(runs.offsets).max(initial=0), dtype=np.uint8)
    values[1::2] = 1
    as_asked = _counts_up(row_places, height) and _counts_up(column_places, len(own_columns))
    for first, last in pairwise(runs.offsets.tolist()):
        bitmap = (
            values[: last - first].repeat(lengths[first:last]).reshape(len(own_columns), height)
        )
        yield bitmap if as_asked else bitmap[column_places[:, np.newaxis], row_places]


def sample_runs_on(
    runs: Runs, rows: Int64Array, columns: Int64Array, *, device: torch.device | str
) -> torch.Tensor:
    """`sample_runs` as a tensor that is made on the device; only the runs travel there."""
    pixels = runs.height * runs.width
    ends = torch.from_numpy(np.cumsum(runs.lengths)).to(device)
    first_run = torch.from_numpy(runs.offsets[:-1].copy()).to(device)
    at = torch.from_numpy(columns * runs.height + rows[:, np.newaxis]).to(device)
    wanted = at + pixels * torch.arange(len(runs), device=device).view(-1, 1, 1)
    run = torch.searchsorted(ends, wanted, right=True)
    return ((run - first_run.view(-1, 1, 1)) % 2).to(torch.uint8)


def _drawn(
    runs: Runs, rows: Int64Array, columns: Int64Array, at: Int64Array, *, num_planes: int
) -> UInt8Array:
    """uint8[num_planes, H, W]: plane at[i] holds mask i, together with others of that plane; `at`
    ascends.
    """
    planes = np.zeros((num_planes, len(rows), len(columns)), dtype=np.uint8)
    # Runs go down the columns, so the last step transposes. Columns that are a power of two apart
    # in memory share a few sets of the processor's cache, which takes twice as long. A gap after
    # each column avoids that.
    plane = np.empty((len(columns), len(rows) + 8), dtype=np.uint8)[:, :-8]
    for target, own in groupby(
        zip(at.tolist(), sampled_columns(runs, rows, columns), strict=True), key=itemgetter(0)
    ):
        plane.fill(0)
        for _, bitmap in own:
            plane |= bitmap
        planes[target] = plane.T
    return planes


def _marked(row: Mapping[str, Any], frames: Int64Array, layout: MaskLayout) -> _Marked:
    where = f"video {row['video_id']} "
    all_frames = np.asarray(row["masks"]["frame_index"], dtype=np.int64)
    chosen = np.flatnonzero(np.isin(all_frames, frames))
    object_ids = [int(object_id) for object_id in row["objects"]["object_id"]]
    kinds = [_kind(kind) for kind in row["objects"]["artifact_type"]]
    if any(kind is not None and not 0 <= kind < len(ARTIFACT_TYPES) for kind in kinds):
        raise MaskError(
            f"{where}artifact_type is {kinds}, wanted 0 to {len(ARTIFACT_TYPES) - 1}. Build the "
            "row again."
        )
    if layout == "type" and None in kinds:
        object_id = object_ids[kinds.index(None)]
        raise MaskError(
            f'{where}object {object_id}: its artifact type is not given. Use masks="union" or '
            'masks="object".'
        )
    plane_of = {
        "union": dict.fromkeys(object_ids, 0),
        "type": {
            object_id: kind
            for object_id, kind in zip(object_ids, kinds, strict=True)
            if kind is not None
        },
        "object": {object_id: plane for plane, object_id in enumerate(object_ids)},
        "rle": {object_id: plane for plane, object_id in enumerate(object_ids)},
    }[layout]
    object_of_mask = [int(row["masks"]["object_id"][at]) for at in chosen.tolist()]
    for at, object_id in zip(chosen.tolist(), object_of_mask, strict=True):
        if object_id not in plane_of:
            raise MaskError(
                f"{where}mask {at}: object {object_id}, wanted one of {object_ids}. Build the row "
                "again."
            )
    plane = np.asarray([plane_of[object_id] for object_id in object_of_mask], dtype=np.int64)
    order = np.lexsort((plane, all_frames[chosen]))
    chosen, plane = chosen[order], plane[order]
    counts = row["masks"]["counts"]
    try:
        runs = parse(
            [counts[at] for at in chosen.tolist()], height=row["height"], width=row["width"]
        )
    except RLEError as error:
        if error.index is None:
            raise
        at = int(chosen[error.index])
        object_id = row["masks"]["object_id"][at]
        raise RLEError(
            f"{where}frame {all_frames[at]} object {object_id}: {error.problem}", at
        ) from None
    planes = {"union": 1, "type": len(ARTIFACT_TYPES)}.get(layout, len(object_ids))
    return _Marked(runs, all_frames[chosen], plane, planes)


def _kind(kind: Any) -> int | None:
    """The class of an artifact type; None if it is not given (pandas has NaN then)."""
    return None if kind is None or kind != kind else int(kind)


def _as_rle(
    row: Mapping[str, Any], marked: _Marked, bitmaps: UInt8Array, frame_index: Int64Array
) -> list[dict[str, Any]]:
    height, width = bitmaps.shape[1:]
    nothing = empty(height, width)
    strings = encode(bitmaps)
    objects = list(zip(row["objects"]["object_id"], row["objects"]["artifact_type"], strict=True))
    return [
        {
            "frame": place,
            "object_id": int(objects[marked.plane[at]][0]),
            "artifact_type": _kind(objects[marked.plane[at]][1]),
            "rle": {"size": [height, width], "counts": strings[at]},
        }
        for place, frame in enumerate(frame_index.tolist())
        for at in np.flatnonzero(marked.frame_index == frame).tolist()
        if strings[at] != nothing
    ]


def _counts_up(places: npt.NDArray[np.intp], count: int) -> bool:
    return len(places) == count and bool((places == np.arange(count)).all())
