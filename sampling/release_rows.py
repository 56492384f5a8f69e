"""The rows of a release with random access; the videos of other rows are not read."""

import mmap
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from ..frames import INDEX_COLUMNS, Int64Array
from ..release import Content, UnknownPagesError, as_current, open_parquet, video_spans
from .file_bytes import FileBytes, opened_at

COLUMNS = ("video_id", *INDEX_COLUMNS, "annotated_frames", "objects", "masks")
"""The columns that a clip needs besides the video."""

OPEN_SHARDS = 64
CACHED_GROUPS = 10
"""Number of row groups whose annotations stay in memory; it is larger than the number mixed at a
time.
"""


@dataclass(frozen=True, slots=True)
class _Shard:
    """An open Parquet file. A local file is memory-mapped; of a remote file only needed bytes are
    fetched.
    """

    file: pq.ParquetFile
    data: Content


class ReleaseRows:
    """A sequence of rows as `datasets` yields them, with the columns that a clip needs.

    The video bytes of a local file are views of the mapped file.

    Args:
        paths: the Parquet shards, in order. A str is an fsspec address; only the bytes that a row
            needs are fetched from it.
        num_rows: the number of rows of each shard in the manifest; None: not compared.
        data: an identifier of the rows, for the states of clips.
        columns: the columns to read besides the video.

    Raises:
        ReleaseError: a shard is not a Parquet file, or has another number of rows. The message
            names the shard.
    """

    def __init__(
        self,
        paths: Sequence[Path | str],
        *,
        num_rows: Sequence[int] | None = None,
        data: str | None = None,
        columns: Sequence[str] = COLUMNS,
    ) -> None:
        self.paths = list(paths)
        self.data = data
        self._columns = list(columns)
        # (shard, row group, rows) of every row group of the release.
        self._groups: list[tuple[int, int, int]] = []
        for shard, path in enumerate(self.paths):
            with closing(
                _parquet(path, num_rows=None if num_rows is None else num_rows[shard])
            ) as file:
                metadata = file.metadata
            self._groups += [
                (shard, g, metadata.row_group(g).num_rows) for g in range(metadata.num_row_groups)
            ]
        self.group_sizes: list[int] = [rows for _, _, rows in self._groups]
        self._ends = np.asarray(list(accumulate(self.group_sizes)), dtype=np.int64)
        self._shards: OrderedDict[int, _Shard] = OrderedDict()
        self._tables: OrderedDict[int, tuple[pa.Table, npt.NDArray[np.int64] | None]] = (
            OrderedDict()
        )

    def __len__(self) -> int:
        return sum(self.group_sizes)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_shards": OrderedDict(), "_tables": OrderedDict()}

    def __getitem__(self, number: int) -> dict[str, Any]:
        group, within = self._find(number)
        table, spans = self._table(group)
        row: dict[str, Any] = table.slice(within, 1).to_pylist()[0]
        row["video"] = {"bytes": self._video(group, within, spans), "path": None}
        return row

    def where(self, number: int) -> str:
        """The path of a row's shard, for messages."""
        return (
            str(self.paths[self._groups[self._find(number)[0]][0]])
            .replace("\\", "/")
            .rpartition("/")[2]
        )

    def video_frames(self) -> Int64Array:
        """int64[N]: the column num_frames."""
        columns = []
        for path in self.paths:
            with closing(_parquet(path)) as file:
                columns.append(file.read(columns=["num_frames"])["num_frames"].to_numpy())
        return np.concatenate([np.zeros(0, np.int64), *columns]).astype(np.int64)

    def _find(self, number: int) -> tuple[int, int]:
        group = int(np.searchsorted(self._ends, number, side="right"))
        return group, number - int(self._ends[group]) + self.group_sizes[group]

    def _table(self, group: int) -> tuple[pa.Table, npt.NDArray[np.int64] | None]:
        """The annotations of a row group, and the positions of its videos in the file.

        The positions are None if only pyarrow can find the videos.
        """
        if group in self._tables:
            self._tables.move_to_end(group)
            return self._tables[group]
        number, in_shard, _ = self._groups[group]
        shard = self._shard(number)
        table = shard.file.read_row_group(in_shard, columns=self._columns, use_threads=False)
        table = as_current(table)
        try:
            spans = video_spans(shard.data, shard.file.metadata.row_group(in_shard))
        except UnknownPagesError:
            spans = None
        self._tables[group] = table, spans
        if len(self._tables) > CACHED_GROUPS:
            self._tables.popitem(last=False)
        return table, spans

    def _video(
        self, group: int, within: int, spans: npt.NDArray[np.int64] | None
    ) -> memoryview | bytes:
        number, in_shard, _ = self._groups[group]
        shard = self._shard(number)
        if spans is not None:
            start, length = spans[within].tolist()
            found: memoryview | bytes = shard.data[start : start + length]
            return found
        table = shard.file.read_row_group(in_shard, columns=["video.bytes"], use_threads=False)
        content: bytes = table["video"][within]["bytes"].as_py()
        return content

    def _shard(self, number: int) -> _Shard:
        if number in self._shards:
            self._shards.move_to_end(number)
            return self._shards[number]
        path = self.paths[number]
        shard = _Shard(_parquet(path), _content(path))
        self._shards[number] = shard
        if len(self._shards) > OPEN_SHARDS:
            self._shards.popitem(last=False)
        return shard


def _parquet(path: Path | str, *, num_rows: int | None = None) -> pq.ParquetFile:
    if isinstance(path, Path):
        return open_parquet(str(path), num_rows=num_rows)
    return open_parquet(opened_at(path), name=path, num_rows=num_rows)


def _content(path: Path | str) -> Content:
    if not isinstance(path, Path):
        return FileBytes(opened_at(path))
    with path.open("rb") as file:
        # Closed when the last row that uses it is gone.
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
