"""Converts rows of earlier formats of a release to the current one.

Format 2 differs from format 1 in four places. `codec.extradata` is text in base64, because bytes
break `to_json` of pandas, datasets and Polars, and the json module. `objects.subtype` and
`source.record` are new. An artifact type may be null: not given.
"""

import base64
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

READABLE_FORMATS = (1, 2)
"""The formats that this code reads. It writes the last one."""

NEW_IN_2 = {"objects": "subtype", "source": "record"}
"""Fields that format 1 does not have, by column."""


def as_current(table: pa.Table) -> pa.Table:
    """Rows of any readable format in the current format. Rows of the current format are returned as
    they are, without a copy.

    Args:
        table: any columns of a row, as a shard holds them.
    """
    for number, name in enumerate(table.column_names):
        column = table.column(number)
        if name == "codec" and column.type.field("extradata").type == pa.binary():
            table = table.set_column(number, name, _mapped(column, {"extradata": _text}))
        elif name == "objects" and column.type.get_field_index("subtype") < 0:
            table = table.set_column(number, name, _mapped(column, {"subtype": _unknown_subtypes}))
        elif name == "source" and column.type.get_field_index("record") < 0:
            table = table.set_column(number, name, _mapped(column, {"record": _no_record}))
    return table


def _mapped(column: pa.ChunkedArray, changes: Mapping[str, Any]) -> pa.ChunkedArray:
    """The structs of a column with some fields replaced; each new field is made from all
    structs.
    """
    structs = column.combine_chunks()
    if isinstance(structs, pa.ChunkedArray):
        structs = (
            pa.concat_arrays(structs.chunks) if structs.num_chunks else pa.array([], structs.type)
        )
    fields = {field.name: structs.field(field.name) for field in structs.type}
    fields |= {name: make(structs) for name, make in changes.items()}
    return pa.chunked_array(
        [
            pa.StructArray.from_arrays(
                list(fields.values()), names=list(fields), mask=structs.is_null()
            )
        ]
    )


def _text(codecs: pa.StructArray) -> pa.Array:
    data = codecs.field("extradata").to_pylist()
    return pa.array(
        [None if entry is None else base64.b64encode(entry).decode() for entry in data], pa.string()
    )


def _unknown_subtypes(objects: pa.StructArray) -> pa.Array:
    ids = objects.field("object_id").to_pylist()
    return pa.array(
        [None if entry is None else [None] * len(entry) for entry in ids], pa.list_(pa.string())
    )


def _no_record(sources: pa.StructArray) -> pa.Array:
    return pa.nulls(len(sources), pa.string())
