"""Reads a remote file in parts: only the requested bytes are fetched."""

from typing import IO, Any

import fsspec
from fsspec.caching import BaseCache

AHEAD_BYTES = 4096
"""The smallest number of bytes per request, because page headers are read byte by byte."""


def opened_at(address: str) -> IO[bytes]:
    """Opens the file at an fsspec address (hf://, https://) for reading. Only requested bytes are
    fetched.

    Raises:
        OSError: there is no file at this address.
    """
    opened: Any = fsspec.open(address, "rb").open()
    # The usual readahead of 5 MiB would fetch many bytes that are not needed.
    opened.cache = BaseCache(opened.blocksize, opened._fetch_range, opened.size)
    file: IO[bytes] = opened
    return file


class FileBytes:
    """The bytes of an open file by offset, like a memoryview. The part that was read last is
    kept.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._start = 0
        self._kept = b""

    def __getitem__(self, place: int | slice, /) -> Any:
        """One byte as an int, or the bytes of a slice; fewer bytes at the end of the file.

        A slice needs both ends and no step.
        """
        if isinstance(place, slice):
            return self._read(place.start, place.stop - place.start)
        return self._read(place, 1)[0]

    def _read(self, start: int, length: int) -> bytes:
        at = start - self._start
        if at >= 0 and at + length <= len(self._kept):
            return self._kept[at : at + length]
        self._file.seek(start)
        content = self._file.read(max(length, AHEAD_BYTES))
        if length <= AHEAD_BYTES:
            self._start, self._kept = start, content
        return content[:length]
