"""Runs tasks in processes of this machine; with one worker, in this process itself."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from .engine import Engine

P = ParamSpec("P")
Result = TypeVar("Result")

_HAS_MASKS = hasattr(signal, "pthread_sigmask")
"""Windows has none, and sends Ctrl-C in another way."""


class Processes(Executor):
    """A pool of processes that is replaced if one process is killed (`ProcessPoolExecutor` alone cannot be used after that)."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool = self._new_pool()
        self._started: set[multiprocessing.process.BaseProcess] = set()

    def _new_pool(self) -> ProcessPoolExecutor:
        # spawn: a forked child would inherit the threads' locks of pyarrow and torch.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.workers, mp_context=context, initializer=_begin_worker)

    def submit(self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> Future[Result]:
        before = set(multiprocessing.active_children())
        try:
            with _no_ctrl_c():  # this call may start a worker
                try:
                    return self._pool.submit(fn, *args, **kwargs)
                except BrokenExecutor:
                    self._pool.shutdown()
                    self._pool = self._new_pool()
                    return self._pool.submit(fn, *args, **kwargs)
        finally:
            self._started |= set(multiprocessing.active_children()) - before

    def end_workers(self) -> None:
        """Ends the workers at once. This is safe, because files are complete or absent."""
        for worker in self._started & set(multiprocessing.active_children()):
            worker.terminate()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


@contextmanager
def _no_ctrl_c() -> Iterator[None]:
    """Delays Ctrl-C for this thread, and for processes started inside the block, until the block ends.

    A terminal sends Ctrl-C to the workers too, and a worker that is still importing would print a traceback.
    """
    if not _HAS_MASKS:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_worker() -> None:
    """Lets Ctrl-C end a worker at once and without a message; the parent process prints what is kept."""
    if _HAS_MASKS:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _end_with_parent()


def _end_with_parent() -> None:
    """Ends a worker whose parent was killed. It would wait for work for ever, and could write while the next build runs."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])  # type: ignore[union-attr]
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _open(workers: int, address: str | None) -> Iterator[Executor | None]:
    if workers == 1:
        yield None  # no start-up, plain tracebacks
        return
    with Processes(workers) as pool:
        try:
            yield pool
        except KeyboardInterrupt:
            pool.end_workers()  # otherwise they would first finish their tasks or imports
            raise


ENGINE = Engine(_open)
