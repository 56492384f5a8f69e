"""Folders that are whole or absent: written beside, flushed to disk, renamed."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .atomic import partial_name, sync_folder


@contextmanager
def whole_folder(final: Path) -> Iterator[Path]:
    """A folder to write into; it takes the place of `final` when the block ends without an error, and leaves no trace otherwise.

    Raises:
        OSError: it cannot be written.
    """
    partial = partial_name(final)
    partial.mkdir(parents=True)
    try:
        yield partial
        put_in_place(partial, final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def put_in_place(folder: Path, final: Path) -> None:
    """Gives a folder its name once everything in it is on disk."""
    inner = [folder]
    for path in folder.rglob("*"):
        if path.is_dir():
            inner.append(path)
            continue
        with path.open("rb+") as file:  # Windows flushes no file that is open for reading only
            os.fsync(file.fileno())
    for path in reversed(inner):
        sync_folder(path)
    take_place(folder, final)


def take_place(folder: Path, final: Path) -> None:
    """Gives a folder the name of another one, which goes."""
    old = partial_name(final)
    if final.exists():
        final.rename(old)  # a folder that holds something cannot be replaced in one step
    folder.rename(final)
    sync_folder(final.parent)
    shutil.rmtree(old, ignore_errors=True)
