"""Writes one shard of a release: its Parquet, annotations Parquet and tar, byte for byte the same
on every run.
"""

import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from datasets.arrow_writer import get_parquet_column_options

from ..release import ANNOTATION_FEATURES, FEATURES, shard_paths
from .ingest import Ingested
from .plan import ShardPlan
from .raw import read_video
from .row_json import tar_json
from .work import atomic_file

ROW_GROUP_BYTES = 16 * 2**20  # Of video: the next video after this many starts a new row group.
MAX_ROW_GROUP_ROWS = 1000
ZSTD_LEVEL = 9


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One file of a release, as the manifest lists it."""

    path: str
    sha256: str
    bytes: int
    rows: int


def write_shard(plan: ShardPlan, release: Path) -> tuple[FileFacts, ...]:
    """Writes the files of one shard below `release`. Videos are read once, and one row group is in
    memory at a time.

    Raises:
        ValueError: a video's bytes have changed since it was ingested.
    """
    return write_rows(
        _rows(plan.videos), shard_paths(plan.split, plan.index, plan.num_shards), release
    )


def write_rows(
    rows: Iterable[dict[str, Any]],
    paths: Mapping[Literal["default", "annotations", "webdataset"], str],
    release: Path,
) -> tuple[FileFacts, ...]:
    """Writes rows, which come sorted by video_id, as the files of one shard: `paths`, as
    `shard_paths` gives them.
    """
    num_rows = 0
    with (
        atomic_file(release / paths["default"]) as parquet_file,
        atomic_file(release / paths["annotations"]) as annotations_file,
        atomic_file(release / paths["webdataset"]) as tar_file,
        _parquet_writer(parquet_file, FEATURES) as parquet,
        _parquet_writer(annotations_file, ANNOTATION_FEATURES) as annotations,
        # PAX is plain ustar except where an id is too long for ustar's 100 characters.
        tarfile.open(fileobj=tar_file, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        without_video = []
        for group in _row_groups(rows):
            num_rows += len(group)
            table = pa.Table.from_pylist(group, schema=parquet.schema)
            parquet.write_table(table, row_group_size=len(group))
            without_video.append(table.select(annotations.schema.names))
            for row in group:
                _add_to_tar(tar, row)
        if without_video:
            annotations.write_table(
                pa.concat_tables(without_video), row_group_size=MAX_ROW_GROUP_ROWS
            )
    files = (
        (paths["default"], parquet_file),
        (paths["annotations"], annotations_file),
        (paths["webdataset"], tar_file),
    )
    return tuple(
        FileFacts(path, file.sha256(), file.bytes_written, num_rows) for path, file in files
    )


def _rows(videos: Iterable[Ingested]) -> Iterator[dict[str, Any]]:
    for video in videos:
        data = read_video(video.video_path)
        if hashlib.sha256(data).hexdigest() != video.video_sha256:
            raise ValueError(
                f"{video.video_path}: changed while the release was built. Build again."
            )
        with pa.OSFile(str(video.row_path)) as source:
            (row,) = pa.ipc.open_file(source).read_all().to_pylist()
        row["video"] = {"bytes": data, "path": video.video_name}
        yield row


def _row_groups(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    group_bytes = 0
    for row in rows:
        row_bytes = len(row["video"]["bytes"])
        if group and (
            group_bytes + row_bytes > ROW_GROUP_BYTES or len(group) == MAX_ROW_GROUP_ROWS
        ):
            yield group
            group, group_bytes = [], 0
        group.append(row)
        group_bytes += row_bytes
    if group:
        yield group


def _parquet_writer(file: Any, features: datasets.Features) -> pq.ParquetWriter:
    schema = features.arrow_schema
    options = get_parquet_column_options(features, schema)
    zstd = {
        leaf: "zstd" if codec != "none" else "none"
        for leaf, codec in options["compression"].items()
    }
    return pq.ParquetWriter(
        file,
        schema,
        compression=zstd,
        compression_level={leaf: ZSTD_LEVEL for leaf, codec in zstd.items() if codec == "zstd"},
        use_dictionary=options["use_dictionary"],
        column_encoding=options["column_encoding"],
        write_page_index=True,
        version="2.6",
        store_schema=True,
    )


def _add_to_tar(tar: tarfile.TarFile, row: dict[str, Any]) -> None:
    for name, content in sorted(
        [(f"{row['video_id']}.json", tar_json(row)), (row["video"]["path"], row["video"]["bytes"])]
    ):
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o644
        with closing(io.BytesIO(content)) as source:
            tar.addfile(member, source)
