"""The bytes of a video file, read only where they are needed, so that a long file takes no
memory.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar, overload

Held = TypeVar("Held", bytes, memoryview)


class FileBytes:
    """An open file that can be indexed and sliced like a `bytes` object."""

    __slots__ = ("_file", "_length")

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._length = file.seek(0, os.SEEK_END)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: "slice[int | None, int | None, None]") -> bytes: ...
    def __getitem__(self, at: "int | slice[int | None, int | None, None]") -> int | bytes:
        start, stop, _ = (slice(at, at + 1) if isinstance(at, int) else at).indices(self._length)
        self._file.seek(start)
        content = self._file.read(max(0, stop - start))
        return content[0] if isinstance(at, int) else content


@contextmanager
def opened_bytes(video: Held | Path) -> Iterator[Held | FileBytes]:
    """The given bytes, or the bytes of the file, which is open inside the block.

    Raises:
        OSError: the path cannot be read.
    """
    if isinstance(video, Path):
        with video.open("rb") as file:
            yield FileBytes(file)
    else:
        yield video
