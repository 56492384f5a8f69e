"""Events of a video's log, one per line. Each is one step of a person or an engine."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...release import parse_json

LOG_FORMAT = 1
"""The format number in the first event. A log with a higher number is refused."""

KINDS = (
    *("start", "video", "engine"),
    *("object", "masks", "delete", "lock", "seen", "undo", "redo"),
    *("normal", "submit", "withdraw", "reopen", "approve", "reject", "dispute", "resolve"),
)


class EventError(ValueError):
    """A line of a log is not an event."""


@dataclass(frozen=True, slots=True)
class Event:
    """One step on one video.

    Attributes:
        n: the number of the event, from 1. It is also the revision of the state after the event.
        at: the time, ISO 8601, UTC.
        user: the person; an engine acts for the person who called it.
        kind: one of KINDS.
        data: the values that this kind needs. Masks are canonical COCO RLE strings of the video's
            size.
        action: the page's id of the request, so that no request is executed twice; "" without a
            request.
        step: events with the same step are undone together; "" makes the event a step of its own.
    """

    n: int
    at: str
    user: str
    kind: str
    data: Mapping[str, Any]
    action: str = ""
    step: str = ""


def to_line(event: Event) -> bytes:
    """The event as one line of JSON, with its newline."""
    record: dict[str, Any] = {"n": event.n, "at": event.at, "user": event.user, "kind": event.kind}
    record |= {
        key: value for key, value in (("action", event.action), ("step", event.step)) if value
    }
    record["data"] = event.data
    return (
        json.dumps(record, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    ).encode()


def from_line(line: bytes) -> Event:
    """The event in a line.

    Raises:
        EventError: the line is not an event.
    """
    try:
        record = parse_json(line)
    except ValueError as error:  # also of bytes that are no UTF-8
        raise EventError(f"not JSON ({error})") from error
    if not isinstance(record, dict):
        raise EventError(f"holds {type(record).__name__}, wanted an object")
    wanted = {"n": int, "at": str, "user": str, "kind": str, "data": dict}
    for key, kind in wanted.items():
        if not isinstance(record.get(key), kind):
            raise EventError(f"{key} is {record.get(key)!r}, wanted {kind.__name__}")
    if record["kind"] not in KINDS:
        raise EventError(f"kind {record['kind']!r} is unknown; a later version wrote it: use that")
    unknown = sorted(set(record) - {*wanted, "action", "step"})
    if unknown:
        raise EventError(f"unknown key {unknown[0]!r}; a later version wrote it: use that")
    return Event(**record)
