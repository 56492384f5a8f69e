"""Tasks in processes of this machine; one worker is this process itself."""

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

from .engine import Engine

P = ParamSpec("P")
Result = TypeVar("Result")


class Processes(Executor):
    """A pool of processes that is made anew when one of them is killed (`ProcessPoolExecutor` alone is broken for good then)."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool = self._new_pool()

    def _new_pool(self) -> ProcessPoolExecutor:
        # spawn: a forked child would inherit the threads' locks of pyarrow and torch.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.workers, mp_context=context, initializer=_end_with_parent)

    def submit(self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> Future[Result]:
        try:
            return self._pool.submit(fn, *args, **kwargs)
        except BrokenExecutor:
            self._pool.shutdown()
            self._pool = self._new_pool()
            return self._pool.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


def _end_with_parent() -> None:
    """Ends a worker whose parent was killed: it would wait for work for ever, and write beside the build that comes next."""
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
        yield pool


ENGINE = Engine(_open)
