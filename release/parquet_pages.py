"""Finds the position of each value of an uncompressed PLAIN column in a Parquet file, from its page
headers.

pyarrow reads whole row groups, but a clip needs one video of one row, or part of it. Source:
github.com/apache/parquet-format (README, "Data Pages"; Encodings.md, PLAIN and RLE), and the
Thrift compact protocol, in which page headers are written.
"""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

# Field ids of PageHeader and DataPageHeader in parquet.thrift, and the values that this code reads.
_TYPE, _COMPRESSED_SIZE, _DATA_PAGE_HEADER = 1, 3, 5
_NUM_VALUES, _ENCODING = 1, 2
_DATA_PAGE, _PLAIN = 0, 0


class Content(Protocol):
    """The bytes of a file by offset: a memoryview, or an object that fetches only requested
    bytes.
    """

    def __getitem__(self, place: Any, /) -> Any: ...


class UnknownPagesError(Exception):
    """The column is stored in a way that this code does not read; pyarrow may read it."""


def video_spans(data: Content, row_group: Any) -> npt.NDArray[np.int64]:
    """int64[N, 2]: offset in the file and length in bytes of every video of a row group.

    Args:
        data: the whole file.
        row_group: pyarrow's RowGroupMetaData.

    Raises:
        UnknownPagesError: no videos, or as `byte_array_spans`.
    """
    for number in range(row_group.num_columns):
        if row_group.column(number).path_in_schema == "video.bytes":
            return byte_array_spans(data, row_group.column(number))
    raise UnknownPagesError


def byte_array_spans(data: Content, column: Any) -> npt.NDArray[np.int64]:
    """int64[N, 2]: offset in the file and length in bytes of every value of one column chunk; the
    values stay unread.

    Args:
        data: the whole file.
        column: pyarrow's ColumnChunkMetaData: an optional byte array inside an optional struct,
            without nulls.

    Raises:
        UnknownPagesError: compressed, dictionary encoded, null values, or pages of another version.
    """
    plain = set(column.encodings) <= {"PLAIN", "RLE"} and column.compression == "UNCOMPRESSED"
    if not plain or column.physical_type != "BYTE_ARRAY" or column.has_dictionary_page:
        raise UnknownPagesError
    spans: list[tuple[int, int]] = []
    at = column.data_page_offset
    try:
        while len(spans) < column.num_values:
            header, at = _read_struct(data, at)
            if header[_TYPE] != _DATA_PAGE or header[_DATA_PAGE_HEADER][_ENCODING] != _PLAIN:
                raise UnknownPagesError
            stop = at + header[_COMPRESSED_SIZE]
            spans += _page_spans(data, at, stop, header[_DATA_PAGE_HEADER][_NUM_VALUES])
            at = stop
    except (KeyError, IndexError) as error:
        raise UnknownPagesError from error
    return np.asarray(spans, dtype=np.int64).reshape(-1, 2)


def _page_spans(data: Content, at: int, stop: int, count: int) -> Iterator[tuple[int, int]]:
    levels_bytes = _u32(data, at)
    at += 4
    if not _all_defined(data[at : at + levels_bytes], count):
        raise UnknownPagesError
    at += levels_bytes
    for _ in range(count):
        length = _u32(data, at)
        at += 4
        yield at, length
        at += length
    if at != stop:
        raise UnknownPagesError


def _u32(data: Content, at: int) -> int:
    prefix = data[at : at + 4]
    if len(prefix) < 4:
        raise IndexError(at)
    return int.from_bytes(prefix, "little")


def _all_defined(levels: Content, count: int) -> bool:
    """Whether the first `count` definition levels, two bits each in Parquet's RLE and bit-packing
    hybrid, are 2.
    """
    at = seen = 0
    while seen < count:
        header, at = _varint(levels, at)
        if header & 1:
            packed = int.from_bytes(levels[at : at + (header >> 1) * 2], "little")
            number = min((header >> 1) * 8, count - seen)
            if any(packed >> 2 * bit & 3 != 2 for bit in range(number)):
                return False
            at += (header >> 1) * 2
        else:
            if levels[at] != 2:
                return False
            number = header >> 1
            at += 1
        seen += number
    return True


def _varint(data: Content, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def _read_struct(data: Content, at: int) -> tuple[dict[int, Any], int]:
    """A Thrift compact struct as {field id: value}, and the offset after it."""
    fields: dict[int, Any] = {}
    field_id = 0
    while kind := data[at]:
        at += 1
        if kind >> 4:
            field_id += kind >> 4
        else:
            number, at = _varint(data, at)
            field_id = number >> 1 ^ -(number & 1)
        fields[field_id], at = _read_value(data, at, kind & 15)
    return fields, at + 1


def _read_value(data: Content, at: int, kind: int) -> tuple[Any, int]:
    if kind in (1, 2):  # a boolean is its own type
        return kind == 1, at
    if kind == 3:
        return data[at], at + 1
    if kind in (4, 5, 6):  # zigzag integers
        number, at = _varint(data, at)
        return number >> 1 ^ -(number & 1), at
    if kind == 8:
        length, at = _varint(data, at)
        return bytes(data[at : at + length]), at + length
    if kind == 12:
        return _read_struct(data, at)
    raise UnknownPagesError
