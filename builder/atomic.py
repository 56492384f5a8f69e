"""Files that are whole or absent: written beside, hashed on the way, flushed to disk, renamed."""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class HashingFile(io.RawIOBase):
    """A file open for writing that knows the SHA-256 and the number of the bytes written to it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._sha256 = hashlib.sha256()
        self.bytes_written = 0

    def writable(self) -> bool:
        return True

    def write(self, chunk: object) -> int:
        view = memoryview(chunk).cast("B")  # type: ignore[arg-type]
        self._sha256.update(view)
        self.bytes_written += len(view)
        return self._file.write(view)

    def tell(self) -> int:
        return self.bytes_written

    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def close(self) -> None:
        if not self.closed:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        super().close()


@contextmanager
def atomic_file(path: Path) -> Iterator[HashingFile]:
    """Opens `path` for writing; it appears under its name when the block ends without an error, and not at all otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with HashingFile(partial) as file:
            yield file
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)


def write_atomic(path: Path, content: bytes) -> None:
    """Writes a small file whole."""
    with atomic_file(path) as file:
        file.write(content)


def sync_folder(folder: Path) -> None:
    """Makes renames inside a folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
