"""Clips for a training loop: frames and masks of a video, cut at one place and scaled by one rule."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import datasets
import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import IterableDataset, get_worker_info

from brokenvideos.frames.index import VideoError, index_from_row
from brokenvideos.frames.reader import read_frames
from brokenvideos.masks import decode_masks

MaskLayout = Literal["union", "object", "type"]
Row = Mapping[str, Any]
UInt8Array = npt.NDArray[np.uint8]


def clips(
    source: Iterable[Row],
    *,
    num_frames: int,
    stride: int = 1,
    size: tuple[int, int] | None = None,
    masks: MaskLayout = "union",
    seed: int = 0,
    epoch: int = 0,
) -> "ClipDataset":
    """A torch IterableDataset with one random clip of every row; see `ClipDataset` for what an item holds.

    Args:
        source: rows with their `video`: a datasets.IterableDataset, a datasets.Dataset, a list, or another iterable. DataLoader
            workers share its rows: a datasets.IterableDataset by its shards, all others row by row.
        num_frames: T, frames in a clip.
        stride: a clip takes every stride-th frame.
        size: (height, width) of the clips; None leaves each video its own, which a DataLoader can then only batch one by one.
        masks: "union" gives masks uint8[T, H, W], "type" uint8[T, 3, H, W], "object" uint8[T, K, H, W] with K of the video.
        seed, epoch: with the video_id they decide where a clip is cut, whatever the number of workers and the order of rows.

    Raises:
        ValueError: num_frames, stride or size below 1, or an unknown mask layout.
    """
    if num_frames < 1 or stride < 1 or (size is not None and min(size) < 1):
        raise ValueError(
            f"clips: num_frames={num_frames}, stride={stride}, size={size}; each must be 1 or more. Give positive numbers."
        )
    if masks not in ("union", "object", "type"):
        raise ValueError(f'clips: masks={masks!r}, must be "union", "object" or "type".')
    return ClipDataset(source, num_frames=num_frames, stride=stride, size=size, masks=masks, seed=seed, epoch=epoch)


class ClipDataset(IterableDataset[dict[str, Any]]):
    """Yields dicts, one for each row:

    video_id: str.
    video: uint8[T, 3, H, W], RGB.
    masks: uint8[T, H, W] of 0 and 1 (other shapes: `clips`); scaled with the frames, pixel by pixel: output row i is the input row
        that holds its centre, floor((i + 0.5) · height / H), columns alike.
    frame_index: int64[T], the frames in the video.
    valid: bool[T], False where a person has not looked at the frame, and for padding: a video that is shorter than the clip
        is taken from its start and its last frame repeated.
    """

    def __init__(
        self,
        source: Iterable[Row],
        *,
        num_frames: int,
        stride: int,
        size: tuple[int, int] | None,
        masks: MaskLayout,
        seed: int,
        epoch: int,
    ) -> None:
        self.source = source
        self.num_frames = num_frames
        self.stride = stride
        self.size = size
        self.masks = masks
        self.seed = seed
        # Shared memory, so that workers that live longer than an epoch see set_epoch too.
        self._epoch: torch.Tensor = torch.tensor(epoch).share_memory_()  # type: ignore[no-untyped-call]

    def set_epoch(self, epoch: int) -> None:
        """Other clips in the next pass; also tells a `source` that has set_epoch, which then shuffles anew."""
        self._epoch.fill_(epoch)
        if hasattr(self.source, "set_epoch"):
            self.source.set_epoch(epoch)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in _rows_of_worker(self.source):
            yield self._clip(row)

    def _clip(self, row: Row) -> dict[str, Any]:
        video_id, num_frames = row["video_id"], int(row["num_frames"])
        start = self._start(video_id, num_frames)
        unpadded = start + self.stride * np.arange(self.num_frames, dtype=np.int64)
        frame_index = np.minimum(unpadded, num_frames - 1)
        annotated = np.isin(frame_index, np.asarray(row["annotated_frames"], dtype=np.int64))
        try:
            video = read_frames(_video(row), frame_index.tolist(), index=index_from_row(row), size=self.size)
        except VideoError as error:
            raise VideoError(f"video {video_id}: {error}") from error
        masks = decode_masks(row, frames=frame_index.tolist(), by=self.masks)
        return {
            "video_id": video_id,
            "video": torch.from_numpy(video).permute(0, 3, 1, 2).contiguous(),
            "masks": torch.from_numpy(_nearest(masks.view(np.uint8), self.size)),
            "frame_index": torch.from_numpy(frame_index),
            "valid": torch.from_numpy(annotated & (unpadded < num_frames)),
        }

    def _start(self, video_id: str, num_frames: int) -> int:
        last_start = num_frames - 1 - (self.num_frames - 1) * self.stride
        if last_start <= 0:
            return 0
        name = int.from_bytes(hashlib.sha256(video_id.encode()).digest()[:16])
        random = np.random.default_rng([self.seed, int(self._epoch), name])
        return int(random.integers(last_start, endpoint=True))


def _rows_of_worker(source: Any) -> Iterator[Row]:
    worker = get_worker_info()
    # A datasets.IterableDataset looks at the worker itself and gives it its shards.
    if worker is None or isinstance(source, datasets.IterableDataset):
        yield from source
    elif hasattr(source, "__getitem__") and hasattr(source, "__len__"):
        for position in range(worker.id, len(source), worker.num_workers):
            yield source[position]
    else:
        yield from islice(source, worker.id, None, worker.num_workers)


def _video(row: Row) -> bytes | Path:
    if row.get("video") is None:
        raise VideoError('the row has no "video" column. Load the config "default", or do not leave the column out.')
    content: bytes | None = row["video"]["bytes"]
    # Readers that leave the file where it is give its path alone.
    return content if content is not None else Path(row["video"]["path"])


def _nearest(masks: UInt8Array, size: tuple[int, int] | None) -> UInt8Array:
    """Samples the last two axes at the pixels that hold the centres of the result's pixels."""
    if size is None:
        return np.ascontiguousarray(masks)
    rows, columns = (
        (2 * np.arange(new) + 1) * old // (2 * new) for new, old in zip(size, masks.shape[-2:], strict=True)
    )
    return np.ascontiguousarray(masks[..., rows[:, np.newaxis], columns])
