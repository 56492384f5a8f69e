"""A file elsewhere, of which only the bytes that are asked for are fetched."""

from typing import IO, Any

import fsspec
from fsspec.caching import BaseCache

AHEAD_BYTES = 4096
"""What is fetched at once where less is asked for: headers of pages are read byte by byte."""


def opened_at(address: str) -> IO[bytes]:
    """The file at an address that fsspec knows (hf://, https://), open to read; what is asked for is fetched, and no more.

    Raises:
        OSError: nothing there.
    """
    opened: Any = fsspec.open(address, "rb").open()
    # A readahead of 5 MiB would fetch much that nobody asks for.
    opened.cache = BaseCache(opened.blocksize, opened._fetch_range, opened.size)
    file: IO[bytes] = opened
    return file


class FileBytes:
    """The bytes of an open file by their place, as those of a memoryview; a small piece around the last place is kept."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._start = 0
        self._kept = b""

    def __getitem__(self, place: int | slice, /) -> Any:
        """One byte as a number, or the bytes of a slice with both ends and no step; fewer where the file ends."""
        if isinstance(place, slice):
            return self._read(place.start, place.stop - place.start)
        return self._read(place, 1)[0]

    def _read(self, start: int, length: int) -> bytes:
        at = start - self._start
        if at >= 0 and at + length <= len(self._kept):
            return self._kept[at : at + length]
        self._file.seek(start)
        found = self._file.read(max(length, AHEAD_BYTES))
        if length <= AHEAD_BYTES:
            self._start, self._kept = start, found
        return found[:length]
