"""The log of one video on disk: lines are added and never changed, and on disk before anybody hears that they are saved."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...builder.work import sync_folder
from .events import Event, EventError, from_line, to_line


class LogError(ValueError):
    """A log that cannot be read; the message says where, what was found and what to do."""


@dataclass(frozen=True, slots=True)
class LogContent:
    """What a log held.

    Attributes:
        events: all whole lines, in order.
        num_bytes: of these lines; what comes after them is the torn rest of a line that nobody was told of.
        torn_bytes: of that rest, 0 as a rule.
    """

    events: tuple[Event, ...]
    num_bytes: int
    torn_bytes: int


def read_log(path: Path) -> LogContent:
    """The events of a log; none where there is no such file. A last line without its end was never acknowledged and is left out.

    Raises:
        LogError: a whole line that is no event, or not the next one.
        OSError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return LogContent((), 0, 0)
    whole = content.rfind(b"\n") + 1
    events: list[Event] = []
    for number, line in enumerate(content[:whole].split(b"\n")[:-1], start=1):
        try:
            event = from_line(line)
        except EventError as error:
            raise LogError(f"{path} line {number}: {error}. {_REPAIR}") from error
        if event.n != number:
            raise LogError(f"{path} line {number}: event {event.n}, wanted event {number}. {_REPAIR}")
        events.append(event)
    return LogContent(tuple(events), whole, len(content) - whole)


_REPAIR = "Put the line back as it was (from a copy), or cut the file off before it: what comes later is lost then."


class LogWriter:
    """A log that is open for adding events. A torn last line is cut off when it is opened."""

    def __init__(self, path: Path, content: LogContent) -> None:
        """Opens or makes the file that `content` was read from.

        Raises:
            OSError: it cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
        self._end = content.num_bytes
        try:
            os.ftruncate(self._descriptor, self._end)
            if is_new:
                sync_folder(path.parent)
        except OSError:
            os.close(self._descriptor)
            raise

    def append(self, events: Sequence[Event]) -> None:
        """Adds events and returns when they are on disk; all of them or, with an error, none.

        Raises:
            OSError: the disk is full or broken. The log is as it was before.
        """
        content = b"".join(map(to_line, events))
        try:
            written = 0
            while written < len(content):
                written += os.pwrite(self._descriptor, content[written:], self._end + written)
            os.fsync(self._descriptor)
        except OSError:
            os.ftruncate(self._descriptor, self._end)
            raise
        self._end += len(content)

    def close(self) -> None:
        """Lets go of the file; may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
