"""Parquet with a row for each mask: video_id, frame_index, counts, and optionally score and
object_id.

Several files are read as one.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from .....builder.raw import Problem, shown
from ..entries import Entries
from ..form import Format, Predictions, Reading
from ..place import Place
from ..rle import BadValueError, Rle, frame_of, object_of, score_of

_COLUMNS = ("video_id", "frame_index", "counts", "score")


def detect(place: Place) -> Sequence[Path]:
    """Parquet files."""
    return place.with_suffix(".parquet")


def read(place: Place, files: Sequence[Path], reading: Reading) -> Predictions:
    """The masks of all rows."""
    entries = Entries(place.path, FORMAT.name)
    for file in files:
        row_number = 0
        try:
            fault, columns = _columns(file)
            if fault:
                entries.problems.append(Problem(str(file), fault))
                entries.hidden = True
                continue
            for row in _rows(file, columns):
                _add(f"{file} row {row_number}", row, entries)
                row_number += 1
        except (
            pa.ArrowException,
            OSError,
            ValueError,
        ) as error:  # ValueError: names and texts that are not UTF-8
            reason = " ".join(str(error).split())
            what = (
                f"not a Parquet file that can be read, from row {row_number} on ({reason}); "
                "write it again"
            )
            entries.problems.append(Problem(str(file), what))
            entries.hidden = True
    return entries.predictions()


def _columns(file: Path) -> tuple[str | None, Sequence[str]]:
    """The problem of a file's columns (None if there is none), and the columns that are read."""
    schema = pq.read_schema(file)
    absent = set(_COLUMNS[:3]) - set(schema.names)
    if absent:
        return f"has the columns {', '.join(schema.names)}, lacks {', '.join(sorted(absent))}", ()
    columns = [name for name in _COLUMNS if name in schema.names]
    if len(set(schema.names)) < len(schema.names):
        return f"has the columns {', '.join(schema.names)}; wanted each once", ()
    for name in columns:
        kind = schema.field(name).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        if not any(fits(kind) for fits in _KINDS[name]):
            return f"has the column {name} of type {kind}, wanted {_WANTED[name]}", ()
    return None, [*columns, *(["object_id"] if "object_id" in schema.names else [])]


_TEXT = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
_BYTES = (pa.types.is_binary, pa.types.is_large_binary)
_NUMBER = (pa.types.is_integer, pa.types.is_floating, pa.types.is_null)
_KINDS = {"video_id": _TEXT, "frame_index": _NUMBER, "counts": (*_TEXT, *_BYTES), "score": _NUMBER}
_WANTED = {
    "video_id": "text",
    "frame_index": "whole numbers",
    "counts": "COCO RLE strings",
    "score": "numbers",
}


def _rows(file: Path, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    with pq.ParquetFile(file) as parquet:
        for group in range(parquet.num_row_groups):
            yield from parquet.read_row_group(
                group, columns=list(columns), use_threads=False
            ).to_pylist()


def _add(where: str, row: Mapping[str, Any], entries: Entries) -> None:
    video_id, counts = row["video_id"], row["counts"]
    if isinstance(counts, bytes):
        counts = counts.decode("ascii", "replace")
    try:
        if not isinstance(video_id, str) or not isinstance(counts, str):
            raise BadValueError(
                f"video_id is {shown(video_id)}, counts {shown(counts)}; wanted text and a COCO "
                "RLE string"
            )
        mask = Rle(counts, None, score_of(row.get("score")), object_of(row.get("object_id")))
        entries.masks[video_id].setdefault(frame_of(row["frame_index"]), []).append(mask)
    except BadValueError as error:
        entries.problems.append(Problem(where, str(error)))
        entries.hidden = True


FORMAT = Format(
    name="parquet",
    what="a .parquet with video_id, frame_index, counts and maybe score and object_id",
    needs="",
    order=3,
    numbered=True,
    detect=detect,
    read=read,
)
