"""Checks that a file is as long as it says itself, because an interrupted download often still
plays.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from .file_bytes import FileBytes


def missing_end(data: bytes | FileBytes) -> str | None:
    """What a cut-off file lacks, as text for a message; None if nothing is missing, or the file
    states no lengths.

    MP4 and QuickTime (also fragmented), Matroska and WebM, and AVI state the lengths of their
    parts. A cut exactly between two parts cannot be seen if the file has no list of its parts.
    """
    if data[:4] == _EBML:
        return _matroska_end(data)
    if data[:4] == b"RIFF":
        return _avi_end(data)
    if data[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp", b"pnot"):
        return _mp4_end(data)
    return None


# --- MP4, QuickTime (ISO/IEC 14496-12, 4.2 and 8.16.3) --------------------------------------------

_NEEDED_BOXES = (b"mdat", b"moov", b"moof")


def _mp4_end(data: bytes | FileBytes) -> str | None:
    position, is_fragmented = 0, False
    while position + 8 <= len(data):
        size, kind = (
            int.from_bytes(data[position : position + 4]),
            data[position + 4 : position + 8],
        )
        header = 8
        if size == 1:
            size, header = int.from_bytes(data[position + 8 : position + 16]), 16
        if size < header:  # 0: up to the end of the file; else no box
            return None
        end = position + size
        if end > len(data):
            return f"its {kind.decode()} box ends at byte {end}" if kind in _NEEDED_BOXES else None
        if kind == b"sidx" and (
            listed := end + _segments_bytes(data[position + header : end])
        ) > len(data):
            return f"its segment index lists segments up to byte {listed}"
        is_fragmented = is_fragmented or kind == b"moof"
        position = end
    return f"a box begins at byte {position}" if is_fragmented and position < len(data) else None


def _segments_bytes(sidx: bytes) -> int:
    """Bytes from the end of a segment index to the end of the last segment that it lists."""
    wide = bool(sidx) and sidx[0] > 0
    at = 20 if wide else 16
    if len(sidx) < at + (12 if wide else 8):
        return 0
    first = int.from_bytes(sidx[at : at + (8 if wide else 4)])
    at += 8 if wide else 4
    sizes = sidx[at + 4 : at + 4 + 12 * int.from_bytes(sidx[at + 2 : at + 4])]
    return first + sum(
        int(size) & 0x7FFFFFFF
        for size, _, _ in struct.iter_unpack(">III", sizes[: len(sizes) // 12 * 12])
    )


# --- AVI (RIFF) -----------------------------------------------------------------------------------

_UNKNOWN_RIFF_SIZES = (0, 0xFFFFFFFF)


def _avi_end(data: bytes | FileBytes) -> str | None:
    """What is cut off from the lists of frames; None if nothing is. An index after them is not
    needed and may be cut off.
    """
    position = 0
    while data[position : position + 4] == b"RIFF":
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        known = size not in _UNKNOWN_RIFF_SIZES
        for kind, start, end in _chunks(
            data, position + 12, position + 8 + size if known else len(data)
        ):
            if kind != b"LIST" or data[start : start + 4] != b"movi":
                continue
            if end - start not in _UNKNOWN_RIFF_SIZES and end > len(data):
                return f"its list of frames ends at byte {end}"
        if not known:
            return None
        position += 8 + size + size % 2
    return None


def _chunks(data: bytes | FileBytes, position: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, first byte of the content, first byte after it)."""
    while position + 8 <= min(stop, len(data)):
        size = int.from_bytes(data[position + 4 : position + 8], "little")
        yield data[position : position + 4], position + 8, position + 8 + size
        position += 8 + size + size % 2


# --- Matroska, WebM (RFC 8794, RFC 9559) ----------------------------------------------------------

_EBML, _SEGMENT, _INFO, _CLUSTER = (
    bytes.fromhex(each) for each in ("1A45DFA3", "18538067", "1549A966", "1F43B675")
)
_TIMESTAMP_SCALE, _DURATION = bytes.fromhex("2AD7B1"), bytes.fromhex("4489")
_CLUSTER_TIME, _SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK = b"\xe7", b"\xa3", b"\xa0", b"\xa1"
_OTHERS = ("114D9B74", "1654AE6B", "1C53BB6B", "1941A469", "1043A770", "1254C367")
_LEVEL_1 = {_INFO, _CLUSTER, *map(bytes.fromhex, _OTHERS)}


class _CutOffError(Exception):
    """An element that is not complete; the message names it."""


@dataclass(slots=True)
class _Times:
    """The times of blocks and the stated duration of the file, both in units of its timestamp
    scale.
    """

    duration: float = 0.0
    scale_ns: int = 1_000_000
    blocks: list[int] = field(default_factory=list)


def _matroska_end(data: bytes | FileBytes) -> str | None:
    times = _Times()
    try:
        kind, start, end = _element(data, 0)
        while kind != _SEGMENT:
            if end is None or end >= len(data):
                return "its segment is missing"
            kind, start, end = _element(data, end)
        if end is not None and end > len(data):
            return f"its segment ends at byte {end}"
        _walk(data, start, end, times)
    except _CutOffError as error:
        return str(error)
    return _time_missing(times) if end is None else None


def _element(data: bytes | FileBytes, position: int) -> tuple[bytes, int, int | None]:
    """(ID, first byte of the content, first byte after it); the last is None if the size is
    unknown.

    Raises:
        _CutOffError: there is no complete element header here.
    """
    id_bytes, size_bytes = 0, 0
    if position < len(data):
        id_bytes = 9 - data[position].bit_length()
    if 1 <= id_bytes <= 4 and position + id_bytes < len(data):
        size_bytes = 9 - data[position + id_bytes].bit_length()
    start = position + id_bytes + size_bytes
    if not 1 <= size_bytes <= 8 or start > len(data):
        raise _CutOffError(f"its next element, at byte {position}, is missing")
    size = int.from_bytes(data[position + id_bytes : start]) & ((1 << 7 * size_bytes) - 1)
    unknown = size == (1 << 7 * size_bytes) - 1
    return data[position : position + id_bytes], start, None if unknown else start + size


def _walk(data: bytes | FileBytes, position: int, stop: int | None, times: _Times) -> None:
    """Checks every element of a segment.

    Raises:
        _CutOffError: an element is not complete.
    """
    stop = len(data) if stop is None else stop
    while position < stop:
        kind, start, end = _element(data, position)
        if end is not None and end > len(data):
            raise _CutOffError(f"its element at byte {position} ends at byte {end}")
        if kind == _INFO and end is not None:
            _read_info(data, start, end, times)
        if kind == _CLUSTER:
            end = _cluster(data, start, end, times)
        position = stop if end is None else end


def _cluster(data: bytes | FileBytes, position: int, stop: int | None, times: _Times) -> int:
    """The end of a cluster: by its size, or at the next element of a higher level if its size is
    unknown.
    """
    time = 0
    while position < (len(data) if stop is None else stop):
        kind, start, end = _element(data, position)
        if stop is None and kind in _LEVEL_1:
            break
        if end is None or end > len(data):
            raise _CutOffError(f"its element at byte {position} ends at byte {end}")
        if kind == _CLUSTER_TIME:
            time = int.from_bytes(data[start:end])
        elif kind == _SIMPLE_BLOCK:
            times.blocks.append(time + _block_time(data, start))
        elif kind == _BLOCK_GROUP and data[start : start + 1] == _BLOCK:
            times.blocks.append(time + _block_time(data, _element(data, start)[1]))
        position = end
    return position


def _block_time(data: bytes | FileBytes, start: int) -> int:
    """The time of a block relative to its cluster, which is stored after the track number."""
    track_bytes = max(1, 9 - data[start].bit_length())
    return int.from_bytes(data[start + track_bytes : start + track_bytes + 2], signed=True)


def _read_info(data: bytes | FileBytes, position: int, stop: int, times: _Times) -> None:
    while position < stop:
        kind, start, end = _element(data, position)
        if end is None:
            return
        if kind == _TIMESTAMP_SCALE:
            times.scale_ns = int.from_bytes(data[start:end]) or times.scale_ns
        elif kind == _DURATION and end - start in (4, 8):
            times.duration = float(
                struct.unpack(">f" if end - start == 4 else ">d", data[start:end])[0]
            )
        position = end


def _time_missing(times: _Times) -> str | None:
    """What is missing from a file whose segment has no size, as text; None if nothing is.

    Something is missing if the last block is more than two of the longest steps before the stated
    duration.
    """
    blocks = sorted(times.blocks)
    if not blocks or not times.duration:
        return None
    longest = max((later - before for before, later in pairwise(blocks)), default=0)
    seconds = times.scale_ns / 1e9
    if times.duration - blocks[-1] <= 2 * max(longest, 0.1 / seconds):
        return None
    return (
        f"it says that it lasts {times.duration * seconds:.2f} s, its last frame begins at "
        f"{blocks[-1] * seconds:.2f} s"
    )
