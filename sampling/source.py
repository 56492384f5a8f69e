"""Opens a source of rows, and turns every source of `clips` into one of three kinds."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import datasets
import numpy as np
from torch.utils.data import get_worker_info

from ..frames import Int64Array
from ..masks import MaskError, row_as_dict
from ..release import (
    digest_of,
    load,
    release_shards,
)
from .named import HubRelease, SourceError, named_release
from .release_rows import COLUMNS, ReleaseRows
from .stream import data_of_stream, is_stream

Row = Mapping[str, Any]


class Rows(Protocol):
    """Rows with random access: a list, a datasets.Dataset or `ReleaseRows`."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Row: ...


def opened_source(source: Any, *, split: str) -> Any:
    """Opens a release by its name, or returns given rows without the format of `datasets`.

    Args:
        source: a name as in `named_release`, or rows.
        split: the split to read, if `source` is a name.

    Raises:
        SourceError: not the name of a release, no such split, or not rows.
        ReleaseError: there is no release at that place.
    """
    if isinstance(source, str | Path):
        named = named_release(source)
        if isinstance(named, HubRelease):
            return load(repo_id=named.repo_id, revision=named.revision, split=split, streaming=True)
        return rows_of_release(named, split=split)
    if isinstance(source, Mapping):
        keys = ", ".join(map(str, source))
        if "video_id" in source:
            raise SourceError(f"clips: the source is one row ({keys:.60}). Give a list of rows.")
        raise SourceError(
            f"clips: the source is a dict ({keys:.60}). Give one of its splits, as in "
            "rows['train']."
        )
    if isinstance(source, datasets.Dataset | datasets.IterableDataset):
        return _plain(source)
    if isinstance(source, bytes) or not (has_rows(source) or isinstance(source, Iterable)):
        raise SourceError(
            f"clips: the source is {type(source).__name__}, wanted a release folder or rows."
        )
    library = type(source).__module__.partition(".")[0]
    if library in _AS_ROWS and not isinstance(source, Iterator):
        raise SourceError(
            f"clips: the source is a {library} {type(source).__name__}. Give its rows: "
            f"source.{_AS_ROWS[library]}."
        )
    return source


_AS_ROWS = {"pandas": 'to_dict("records")', "pyarrow": "to_pylist()", "polars": "to_dicts()"}


def rows_of_release(release: Path, *, split: str) -> ReleaseRows:
    """The rows of a split of a local release.

    Raises:
        SourceError: it has no such split. ReleaseError: no release there, or files are missing.
    """
    splits = release_shards(release)
    if split not in splits:
        raise SourceError(
            f"{release}: no split {split!r}, it has {', '.join(splits)}. Name one of them."
        )
    shards = splits[split]
    return ReleaseRows(
        [release / shard.path for shard in shards],
        num_rows=[shard.rows for shard in shards],
        data=f"{split} {digest_of(shards)}",
    )


def _plain(source: Any) -> Any:
    """The rows as Python values, without a format set by the caller. A custom transform stays."""
    if isinstance(source, datasets.IterableDataset):
        columns, formatted = source.column_names, source._formatting is not None
    else:
        columns, formatted = source.column_names, source.format["type"] not in (None, "custom")
    transformed = isinstance(source, datasets.Dataset) and source.format["type"] == "custom"
    if columns is not None and not transformed:
        require_columns(columns)
    return source.with_format(None) if formatted else source


def require_columns(columns: Iterable[str]) -> None:
    """Checks that rows with these columns have all columns that clips need.

    Raises:
        SourceError: a column is missing; the message names all missing columns.
    """
    there = set(columns)
    if missing := [column for column in (*COLUMNS, "video") if column not in there]:
        raise SourceError(
            f"clips: the rows lack the columns {', '.join(missing)}. Leave columns= out, or name "
            "these too; videos are in the configs default and webdataset."
        )


def require_row(row: Any) -> Row:
    """The row, after a check.

    Raises:
        SourceError: not a row, a batch of rows, or a row without a column that clips need.
    """
    try:
        row = row_as_dict(row)
    except MaskError as error:
        raise SourceError(f"clips: {error}") from None
    found: Mapping[str, Any] = row
    require_columns(found)
    if not isinstance(found["video_id"], str):
        raise SourceError(
            f"clips: video_id of a row is {type(found['video_id']).__name__}, wanted one text: are "
            "the rows batched? Give single rows; DataLoader(batch_size=…) makes batches of the "
            "clips."
        )
    return found


def data_of(source: Any) -> str | None:
    """An identifier of a source's rows and their order, for states.

    None if it is not known without reading every row.
    """
    if isinstance(source, ReleaseRows):
        return source.data
    if is_stream(source):
        return data_of_stream(source)
    if isinstance(source, datasets.Dataset) and "video_id" in source.column_names:
        ids = source.select_columns(["video_id"]).with_format(None)["video_id"][:]
    elif isinstance(source, list | tuple):
        ids = [str(row.get("video_id")) if isinstance(row, Mapping) else "" for row in source]
    else:
        return (
            getattr(source, "data", None)
            if isinstance(getattr(source, "data", None), str)
            else None
        )
    return hashlib.sha256("\n".join(map(str, ids)).encode()).hexdigest()[:16]


def has_rows(source: Any) -> bool:
    """Whether the source has random access to its rows."""
    return hasattr(source, "__getitem__") and hasattr(source, "__len__")


def group_sizes(source: Rows) -> list[int]:
    """The number of rows in each group that is read together, for the order of an epoch.

    A release has its row groups. Any other source has groups of one row.
    """
    return source.group_sizes if isinstance(source, ReleaseRows) else [1] * len(source)


def video_frames(source: Rows) -> Int64Array:
    """int64[N]: the number of frames of each video."""
    if isinstance(source, ReleaseRows):
        return source.video_frames()
    if isinstance(source, datasets.Dataset):
        return np.asarray(source.with_format("numpy")["num_frames"][:], dtype=np.int64)
    return np.asarray(
        [source[number]["num_frames"] for number in range(len(source))], dtype=np.int64
    )


def rows_in_turn(source: Iterable[Row], visits: Iterable[int]) -> Iterator[Row]:
    """The rows of a plain iterable at these positions, which must ascend."""
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
