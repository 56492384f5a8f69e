"""The folder beside a release in which it is built. One build at a time uses it; it stays if the
build is killed.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = "lock"


class BuildError(RuntimeError):
    """A build that cannot continue; its finished work is kept for the next build."""


def work_folder_of(out: Path) -> Path:
    """The path of a release's work folder. It is always the same, so that a build can continue one
    that was killed.
    """
    return out.with_name(f".{out.name}.building")


@contextmanager
def work_folder(out: Path, *, fresh: bool) -> Iterator[Path]:
    """The work folder of a release, locked for this process.

    It is removed if the block ends without an error, or if nothing in it is finished. Otherwise it
    stays, also if the process is killed. If you do not want to continue the build, remove it. The
    lock always ends with its process.

    Args:
        fresh: remove the work of an earlier build first.

    Raises:
        BuildError: another process holds the lock, or the system is Windows. OSError: the folder
            cannot be made.
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
        import fcntl  # only POSIX has it, and only there does a lock surely end with its process
    except ImportError:
        raise BuildError(
            f"{out}: building a release needs Linux or macOS; this system has no file locks that "
            "end with their process (fcntl). "
            "On Windows build it in WSL; loading, training and evaluating work without."
        ) from None
    while True:
        work.mkdir(parents=True, exist_ok=True)
        try:
            lock = os.open(work / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        except FileNotFoundError:  # another build has just ended and removed the folder
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(lock, 32).decode() or "unknown"
            os.close(lock)
            raise BuildError(
                f"{out}: process {owner} is building it in {work}. Wait for it or end it. Its work "
                "is kept: the next build continues from there."
            ) from None
        try:
            ours = os.path.samestat(os.fstat(lock), os.stat(work / _LOCK))
        except FileNotFoundError:
            ours = False
        if ours:
            os.truncate(lock, 0)
            os.write(lock, str(os.getpid()).encode())
            return lock
        os.close(lock)  # it is the lock of a removed folder


def _remove(work: Path) -> None:
    for path in work.iterdir():
        if path.name != _LOCK:
            shutil.rmtree(path, ignore_errors=True)
    # Last, and by this process while it holds the lock: who comes now makes a new one.
    (work / _LOCK).unlink()
    with contextlib.suppress(OSError):
        work.rmdir()
