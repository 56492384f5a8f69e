"""Reads one Parquet shard."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import IO, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .error import ReleaseError
from .filters import Choice, Filters, chosen
from .formats import as_current
from .parquet_pages import UnknownPagesError, video_spans
from .shards import what_is_wrong

_Read = TypeVar("_Read")
_VIDEO = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def read_parquet(
    file: str | IO[bytes],
    *,
    columns: Sequence[str] | None = None,
    filters: Filters | Choice | None = None,
    row_groups: Sequence[int] | None = None,
    num_rows: int | None = None,
    name: str | None = None,
) -> Generator[pa.Table, None, None]:
    """The row groups of one Parquet shard, one table each; a row group without a matching row is
    left out.

    A row group is read at once and never in the background: pyarrow's own iterator aborts the
    interpreter if it is not used to its end (arrow#45214), and row groups are small (16-32 MB). If
    a filter drops all rows of a group, its videos are not read.

    Args:
        file: a local path, or an open binary file.
        columns: names to read, in the file's order; None reads all.
        filters: see `chosen`.
        row_groups: indices to read; None reads all.
        num_rows: number of rows of the whole shard in its manifest; None: not compared.
        name: name of the file in messages, if it is an open file.

    Raises:
        ReleaseError: not a Parquet file, cut short or damaged, or another number of rows; the
            message names the file.
        FilterError: as `chosen`.
    """
    name = name or str(file)
    with closing(open_parquet(file, name=name, num_rows=num_rows)) as parquet:
        names = parquet.schema_arrow.names
        wanted = (
            names if columns is None else [column for column in names if column in set(columns)]
        )
        keep = (
            filters
            if isinstance(filters, Choice) or filters is None
            else chosen(filters, parquet.schema_arrow)
        )
        # An expression does not tell which columns it needs, so all columns except the videos are
        # read for it.
        filter_columns = (
            [column for column in names if column != "video"]
            if keep is None or not keep.columns
            else keep.columns
        )
        for group in range(parquet.num_row_groups) if row_groups is None else row_groups:
            if keep is None:
                yield _read(parquet, group, wanted, file, name)
                continue
            values = _read(parquet, group, list(filter_columns), file, name)
            numbered = values.append_column("__row", pa.array(range(values.num_rows), pa.int64()))
            matching = numbered.filter(keep.expression).column("__row")
            if len(matching):
                yield _read(parquet, group, wanted, file, name).take(matching)


def open_parquet(
    file: str | IO[bytes], *, name: str | None = None, num_rows: int | None = None
) -> pq.ParquetFile:
    """One opened Parquet shard: its footer is read, its rows are not. The caller must close it.

    Args:
        file, name, num_rows: as `read_parquet`.

    Raises:
        ReleaseError: not a Parquet file, or another number of rows; the message names the file.
    """
    name = name or str(file)
    # With a file object, each piece would be one request, so pyarrow first joins neighbouring
    # pieces of a row group. A local file is mapped into memory: pages are not copied before
    # decoding, which saves one row group of memory.
    is_local = isinstance(file, str)
    parquet = _understood(
        lambda: pq.ParquetFile(file, memory_map=is_local, pre_buffer=not is_local),
        file=file,
        name=name,
    )
    if num_rows is not None and parquet.metadata.num_rows != num_rows:
        actual_rows = parquet.metadata.num_rows
        parquet.close()
        raise ReleaseError(
            f"{name}: {actual_rows} rows, manifest.json says {num_rows}: of another release? Copy or "
            "download this file again."
        )
    return parquet


def _read(
    parquet: pq.ParquetFile, group: int, columns: list[str], file: str | IO[bytes], name: str
) -> pa.Table:
    def read(columns: list[str]) -> pa.Table:
        return as_current(parquet.read_row_group(group, columns=columns, use_threads=False))

    videos = (
        _mapped_videos(file, parquet, group)
        if "video" in columns and isinstance(file, str)
        else None
    )
    if videos is None:
        return _understood(lambda: read(columns), file=file, name=name)
    others = ["video.path" if column == "video" else column for column in columns]
    table = _understood(lambda: read(others), file=file, name=name)
    place = table.schema.get_field_index("video")
    (paths,) = table.column(place).combine_chunks().flatten()
    kind = parquet.schema_arrow.field("video").type
    rows = [
        pa.StructArray.from_arrays([video, paths.slice(row, 1)], fields=list(kind))
        for row, video in enumerate(videos)
    ]
    return table.set_column(place, "video", pa.chunked_array(rows, kind))


def _mapped_videos(file: str, parquet: pq.ParquetFile, group: int) -> list[pa.Array] | None:
    """The bytes of every video of a row group, each an array of one value that lies in the mapped
    file, not in memory.

    None: they are stored in a way that only pyarrow reads.
    """
    if parquet.schema_arrow.field("video").type != _VIDEO:
        return None
    with pa.memory_map(file) as mapped:
        content = mapped.read_buffer()  # holds the mapping, for as long as an array is used
    try:
        spans = video_spans(memoryview(content).cast("B"), parquet.metadata.row_group(group))
    except UnknownPagesError:
        return None
    # Arrow does not look whether a slice is inside
    if len(spans) and int(spans[-1].sum()) > content.size:
        return None
    return [
        pa.Array.from_buffers(
            pa.binary(),
            1,
            [None, pa.py_buffer(np.asarray([0, length], np.int32)), content.slice(start, length)],
        )
        for start, length in spans.tolist()
    ]


def _understood(read: Callable[[], _Read], *, file: str | IO[bytes], name: str) -> _Read:
    """Runs a read of pyarrow; an error names the file.

    Raises:
        ReleaseError: pyarrow cannot read the file.
    """
    try:
        return read()
    except (pa.ArrowException, OSError) as error:
        # Arrow's own errors are plain OSErrors. Errors of a connection have other classes; they are
        # explained elsewhere.
        if (
            not isinstance(error, pa.ArrowException | FileNotFoundError)
            and type(error) is not OSError
        ):
            raise
        wrong = (
            what_is_wrong(Path(file))
            if isinstance(file, str)
            else "cut short or damaged. Download this file again"
        )
        reason = " ".join(str(error).split())
        raise ReleaseError(f"{name}: not a readable Parquet file ({reason}): {wrong}.") from None
