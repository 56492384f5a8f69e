"""Runs independent tasks in this process or in a pool of processes."""

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import TypeVar

Progress = Callable[[str, int, int], None]
"""Called as (step, done, total) whenever something was done."""

Task = TypeVar("Task")
Result = TypeVar("Result")


def no_progress(step: str, done: int, total: int) -> None:
    """The `Progress` of a caller who does not look."""


@contextmanager
def executor_of(workers: int) -> Iterator[Executor | None]:
    """None works in this process: no start-up, plain tracebacks."""
    if workers == 1:
        yield None
        return
    # spawn: a forked child would inherit the threads' locks of pyarrow and torch.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def run_tasks(
    executor: Executor | None,
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    on_done: Callable[[int, int], None],
) -> Iterator[Result]:
    """Results in the order of the tasks; `on_done` hears of each as it comes."""
    tasks = list(tasks)
    on_done(0, len(tasks))
    if executor is None:
        for number, task in enumerate(tasks, start=1):
            yield function(task)
            on_done(number, len(tasks))
        return
    futures = [executor.submit(function, task) for task in tasks]
    try:
        for number, future in enumerate(as_completed(futures), start=1):
            future.result()
            on_done(number, len(tasks))
    finally:
        for future in futures:
            future.cancel()
    yield from (future.result() for future in futures)
