"""Reads of one Parquet shard: equal to pyarrow's, with the videos left in the file."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brokenvideos.release import read_parquet

ROWS = [
    {"video_id": f"v{n}", "video": {"bytes": bytes([n]) * 300_000, "path": f"v{n}.mp4"}}
    for n in range(5)
]
SCHEMA = pa.schema(
    {"video_id": pa.string(), "video": pa.struct({"bytes": pa.binary(), "path": pa.string()})}
)


def written(path, **more):
    plain = {"compression": "none", "use_dictionary": False, **more}
    pq.write_table(pa.Table.from_pylist(ROWS, SCHEMA), path, row_group_size=3, **plain)
    return str(path)


@pytest.mark.parametrize(
    "more",
    [{}, {"compression": "zstd"}, {"use_dictionary": True}],
    ids=["plain", "zstd", "dictionary"],
)
@pytest.mark.parametrize("columns", [None, ["video"], ["video_id"]])
def test_rows_are_those_that_pyarrow_reads(tmp_path, more, columns):
    file = written(tmp_path / "shard.parquet", **more)
    found = pa.concat_tables(read_parquet(file, columns=columns))
    assert found.equals(pq.read_table(file, columns=columns), check_metadata=True)


def test_videos_of_a_local_shard_are_not_copied(tmp_path):
    file = written(tmp_path / "shard.parquet")
    before = pa.total_allocated_bytes()
    tables = list(read_parquet(file))
    assert pa.total_allocated_bytes() - before < 100_000
    assert pa.concat_tables(tables).to_pylist() == ROWS


def test_chosen_rows_are_those_that_pyarrow_reads(tmp_path):
    file = written(tmp_path / "shard.parquet")
    tables = read_parquet(file, filters=[("video_id", "in", ["v1", "v4"])])
    assert pa.concat_tables(tables).to_pylist() == [ROWS[1], ROWS[4]]
