"""Files that are whole or absent: written beside, hashed on the way, flushed to disk, renamed."""

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
        if self.closed:
            return
        # A full disk shows in the last flush: the file is closed all the same, and the error is raised once.
        with contextlib.ExitStack() as stack:
            stack.callback(super().close)
            stack.callback(self._file.close)
            self._file.flush()
            os.fsync(self._file.fileno())


@contextmanager
def atomic_file(path: Path) -> Iterator[HashingFile]:
    """Opens `path` for writing; it appears under its name when the block ends without an error, and not at all otherwise.

    Raises:
        OSError: it cannot be written (no space, read-only); the error names `path`.
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
    """Gives an error of the system the name of what is made: a full disk names no file, and a hidden one beside it is gone then."""
    try:
        yield
    except OSError as error:
        beside = str(final.with_name(f".{final.stem}."))
        if error.errno is None or not (error.filename is None or str(error.filename).startswith(beside)):
            raise
        raise OSError(error.errno, os.strerror(error.errno), str(final)) from error


def write_atomic(path: Path, content: bytes) -> None:
    """Writes a small file whole."""
    with atomic_file(path) as file:
        file.write(content)


def link_or_copy(source: Path, path: Path) -> None:
    """Gives a file a second name, or copies it where the file system allows none; replaces what is there.

    Args:
        source: a link counts as the file that it leads to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_name(path)
    try:
        try:
            os.link(source.resolve(), partial)  # os.link gives a link itself a second name, which then leads nowhere
        except OSError:  # another file system, or one without hard links
            with source.open("rb") as reader, HashingFile(partial) as writer:
                shutil.copyfileobj(reader, writer, 2**20)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    sync_folder(path.parent)


def partial_name(path: Path) -> Path:
    """The path at which a file is written before it gets its name. It is new each time: an earlier writer may still be alive."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")


def sync_folder(folder: Path) -> None:
    """Makes renames inside a folder last through a power cut, where folders can be opened: not on Windows."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
