"""The log as text for people: one line for each event, without masks."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .events import Event
from .state import ranges_of


def history_of(events: Iterable[Event]) -> list[dict[str, Any]]:
    """The events of a log as text for people."""
    return [
        {"n": e.n, "at": e.at, "user": e.user, "type": e.kind, "text": in_words(e)} for e in events
    ]


def in_words(event: Event) -> str:
    """One event as a line of text."""
    say = _WORDS.get(event.kind)
    return event.kind if say is None else say(event.data)


def _start(data: Mapping[str, Any]) -> str:
    video = data["video"]
    size = f"{video['num_frames']} frames of {video['width']}x{video['height']}"
    return f"{video['name']}, {size}, {len(data['masks'])} masks"


def _masks(data: Mapping[str, Any]) -> str:
    cells = data["masks"]
    objects = ", ".join(str(i) for i in sorted({cell[0] for cell in cells}))
    frames = ", ".join(
        str(a) if a == b else f"{a} to {b}" for a, b in ranges_of({cell[1] for cell in cells})
    )
    with_tool = f" with {data['tool']}" if data.get("tool") else ""
    return f"{data['from']}{with_tool}: object {objects}, frame {frames}"


def _delete(data: Mapping[str, Any]) -> str:
    where = {
        "frame": f"in frame {data['frame_index']}",
        "onward": f"from frame {data['frame_index']} on",
    }
    return f"delete object {data['object_id']} {where.get(data['scope'], 'everywhere')}"


def _note(word: str) -> Callable[[Mapping[str, Any]], str]:
    def say(data: Mapping[str, Any]) -> str:
        frame = data.get("frame_index")
        return f"{word}{'' if frame is None else f' frame {frame}'}{': ' + data['note'] if data['note'] else ''}"

    return say


_WORDS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "start": _start,
    "engine": lambda data: (
        "engine " + ", ".join(f"{key} {text}" for key, text in sorted(data["facts"].items()))
    ),
    "video": lambda data: f"the changed file is accepted: sha256 {data['video']['sha256']}",
    "object": lambda data: (
        f"{'new ' if data['new'] else ''}object {data['object_id']}: {data['artifact_type']}"
    ),
    "masks": _masks,
    "delete": _delete,
    "lock": lambda data: (
        f"{'lock' if data['locked'] else 'unlock'} frames {data['first']} to {data['last']}"
    ),
    "seen": lambda data: (
        "seen " + ", ".join(str(a) if a == b else f"{a} to {b}" for a, b in data["ranges"])
    ),
    "approve": _note("approve"),
    "reject": _note("reject"),
    "dispute": _note("dispute"),
    "resolve": lambda data: f"note {data['note_id']} settled",
}
