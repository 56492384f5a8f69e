"""Converts one row to a dict, from any format that `datasets` gives."""

from collections.abc import Mapping
from typing import Any

from .arrays import MaskError

_NEEDED = ("height", "width", "num_frames", "objects", "masks")


def row_as_dict(row: Any) -> Mapping[str, Any]:
    """A row in the formats "pandas", "arrow" and "polars" (a table of one row) as a dict; a dict is
    returned unchanged.

    Raises:
        MaskError: the value is not a row, or is a table with another number of rows.
    """
    library = type(row).__module__.partition(".")[0]
    if library == "pandas" and hasattr(row, "iloc"):
        rows = [row.to_dict()] if row.ndim == 1 else row.to_dict("records")
    elif library == "pyarrow" and hasattr(row, "to_pylist"):
        rows = row.to_pylist()
    elif library == "polars" and hasattr(row, "to_dicts"):
        rows = row.to_dicts()
    else:
        rows = [row]
    if len(rows) != 1 or not isinstance(rows[0], Mapping):
        what = f"a table of {len(rows)} rows" if len(rows) != 1 else type(row).__name__
        raise MaskError(
            f"the row is {what}, wanted one row. Give a single row as the dataset yields it."
        )
    one: Mapping[str, Any] = rows[0]
    return one


def row_with_masks(row: Any) -> Mapping[str, Any]:
    """The row as `row_as_dict` gives it, after a check that it has the columns that masks need.

    Raises:
        MaskError: as `row_as_dict`; a row without these columns, or a batch of rows.
    """
    fields = row_as_dict(row)
    if missing := [column for column in _NEEDED if column not in fields]:
        raise MaskError(
            f"the row lacks the columns {', '.join(missing)}. Leave columns= out, or name these "
            "too."
        )
    if isinstance(fields["num_frames"], list | tuple) or getattr(
        fields["num_frames"], "ndim", None
    ):
        raise MaskError("the row is a batch: its num_frames has several values. Give a single row.")
    return fields
