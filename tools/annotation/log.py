"""The log of one video on disk. Lines are only added. They are on disk (fsync) before they count as
saved.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...builder.work import sync_folder
from .events import Event, EventError, from_line, to_line


class LogError(ValueError):
    """A log cannot be read."""


@dataclass(frozen=True, slots=True)
class LogContent:
    """The content of a log.

    Attributes:
        events: the events of all complete lines, in order.
        num_bytes: size of these lines in bytes.
        torn_bytes: size of an incomplete last line, usually 0. It was never reported as saved.
    """

    events: tuple[Event, ...]
    num_bytes: int
    torn_bytes: int


def read_log(path: Path) -> LogContent:
    """Reads a log; without a file it is empty. An incomplete last line was never reported as saved
    and is left out.

    Raises:
        LogError: a complete line is not an event, or not the next event.
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
            raise LogError(
                f"{path} line {number}: event {event.n}, wanted event {number}. {_REPAIR}"
            )
        events.append(event)
    return LogContent(tuple(events), whole, len(content) - whole)


_REPAIR = "Restore the line from a copy, or delete it and all later lines; later work is lost then."


class LogWriter:
    """A log that is open for adding events. Opening cuts off an incomplete last line."""

    def __init__(self, path: Path, content: LogContent) -> None:
        """Opens or makes the file from which `content` was read.

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
        """Adds all events, or none if it raises. They are on disk when it returns.

        Raises:
            OSError: the disk is full or broken. The log is unchanged.
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
        """Closes the file. May be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
