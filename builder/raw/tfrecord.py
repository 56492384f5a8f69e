"""TFRecord files of tf.train.Example, read without TensorFlow.

Source: https://www.tensorflow.org/tutorials/load_data/tfrecord ("TFRecords format details"),
tensorflow/core/example/feature.proto, https://protobuf.dev/programming-guides/encoding.
"""

import io
import struct
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from .video import RawError

MAX_RECORD_BYTES = 2**26

_BYTES, _FLOATS, _INTS = 1, 2, 3
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5

Feature = tuple[bytes | float, ...]


def record_spans(path: Path) -> Iterator[tuple[int, int]]:
    """(offset, bytes) of the content of every record. Only the lengths are checked.

    Raises:
        RawError: not a TFRecord file, or one that is cut off. The message has no path; the caller
            adds it.
    """
    try:
        with path.open("rb") as file:
            end = file.seek(0, io.SEEK_END)
            at = 0
            while at < end:
                file.seek(at)
                header = file.read(12)
                if len(header) < 12 or _masked_crc(header[:8]) != int.from_bytes(
                    header[8:], "little"
                ):
                    raise RawError(
                        f"no record at byte {at}; wanted an uncompressed TFRecord file: download "
                        "it again"
                    )
                length = int.from_bytes(header[:8], "little")
                if length > MAX_RECORD_BYTES:
                    raise RawError(
                        f"the record at byte {at} has {length} bytes, at most {MAX_RECORD_BYTES} "
                        "are read"
                    )
                if at + 12 + length + 4 > end:
                    raise RawError(f"the record at byte {at} is cut off; download the file again")
                yield at + 12, length
                at += 12 + length + 4
    except OSError as error:
        raise RawError(f"cannot be read ({error.strerror})") from error


def peek_record(path: Path, offset: int, length: int) -> bytes:
    """The content of one record, without a check of its checksum (in Python it would take a second
    for every few MB).

    Raises:
        RawError: it cannot be read; without the path.
    """
    return _content(path, offset, length)


def read_record(path: Path, offset: int, length: int) -> bytes:
    """The content of one record, checked.

    Raises:
        RawError: it cannot be read or its checksum differs; without the path.
    """
    content = _content(path, offset, length + 4)
    if len(content) < length + 4 or _masked_crc(content[:length]) != int.from_bytes(
        content[length:], "little"
    ):
        raise RawError(f"the record at byte {offset - 12} is damaged; download the file again")
    return content[:length]


def _content(path: Path, offset: int, length: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)
    except OSError as error:
        raise RawError(f"cannot be read ({error.strerror})") from error


def parse_example(record: bytes) -> Mapping[str, Feature]:
    """Features of a tf.train.Example by name: byte strings, floats or whole numbers (from
    protobuf's unsigned form).

    Raises:
        RawError: the record is not such a message.
    """
    features: dict[str, Feature] = {}
    try:
        for map_bytes in _parts(record, 1):
            for entry in _parts(map_bytes, 1):
                names, values = list(_parts(entry, 1)), list(_parts(entry, 2))
                if names and values:
                    features[names[-1].decode()] = _values(values[-1])
    except (IndexError, UnicodeDecodeError, struct.error) as error:
        raise RawError("a record is not a tf.train.Example; download the file again") from error
    return features


def _values(feature: bytes) -> Feature:
    values: list[bytes | float] = []
    for kind, _, content in _fields(feature):
        if not isinstance(content, bytes):
            raise IndexError
        for _, wire, value in _fields(content):
            if kind == _BYTES:
                values.append(_as_bytes(value))
            elif kind == _FLOATS:  # packed or not
                data = _as_bytes(value)
                values += struct.unpack(f"<{len(data) // 4}f", data)
            elif kind == _INTS and wire == _LENGTH:
                at, data = 0, _as_bytes(value)
                while at < len(data):
                    number, at = _varint(data, at)
                    values.append(number)
            elif kind == _INTS and isinstance(value, int):
                values.append(value)
    return tuple(values)


def _parts(message: bytes, field_number: int) -> Iterator[bytes]:
    for number, _, value in _fields(message):
        if number == field_number:
            yield _as_bytes(value)


def _as_bytes(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise IndexError
    return value


def _fields(message: bytes) -> Iterator[tuple[int, int, bytes | int]]:
    """Yields (number, wire type, content) of every field.

    Raises:
        IndexError: the message ends early, or has groups.
    """
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        wire = tag & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield tag >> 3, wire, value
            continue
        sizes = {_FIXED64: 8, _FIXED32: 4}
        size, at = (
            _varint(message, at) if wire == _LENGTH else (sizes.get(wire, len(message) + 1), at)
        )
        if at + size > len(message):
            raise IndexError
        yield tag >> 3, wire, message[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, and the offset after it."""
    number = 0
    for place in range(10):
        byte = data[at + place]
        number |= (byte & 127) << (7 * place)
        if byte < 128:
            return number, at + place + 1
    raise IndexError


@cache
def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


def _masked_crc(data: bytes) -> int:
    """CRC-32C as TFRecord stores it: rotated by 15 bits, plus a constant, so that data with
    checksums in it is safe to check.
    """
    table, value = _crc_table(), 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 255] ^ value >> 8
    value ^= 0xFFFFFFFF
    return ((value >> 15 | value << 17) + 0xA282EAD8) & 0xFFFFFFFF
