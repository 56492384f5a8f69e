"""Runs independent tasks in this process, in a pool of processes, or on an existing Ray cluster."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, runtime_checkable

from .engines import engine_named

Progress = Callable[[str, int, int], None]
"""Called as (step, done, total) after each finished task."""

MAX_KILLS = 2
"""Number of workers that may die while they run a task; after that the task is not tried again."""

MAX_SET_ASIDE = 10
"""Number of such tasks after which a run stops: so many mean that the cause is the machine, not the
tasks.
"""

Task = TypeVar("Task")
Result = TypeVar("Result")


@runtime_checkable
class EndsWorkers(Protocol):
    """An executor whose workers can be ended in the middle of their tasks."""

    def end_workers(self) -> None:
        """Ends them, and returns when they have ended."""


class WorkerError(RuntimeError):
    """Tasks whose worker process was killed twice; the message names them."""


def no_progress(step: str, done: int, total: int) -> None:
    """A `Progress` that does nothing."""


@contextmanager
def executor_of(
    workers: int, *, engine: str = "processes", address: str | None = None, device: str = "cpu"
) -> Iterator[Executor | None]:
    """The executor that runs tasks inside the block; None means this process.

    Args:
        workers: number of processes; a cluster decides this itself.
        engine: one of `ENGINES`.
        address: address of an existing cluster. For Ray: as for `ray.init` ("auto": the cluster of
            this machine).
        device: "cpu" or the torch device that tasks use; a process that uses CUDA is started new,
            as CUDA demands.

    Raises:
        ValueError: no such engine, a missing address, or an address for an engine that has none.
    """
    chosen = engine_named(engine)
    if (address is not None) != chosen.takes_address:
        raise ValueError(
            "--engine ray and --address need each other: the build joins an existing Ray cluster "
            "and never starts one."
        )
    with chosen.open(workers, address, device) as executor:
        yield executor


def run_tasks(
    executor: Executor | None,
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    on_done: Callable[[int, int], None],
    *,
    name_of: Callable[[Task], str] = str,
    size_of: Callable[[Task], int] | None = None,
) -> Iterator[Result]:
    """Results in the order of the tasks; `on_done` is called after each task.

    If a worker is killed, the tasks that were running run again, one at a time, to find the one at
    fault. A task whose worker dies twice is not tried again; the error names it after all other
    tasks are done.

    Args:
        name_of: gives the name of a task for messages.
        size_of: gives the amount of work of a task, in any unit. In several processes the largest
            begins first, so that none is left with it while the others have nothing to do.

    Raises:
        WorkerError: workers died twice in some tasks. An error of `function` is raised too; no
            further task is then started.
    """
    tasks = list(tasks)
    on_done(0, len(tasks))
    if executor is None:
        for number, task in enumerate(tasks, start=1):
            yield function(task)
            on_done(number, len(tasks))
        return
    results: dict[int, Result] = {}
    kills, set_aside = Counter[int](), list[int]()
    numbers = range(len(tasks))
    waiting = deque(
        numbers if size_of is None else sorted(numbers, key=lambda number: -size_of(tasks[number]))
    )
    suspects = deque[int]()
    running: dict[Future[Result], tuple[int, bool]] = {}
    # The pool gets no more tasks than it can run. If a worker is killed, the cause is then one of
    # the tasks in the pool.
    most = getattr(executor, "workers", len(tasks))
    try:
        while (waiting or suspects or running) and len(set_aside) < MAX_SET_ASIDE:
            if suspects and not running:
                number = suspects.popleft()
                running[executor.submit(function, tasks[number])] = number, True
            while waiting and not suspects and not _alone(running) and len(running) < most:
                number = waiting.popleft()
                running[executor.submit(function, tasks[number])] = number, False
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                number, alone = running.pop(future)
                if isinstance(future.exception(), BrokenExecutor):
                    kills[number] += alone
                    (set_aside if kills[number] == MAX_KILLS else suspects).append(number)
                    continue
                results[number] = future.result()
                on_done(len(results), len(tasks))
    except KeyboardInterrupt:
        if isinstance(executor, EndsWorkers):
            executor.end_workers()  # the caller may now remove what they write into
        raise
    finally:
        for future in running:
            future.cancel()
    if set_aside:
        raise WorkerError(
            _report(
                [name_of(tasks[number]) for number in sorted(set_aside)], len(results), len(tasks)
            )
        )
    yield from (results[number] for number in range(len(tasks)))


def _alone(running: dict[Future[Any], tuple[int, bool]]) -> bool:
    return any(alone for _, alone in running.values())


def _report(names: list[str], done: int, total: int) -> str:
    what = "its worker process" if len(names) == 1 else "their worker processes"
    gave_up = " The run stopped there." if len(names) == MAX_SET_ASIDE else ""
    return (
        f"{', '.join(names)}: ended {what} twice (killed, out of memory, or a crash in a library); "
        f"{done} of {total} are done.{gave_up} Look at the kernel's log for the reason, or try "
        "with one worker."
    )
