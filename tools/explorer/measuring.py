"""Measures all masks of a source once, in a process of its own, while the list is already shown."""

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from ...builder.work import Progress, no_progress, run_tasks
from ...masks import RLEError
from .measure import Measured, measured
from .video import FindGroups, MeasureTask, Shown, Source

if TYPE_CHECKING:
    from .others import Other

BATCH_VIDEOS = 32
"""Number of videos in one message of the other process."""

NICE = 3
"""How much the other process stands back, as in `nice`."""


class Measuring:
    """The progress of measuring. `start` begins it; pages call `since` repeatedly."""

    def __init__(self, source: Source, others: Sequence["Other"]) -> None:
        self._source = source
        self._others = others
        self._lock = threading.Lock()
        self._found: list[list[Any]] = []
        self._groups: list[list[str]] | None = None
        self._problems: list[str] = []
        self._process: Any = None
        self._begun = self._done = False

    def start(self) -> None:
        """Starts measuring. Later calls do nothing."""
        with self._lock:
            if self._begun:
                return
            self._begun = True
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Stops measuring at any point."""
        with self._lock:
            self._done = True
            if self._process is not None:
                self._process.terminate()

    def since(self, first: int) -> dict[str, Any]:
        """The videos measured from number `first` on, in the order of `measure.MEASURED_FIELDS`,
        and the progress.
        """
        with self._lock:
            return {
                "entries": self._found[first:],
                "begun": self._begun,
                "done": self._done,
                "groups": self._groups,
                "problems": list(self._problems),
            }

    def _run(self) -> None:
        # Another process: it leaves this one's memory and its time for the frames that people wait
        # for.
        context = get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        try:
            arguments = (
                theirs,
                self._source.measure_tasks(),
                self._others,
                self._source.near_duplicates(),
            )
            process = context.Process(target=_work, args=arguments, daemon=True)
            with self._lock:
                if self._done:
                    return
                process.start()
                self._process = process
            theirs.close()
            self._listen(ours)
            process.join()
        except (OSError, ValueError) as error:
            self._problems.append(f"the masks cannot be measured: {error}")
        with self._lock:
            self._done = True

    def _listen(self, ours: Connection) -> None:
        while True:
            try:
                kind, value = ours.recv()
            except EOFError:
                return
            with self._lock:
                if kind == "measured":
                    self._found += value
                elif kind == "groups":
                    self._groups = value
                else:
                    self._problems.append(value)


def measure_now(
    source: Source,
    others: Sequence["Other"],
    on_progress: Progress = no_progress,
    *,
    executor: Executor | None = None,
) -> tuple[list[Measured], list[list[str]], list[str]]:
    """Measures at once. Gives the numbers, groups of similar videos, and problems.

    Args:
        executor: divides the source's tasks among processes; None: this process does them.
    """
    found: list[Measured | str] = []
    total = len(source.videos)
    tasks = [(task, others) for task in source.measure_tasks()]
    if executor is None:
        for one in (one for task in tasks for one in _measured_or_wrong(task)):
            found.append(one)
            on_progress("measure masks", len(found), total)
    else:

        def on_done(done: int, of: int) -> None:
            on_progress("measure masks", total * done // max(1, of), total)

        for part in run_tasks(executor, _measured_part, tasks, on_done, name_of=_masks_of):
            found += part
    results = [one for one in found if isinstance(one, Measured)]
    problems = [one for one in found if isinstance(one, str)]
    find_groups = source.near_duplicates()
    return results, [] if find_groups is None else find_groups(), problems


def _measured_part(task: tuple[MeasureTask, Sequence["Other"]]) -> list[Measured | str]:
    return list(_measured_or_wrong(task))


def _masks_of(task: tuple[MeasureTask, Sequence["Other"]]) -> str:
    return f"masks of {task[0]}"


def _measured_or_wrong(
    task: tuple[MeasureTask, Sequence["Other"]],
) -> Iterator[Measured | str]:
    """The numbers of every video of a task, or what is wrong with it."""
    videos, others = task
    for shown in videos.read():
        try:
            yield _measured(shown, others)
        except RLEError as error:
            yield f"video {shown.listed.video_id}: {error}"


def _work(
    pipe: Connection,
    tasks: Sequence[MeasureTask],
    others: Sequence["Other"],
    find_groups: FindGroups | None,
) -> None:
    """The other process: measures the videos of the tasks and sends the numbers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this
    if hasattr(os, "nice"):
        os.nice(NICE)  # posters and frames go first
    try:
        for task in tasks:
            try:
                _measure(pipe, task, others)
            except (ValueError, OSError) as error:
                pipe.send(("problem", str(error)))
        if find_groups is not None:
            try:
                pipe.send(("groups", find_groups()))
            except ValueError as error:
                pipe.send(("problem", str(error)))
    except BrokenPipeError:
        pass  # the server is gone
    finally:
        pipe.close()


def _measure(pipe: Connection, task: MeasureTask, others: Sequence["Other"]) -> None:
    batch: list[list[Any]] = []
    for shown in task.read():
        try:
            batch.append(_measured(shown, others).to_json())
        except RLEError as error:
            pipe.send(("problem", f"video {shown.listed.video_id}: {error}"))
        if len(batch) == BATCH_VIDEOS:
            pipe.send(("measured", batch))
            batch = []
    pipe.send(("measured", batch))


def _measured(shown: Shown, others: Sequence["Other"]) -> Measured:
    if not others:
        return measured(shown)
    from .others import compared, scored

    comparisons = (compared(shown, other) for other in others)
    return measured(shown, tuple(None if one is None else scored(one) for one in comparisons))
