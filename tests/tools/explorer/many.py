"""A release of many videos that repeats the rows of a small one under other ids, written at
once.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from brokenvideos.release import read_manifest, read_parquet, shard_paths

ROWS_PER_GROUP = 50


def with_a_cut_shard(release: Path, out: Path, *, size: int) -> tuple[Path, dict[str, Any]]:
    """Copies a release to `out` and leaves `size` bytes of a shard of train; that file, and the
    shard of the manifest.
    """
    shutil.copytree(release, out)
    shard = next(shard for shard in read_manifest(str(out))["shards"] if shard["split"] == "train")
    path = out / shard_paths("train", shard["index"], shard["num_shards"])["default"]
    path.write_bytes(path.read_bytes()[:size])
    return path, shard


def write_many(release: Path, out: Path, *, videos: int) -> Path:
    """The folder `out`, a release of one shard in train; it has no tar and no checksums, which
    nobody asks for who only looks.

    The i-th video is called many_{i:05d} and is the i-th row of `release`, over and over.
    """
    manifest = read_manifest(str(release))
    paths = shard_paths("train", 0, 1)
    tables: dict[str, pa.Table] = {}
    for kind in ("default", "annotations"):
        parts = []
        for shard in manifest["shards"]:
            file = release / shard_paths(shard["split"], shard["index"], shard["num_shards"])[kind]
            parts += list(read_parquet(str(file)))
        tables[kind] = pa.concat_tables(parts)
    ids = [f"many_{number:05d}" for number in range(videos)]
    files: list[dict[str, Any]] = []
    for kind, table in tables.items():
        path = out / paths[kind]
        path.parent.mkdir(parents=True, exist_ok=True)
        group = ROWS_PER_GROUP if kind == "default" else 1000
        is_video = {"video.bytes": "none"} if kind == "default" else {}
        leaves = dict.fromkeys(_leaves(table.schema), "zstd") | is_video
        encoding = {"column_encoding": {"video.bytes": "PLAIN"}} if kind == "default" else {}
        dictionaries = [name for name in leaves if name != "video.bytes"]
        with pq.ParquetWriter(
            path,
            table.schema,
            compression=leaves,
            use_dictionary=dictionaries,
            write_page_index=True,
            **encoding,
        ) as writer:
            for rows in _repeated(table, ids, group):
                writer.write_table(rows, row_group_size=group)
        files.append(
            {"path": paths[kind], "sha256": "0" * 64, "bytes": path.stat().st_size, "rows": videos}
        )
    facts = list(manifest["videos"].values())
    manifest["shards"] = [
        {"split": "train", "index": 0, "num_shards": 1, "video_ids": ids, "files": files}
    ]
    manifest["videos"] = {
        video_id: facts[number % len(facts)] for number, video_id in enumerate(ids)
    }
    (out / "manifest.json").write_text(json.dumps(manifest))
    return out


def _repeated(table: pa.Table, ids: list[str], group: int) -> Iterator[pa.Table]:
    for first in range(0, len(ids), group):
        named = ids[first : first + group]
        rows = table.take([number % table.num_rows for number in range(first, first + len(named))])
        yield rows.set_column(
            rows.schema.get_field_index("video_id"), "video_id", pa.array(named, pa.string())
        )


def _leaves(schema: pa.Schema) -> list[str]:
    """The paths of a schema's leaf columns, as Parquet calls them."""
    sink = pa.BufferOutputStream()
    pq.write_table(schema.empty_table(), sink)
    described = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
    return [described.column(number).path for number in range(len(described))]
