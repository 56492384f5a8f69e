"""Writes folders that are complete or absent: under a temporary name, flushed to disk, then
renamed.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .atomic import partial_name, sync_folder


def check_free(out: Path) -> None:
    """Raises FileExistsError if a release folder cannot be made there."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(
            f"{out}: exists and is not empty. Name a new folder, or remove this one."
        )


@contextmanager
def whole_folder(final: Path) -> Iterator[Path]:
    """A folder to write into. It replaces `final` if the block ends without an error; otherwise it
    is removed.

    Raises:
        OSError: the folder cannot be written.
    """
    partial = partial_name(final)
    partial.mkdir(parents=True)
    try:
        yield partial
        put_in_place(partial, final)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def put_in_place(folder: Path, final: Path) -> None:
    """Flushes everything in a folder to disk, then gives the folder its final name."""
    inner = [folder]
    for path in folder.rglob("*"):
        if path.is_dir():
            inner.append(path)
            continue
        with path.open("rb+") as file:  # Windows cannot flush a file that is open only for reading
            os.fsync(file.fileno())
    for path in reversed(inner):
        sync_folder(path)
    take_place(folder, final)


def take_place(folder: Path, final: Path) -> None:
    """Replaces one folder by another; the old one is removed."""
    old = partial_name(final)
    if final.exists():
        final.rename(old)  # a folder that is not empty cannot be replaced in one step
    folder.rename(final)
    sync_folder(final.parent)
    shutil.rmtree(old, ignore_errors=True)
