"""Rows of a release, and whether those of another are the same."""

from pathlib import Path

import pyarrow as pa

import brokenvideos

READ_AS = {"ytvis": "coco"}
"""The layout of `build` that reads an export, where it has another name."""


def rows_of(release: Path) -> dict[str, tuple[str, dict]]:
    """(split, row) by video_id."""
    found = {}
    for path in sorted((release / "data").iterdir()):
        rows = pa.concat_tables(brokenvideos.release.read_parquet(str(path))).to_pylist()
        found |= {row["video_id"]: (path.name.partition("-")[0], row) for row in rows}
    return found


def assert_same(before: Path, after: Path, *, layout: str) -> None:
    """Compares everything but `source.layout`, which is `layout` afterwards."""
    old, new = rows_of(before), rows_of(after)
    assert old.keys() == new.keys()
    for video_id, (split, row) in old.items():
        again_split, again = new[video_id]
        assert again_split == split
        assert again["source"]["layout"] == READ_AS.get(layout, layout)
        again["source"] |= {"layout": row["source"]["layout"]}
        if layout == "sav":
            again["source"] |= {"annotator": row["source"]["annotator"]}
        assert again == row
