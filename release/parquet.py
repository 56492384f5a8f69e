"""Reads one Parquet shard."""

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from .filters import Filters, expression


def read_parquet(
    file: str | IO[bytes],
    *,
    columns: Sequence[str] | None = None,
    filters: Filters | None = None,
    row_groups: Sequence[int] | None = None,
) -> Generator[pa.Table, None, None]:
    """The row groups of one Parquet shard, one table each; a row group without a matching row is left out.

    A row group is read at once, never in the background: pyarrow's own iterator aborts the interpreter when it is dropped
    half-way (arrow#45214), and row groups are small (16-32 MB). Where a filter drops all of its rows, its videos are not read.

    Args:
        file: a local path, or an open binary file.
        columns: names to read, in the file's order; None reads all.
        filters: as in `pyarrow.parquet.read_table`.
        row_groups: indices to read; None reads all.
    """
    keep = expression(filters)
    # From a file object each piece would be a request of its own: pyarrow first joins those of a row group that lie together. A
    # local file is mapped: pages are then not copied before they are decoded, which is a row group less in memory.
    is_local = isinstance(file, str)
    with closing(pq.ParquetFile(file, memory_map=is_local, pre_buffer=not is_local)) as parquet:
        names = parquet.schema_arrow.names
        wanted = names if columns is None else [name for name in names if name in set(columns)]
        # An expression does not tell which columns it needs, so everything but the videos is read to judge it.
        cheap = [name for name in names if name != "video"]
        for group in range(parquet.num_row_groups) if row_groups is None else row_groups:
            if keep is None:
                yield parquet.read_row_group(group, columns=wanted, use_threads=False)
                continue
            judged = parquet.read_row_group(group, columns=cheap, use_threads=False)
            numbered = judged.append_column("__row", pa.array(range(judged.num_rows), pa.int64()))
            matching = numbered.filter(keep).column("__row")
            if len(matching):
                yield parquet.read_row_group(group, columns=wanted, use_threads=False).take(matching)
