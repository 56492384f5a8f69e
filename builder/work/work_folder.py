"""The folder beside a release in which it is built: one build at a time, kept when that build is killed."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = "lock"


class BuildError(RuntimeError):
    """A build that cannot go on; what it has finished is kept for the next."""


def work_folder_of(out: Path) -> Path:
    """The work folder of a release: always the same, so that a build goes on where the one before was killed."""
    return out.with_name(f".{out.name}.building")


@contextmanager
def work_folder(out: Path, *, fresh: bool) -> Iterator[Path]:
    """The work folder of a release, locked for this process.

    It is removed when the block ends without an error, and where nothing in it is finished. Else it stays, as it does when the
    process is killed: who never wants to go on removes it. The lock goes with its process, however that ends.

    Args:
        fresh: remove what an earlier build has left.

    Raises:
        BuildError: another process holds it, or the system is Windows. OSError: it cannot be made.
    """
    work = work_folder_of(out)
    lock = _lock(work, out)
    keep = True
    try:
        for path in work.iterdir() if fresh else ():
            if path.name != _LOCK:
                shutil.rmtree(path)
        for path in work.rglob("*.partial"):
            path.unlink()
        yield work
        keep = False
    finally:
        if not keep or not any(path.suffix == ".json" for path in work.rglob("*")):
            _remove(work)
        os.close(lock)


def _lock(work: Path, out: Path) -> int:
    try:
        import fcntl  # POSIX only, as is the promise that a lock ends with its process
    except ImportError:
        raise BuildError(
            f"{out}: building a release needs Linux or macOS; this system has no locks that end with their process (fcntl). "
            "On Windows build it in WSL; loading, training and evaluating work without."
        ) from None
    while True:
        work.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(work / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:  # a build that ends has just removed the folder
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(lock, 32).decode() or "unknown"
            os.close(lock)
            raise BuildError(
                f"{out}: process {owner} is building it in {work}. Wait for it or end it; its work is not lost then: the next "
                "build goes on where it was."
            ) from None
        try:
            ours = os.path.samestat(os.fstat(lock), os.stat(work / _LOCK))
        except FileNotFoundError:
            ours = False
        if ours:
            os.truncate(lock, 0)
            os.write(lock, str(os.getpid()).encode())
            return lock
        os.close(lock)  # the lock of a folder that is gone


def _remove(work: Path) -> None:
    for path in work.iterdir():
        if path.name != _LOCK:
            shutil.rmtree(path, ignore_errors=True)
    # Last, and by this process while it holds the lock: who comes now makes a new one.
    (work / _LOCK).unlink()
    with contextlib.suppress(OSError):
        work.rmdir()
