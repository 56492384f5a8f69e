"""Measures all masks of a source once, in a separate process, while people already look at the list."""

import os
import signal
import threading
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from ...masks import RLEError
from .measure import Measured, measured
from .video import FindGroups, MeasureTask, Shown, Source

BATCH_VIDEOS = 32
"""Number of videos in one message to the page."""

NICE = 3
"""The nice value of the other process, so that frames for people come first."""

Predicted = Mapping[str, Any]
"""The videos of another source by video_id."""


class Measuring:
    """The measuring and its results so far. `start` begins it; pages call `since` repeatedly."""

    def __init__(self, source: Source, others: Sequence[Predicted]) -> None:
        self._source = source
        self._others = others
        self._lock = threading.Lock()
        self._entries: list[list[Any]] = []
        self._groups: list[list[str]] | None = None
        self._problems: list[str] = []
        self._process: Any = None
        self._begun = self._done = False

    def start(self) -> None:
        """Starts the process; later calls do nothing."""
        with self._lock:
            if self._begun:
                return
            self._begun = True
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Ends the process."""
        with self._lock:
            self._done = True
            if self._process is not None:
                self._process.terminate()

    def since(self, first: int) -> dict[str, Any]:
        """The results from the `first`-th video on, in the order of `measure.MEASURED_FIELDS`, and the progress."""
        with self._lock:
            return {
                "entries": self._entries[first:],
                "begun": self._begun,
                "done": self._done,
                "groups": self._groups,
                "problems": list(self._problems),
            }

    def _run(self) -> None:
        # A separate process, so that memory and time of this one are free for the frames that people wait for.
        context = get_context("spawn")
        ours, theirs = context.Pipe(duplex=False)
        try:
            arguments = (theirs, self._source.measure_tasks(), self._others, self._source.near_duplicates())
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
                    self._entries += value
                elif kind == "groups":
                    self._groups = value
                else:
                    self._problems.append(value)


def measure_here(source: Source, others: Sequence[Predicted]) -> tuple[list[list[Any]], list[list[str]], list[str]]:
    """Measures all masks now and in this process: the results, groups of similar videos, and problems."""
    results: list[list[Any]] = []
    problems: list[str] = []
    for task in source.measure_tasks():
        for shown in task.read():
            try:
                results.append(_measured(shown, others).to_json())
            except RLEError as error:
                problems.append(f"video {shown.listed.video_id}: {error}")
    find_groups = source.near_duplicates()
    return results, [] if find_groups is None else find_groups(), problems


def _work(
    connection: Connection, tasks: Sequence[MeasureTask], others: Sequence[Predicted], find_groups: FindGroups | None
) -> None:
    """The work of the other process: measures the videos of the tasks and sends the results."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the server ends this process
    if hasattr(os, "nice"):
        os.nice(NICE)  # posters and frames go first
    try:
        for task in tasks:
            try:
                _measure(connection, task, others)
            except (ValueError, OSError) as error:
                connection.send(("problem", str(error)))
        if find_groups is not None:
            try:
                connection.send(("groups", find_groups()))
            except ValueError as error:
                connection.send(("problem", str(error)))
    except BrokenPipeError:
        pass  # the server has ended
    finally:
        connection.close()


def _measure(connection: Connection, task: MeasureTask, others: Sequence[Predicted]) -> None:
    batch: list[list[Any]] = []
    for shown in task.read():
        try:
            batch.append(_measured(shown, others).to_json())
        except RLEError as error:
            connection.send(("problem", f"video {shown.listed.video_id}: {error}"))
        if len(batch) == BATCH_VIDEOS:
            connection.send(("measured", batch))
            batch = []
    connection.send(("measured", batch))


def _measured(shown: Shown, others: Sequence[Predicted]) -> Measured:
    if not others:
        return measured(shown)
    from .others import compared, scored

    scores = tuple(
        scored(compared(shown, other[shown.listed.video_id])) if shown.listed.video_id in other else None
        for other in others
    )
    return measured(shown, scores)
