"""Runs tasks in processes of this machine; with one worker, in this process itself."""

import multiprocessing
import multiprocessing.connection
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import signal
import sys
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

_HAS_SERVER = sys.platform == "linux"
"""Elsewhere a process that has loaded the system's libraries cannot be forked safely."""

END_S = 10
"""How long a worker may take to end."""


def import_ahead(*modules: str) -> None:
    """Starts the server that workers are forked from, and lets it import these modules while this
    process goes on.

    The server imports and nothing else: it has no threads of pyarrow or torch whose locks a forked
    worker would inherit. It imports once, however many workers follow. A server that is there
    already stays as it is; a worker then imports what is missing. Does nothing where the system has
    no such server.
    """
    if _HAS_SERVER:
        multiprocessing.forkserver.set_forkserver_preload(list(modules))
        # else it starts inside the block, and ends the delay
        multiprocessing.resource_tracker.ensure_running()
        with _no_ctrl_c():
            multiprocessing.forkserver.ensure_running()


class Processes(Executor):
    """A pool of processes that is replaced if one process is killed (`ProcessPoolExecutor` alone
    cannot be used after that).

    Workers are forked from the server of `import_ahead`, or started new: those that use CUDA, and
    all where there is no server.
    """

    def __init__(self, workers: int, *, device: str) -> None:
        self.workers = workers
        self._is_forked = _HAS_SERVER and device == "cpu"
        self._pool = self._new_pool()
        self._started: set[multiprocessing.process.BaseProcess] = set()

    def _new_pool(self) -> ProcessPoolExecutor:
        # Never "fork": a child of this process would inherit the locks of its threads.
        context = multiprocessing.get_context("forkserver" if self._is_forked else "spawn")
        settings = dict(os.environ)  # the server may have been started with others
        return ProcessPoolExecutor(
            self.workers, mp_context=context, initializer=_begin_worker, initargs=(settings,)
        )

    def submit(
        self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[Result]:
        if self._is_forked and fn.__module__.partition(".")[0] == __name__.partition(".")[0]:
            import_ahead(fn.__module__)
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
        """Ends the workers, and returns when they have ended. This is safe, because files are
        complete or absent.
        """
        workers = self._started & set(multiprocessing.active_children())
        for worker in workers:
            worker.terminate()
        for worker in workers:
            # Not by join: the pool's own thread waits for them too.
            multiprocessing.connection.wait([worker.sentinel], timeout=END_S)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.shutdown(wait, cancel_futures=cancel_futures)


@contextmanager
def _no_ctrl_c() -> Iterator[None]:
    """Delays Ctrl-C for this process, and for processes started inside the block, until the block
    ends.

    A terminal sends Ctrl-C to the workers too, and a worker that is still importing would print a
    traceback. So would one that this process has asked for and, interrupted, does not know.
    """
    if not _HAS_MASKS:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which processes inherit
    came: list[int] = []
    is_main = threading.current_thread() is threading.main_thread()
    # Another thread may get the signal, and Python would still interrupt this one.
    handler = (
        signal.signal(signal.SIGINT, lambda number, frame: came.append(number)) if is_main else None
    )
    try:
        yield
    finally:
        if is_main:
            signal.signal(signal.SIGINT, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if came:
            signal.raise_signal(signal.SIGINT)


def _begin_worker(settings: dict[str, str]) -> None:
    """Lets Ctrl-C end a worker at once and without a message; the parent process prints what is
    kept.

    Args:
        settings: the parent's environment variables.
    """
    os.environ.clear()
    os.environ.update(settings)
    if _HAS_MASKS:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    _end_with_parent()


def _end_with_parent() -> None:
    """Ends a worker whose parent was killed. It would wait for work for ever, and could write while
    the next build runs.
    """
    parent = multiprocessing.parent_process()

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])  # type: ignore[union-attr]
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _open(workers: int, address: str | None, device: str) -> Iterator[Executor | None]:
    if workers == 1:
        yield None  # no start-up, plain tracebacks
        return
    with Processes(workers, device=device) as pool:
        try:
            yield pool
        except KeyboardInterrupt:
            pool.end_workers()  # otherwise they would first finish their tasks or imports
            raise


ENGINE = Engine(_open)
