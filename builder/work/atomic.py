"""Writes files that are complete or absent: under a temporary name, hashed while writing, flushed
to disk, then renamed.
"""

import contextlib
import hashlib
import io
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class HashingFile(io.RawIOBase):
    """A file open for writing that computes the SHA-256 and the number of the written bytes."""

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
        if self.closed:
            return
        # A full disk may show only in the last flush. The file is closed anyway, and the error is
        # raised once.
        with contextlib.ExitStack() as stack:
            stack.callback(super().close)
            stack.callback(self._file.close)
            self._file.flush()
            os.fsync(self._file.fileno())


@contextmanager
def atomic_file(path: Path) -> Iterator[HashingFile]:
    """Opens `path` for writing. The file appears under its name only if the block ends without an
    error.

    Raises:
        OSError: the file cannot be written (no space, read-only); the error names `path`.
    """
    partial = partial_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with HashingFile(partial) as file:
            yield file
        partial.replace(path)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(partial)):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(path)) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextmanager
def naming(final: Path) -> Iterator[None]:
    """Adds the final path to an OSError: the error of a full disk names no file, or only the
    temporary one, which is gone.
    """
    try:
        yield
    except OSError as error:
        beside = str(final.with_name(f".{final.stem}."))
        if error.errno is None or not (
            error.filename is None or str(error.filename).startswith(beside)
        ):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(final)) from error


def write_atomic(path: Path, content: bytes) -> None:
    """Writes a small file, complete or not at all."""
    with atomic_file(path) as file:
        file.write(content)


def link_or_copy(source: Path, path: Path) -> None:
    """Makes a hard link to a file, or a copy if the file system has no hard links; replaces an
    existing file.

    Args:
        source: the file; for a symbolic link its target is used.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_name(path)
    try:
        try:
            # os.link would link the symbolic link itself, which may then be broken
            os.link(source.resolve(), partial)
        except OSError:  # another file system, or one without hard links
            with source.open("rb") as reader, HashingFile(partial) as writer:
                shutil.copyfileobj(reader, writer, 2**20)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)


def partial_name(path: Path) -> Path:
    """The temporary path of a file. It is different each time, because an earlier writer may still
    be running.
    """
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")


def sync_folder(folder: Path) -> None:
    """Flushes a folder to disk, so that renames in it survive a power cut. Does nothing on Windows,
    which cannot open folders.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
