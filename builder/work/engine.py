"""Runs independent tasks: in this process, in a pool of processes, or on a Ray cluster that is there."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from .engines import engine_named

Progress = Callable[[str, int, int], None]
"""Called as (step, done, total) whenever something was done."""

MAX_KILLS = 2
"""Workers that a task may cost before it is set aside."""

MAX_SET_ASIDE = 10
"""Tasks that may end their workers before a run gives up: by then it is not the tasks."""

Task = TypeVar("Task")
Result = TypeVar("Result")


class WorkerError(RuntimeError):
    """Tasks whose worker process was killed twice; the message names them."""


def no_progress(step: str, done: int, total: int) -> None:
    """The `Progress` of a caller who does not look."""


@contextmanager
def executor_of(workers: int, *, engine: str = "processes", address: str | None = None) -> Iterator[Executor | None]:
    """The engine on which tasks run while the block lasts; None is this process.

    Args:
        workers: processes; a cluster decides for itself.
        engine: one of `ENGINES`.
        address: of an existing cluster, as its engine takes it. Ray: as `ray.init` does ("auto": the one of this machine).

    Raises:
        ValueError: no such engine, or an address that is missing or not wanted.
    """
    chosen = engine_named(engine)
    if (address is not None) != chosen.takes_address:
        raise ValueError(
            "--engine ray and --address go together: Ray is never started here, an existing cluster is used."
        )
    with chosen.open(workers, address) as executor:
        yield executor


def run_tasks(
    executor: Executor | None,
    function: Callable[[Task], Result],
    tasks: Iterable[Task],
    on_done: Callable[[int, int], None],
    *,
    name_of: Callable[[Task], str] = str,
) -> Iterator[Result]:
    """Results in the order of the tasks; `on_done` hears of each as it comes.

    Tasks that ran when a worker was killed run again, one at a time, so that there is no doubt whose fault it is; one that kills
    its worker twice then is set aside, and named when all others are done.

    Args:
        name_of: what to call a task in an error.

    Raises:
        WorkerError: tasks were set aside. And what `function` raises: no further task is begun then.
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
    waiting, suspects = deque(range(len(tasks))), deque[int]()
    running: dict[Future[Result], tuple[int, bool]] = {}
    # A pool of processes gets no more than it can run: what is in it when a worker is killed was running, and is a suspect.
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
    finally:
        for future in running:
            future.cancel()
    if set_aside:
        raise WorkerError(_report([name_of(tasks[number]) for number in sorted(set_aside)], len(results), len(tasks)))
    yield from (results[number] for number in range(len(tasks)))


def _alone(running: dict[Future[Any], tuple[int, bool]]) -> bool:
    return any(alone for _, alone in running.values())


def _report(names: list[str], done: int, total: int) -> str:
    what = "its worker process" if len(names) == 1 else "their worker processes"
    gave_up = " The run gave up then." if len(names) == MAX_SET_ASIDE else ""
    return (
        f"{', '.join(names)}: ended {what} twice (killed, out of memory, or a crash in a library); {done} of {total} are done."
        f"{gave_up} Look at the kernel's log for the reason, or try with one worker."
    )
