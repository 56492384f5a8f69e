"""Where rows come from: what `clips` may be given, as one of three kinds of source."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import datasets
import numpy as np
from datasets.distributed import split_dataset_by_node
from torch.utils.data import get_worker_info

from ..frames import Int64Array
from ..release import is_repo_id
from .epoch_order import Place
from .release_rows import ReleaseRows

Row = Mapping[str, Any]


class Rows(Protocol):
    """What can give any row: lists, datasets.Dataset, ReleaseRows."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Row: ...


def opened_source(source: Any, *, split: str) -> Any:
    """The rows behind a release folder or a repository on the Hub; any other source as it is.

    Raises:
        ValueError: a string that is neither. ReleaseError: no release there.
    """
    if isinstance(source, Path) or (isinstance(source, str) and Path(source).is_dir()):
        builder = datasets.load_dataset_builder("brokenvideos", data_dir=str(source))
        found = builder.config.data_files
        if split not in found:
            raise ValueError(
                f"clips: {source} has no split {split!r}, it has {', '.join(found)}. Name one with split=."
            )
        return ReleaseRows([Path(path) for path in found[split]])
    if isinstance(source, str):
        if not is_repo_id(source):
            raise ValueError(
                f"clips: source {source!r} is no folder and no repository OWNER/NAME. "
                "Name a release folder, a Hub repository, or give rows."
            )
        return datasets.load_dataset(f"brokenvideos:{source}", split=split, streaming=True)
    return source


def is_stream(source: Any) -> bool:
    """Whether `datasets` itself gives every worker its shards, and keeps its own place."""
    return isinstance(source, datasets.IterableDataset)


def has_rows(source: Any) -> bool:
    """Whether any row can be asked for."""
    return hasattr(source, "__getitem__") and hasattr(source, "__len__")


def group_sizes(source: Rows) -> list[int]:
    """Rows that are read together, for the order of an epoch: row groups of a release, single rows of all others."""
    return source.group_sizes if isinstance(source, ReleaseRows) else [1] * len(source)


def video_frames(source: Rows) -> Int64Array:
    """int64[N]: frames of every video."""
    if isinstance(source, ReleaseRows):
        return source.video_frames()
    if isinstance(source, datasets.Dataset):
        return np.asarray(source.with_format("numpy")["num_frames"][:], dtype=np.int64)
    return np.asarray([source[number]["num_frames"] for number in range(len(source))], dtype=np.int64)


def shuffled_stream(source: datasets.IterableDataset, *, seed: int) -> datasets.IterableDataset:
    """Shards, cut to row groups where the source can, in random order; rows within one as they are.

    Without a buffer of rows, which would hold videos, and which cannot be resumed exactly.
    """
    return source.reshard().shuffle(seed=seed, buffer_size=1, max_buffer_input_shards=1)


def stream_of_rank(source: datasets.IterableDataset, place: Place) -> datasets.IterableDataset:
    """The part of this rank, unless the caller has split the source already."""
    already = getattr(source, "_distributed", None) is not None
    if place.world_size == 1 or already:
        return source
    return split_dataset_by_node(source, place.rank, place.world_size)


def rows_in_turn(source: Iterable[Row], visits: Iterable[int]) -> Iterator[Row]:
    """Rows of a plain iterable by their place in it; places ascend."""
    rows, position = iter(source), 0
    for visit in visits:
        row = next(islice(rows, visit - position, None), None)
        if row is None:
            return
        position = visit + 1
        yield row


def worker_and_workers() -> tuple[int, int]:
    worker = get_worker_info()
    return (0, 1) if worker is None else (worker.id, worker.num_workers)
