"""Checks the actions that a page requests, and makes events of those that need no engine."""

from collections.abc import Mapping, Sequence
from typing import Any

from .regions import cleaned
from .state import RefusedError, VideoState

MAX_POINTS = 20_000
"""Largest number of points in one polygon, in all strokes of one drawing, or in a list of
clicks.
"""


class BadRequestError(ValueError):
    """A malformed request; our page does not send such requests."""


Planned = tuple[str, Mapping[str, Any]]
"""The kind of an event and its data."""

ENGINE_ACTIONS = frozenset({"prompt", "propagate", "cancel"})


def event_of(state: VideoState, action: Mapping[str, Any]) -> Planned:
    """The event for an action that needs no engine.

    Raises:
        BadRequestError: the action is unknown, or a field is missing or has the wrong type.
        RefusedError: the action is not possible in this state.
    """
    name = text(action, "action")
    if name in _PLAIN:
        return name, {}
    if name not in _WITH_DATA:
        raise BadRequestError(f"action {name!r} is unknown")
    planned: Planned = _WITH_DATA[name](state, action)
    return planned


def number(action: Mapping[str, Any], key: str) -> int:
    """The whole number in a field of an action.

    Raises:
        BadRequestError: the field is missing or no whole number.
    """
    value = action.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRequestError(f"{key} is {value!r}, wanted a whole number")
    return value


def text(action: Mapping[str, Any], key: str) -> str:
    """The text in a field of an action.

    Raises:
        BadRequestError: the field is missing or no text.
    """
    value = action.get(key)
    if not isinstance(value, str):
        raise BadRequestError(f"{key} is {value!r}, wanted a text")
    return value


def clicks_of(action: Mapping[str, Any]) -> list[list[Any]]:
    """The clicks of an action, [x, y, 1 or 0] each; 1 means object, 0 background.

    Raises:
        BadRequestError: they have another form.
    """
    value = action.get("clicks", [])
    if not isinstance(value, list) or len(value) > MAX_POINTS:
        raise BadRequestError("clicks are wanted as a list of [x, y, 1 or 0]")
    for click in value:
        if not _is_numbers(click, 3) or click[2] not in (0, 1):
            raise BadRequestError(f"a click is {click!r}, wanted [x, y, 1 or 0]")
    return [[float(x), float(y), int(sign)] for x, y, sign in value]


def box_of(action: Mapping[str, Any]) -> list[float] | None:
    """The box of an action, [x0, y0, x1, y1] in pixels; None without a box.

    Raises:
        BadRequestError: it has another form.
    """
    value = action.get("box")
    if value is None:
        return None
    if not _is_numbers(value, 4) or not (value[0] < value[2] and value[1] < value[3]):
        raise BadRequestError(f"box is {value!r}, wanted [x0, y0, x1, y1] with x0 < x1 and y0 < y1")
    return [float(side) for side in value]


def ranges(action: Mapping[str, Any]) -> list[list[int]]:
    """The frame ranges of an action, [first, last] each.

    Raises:
        BadRequestError: they have another form.
    """
    value = action.get("ranges")
    pairs = value if isinstance(value, list) else None
    if pairs is None or not all(
        _is_numbers(pair, 2) and all(isinstance(n, int) for n in pair) for pair in pairs
    ):
        raise BadRequestError(f"ranges are {value!r}, wanted a list of [first, last]")
    if any(first > last for first, last in pairs):
        raise BadRequestError("a range ends before it begins")
    return [list(pair) for pair in pairs]


def _is_numbers(value: object, count: int) -> bool:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != count:
        return False
    return all(
        isinstance(n, int | float) and not isinstance(n, bool) and abs(n) < 2**31 for n in value
    )


def _optional_text(action: Mapping[str, Any], key: str) -> str | None:
    return None if action.get(key) is None else text(action, key)


def _add_object(state: VideoState, action: Mapping[str, Any]) -> Planned:
    object_id = (
        number(action, "object_id") if action.get("object_id") is not None else _next_id(state)
    )
    return "object", {"new": True, "object_id": object_id, **_types(action)}


def _next_id(state: VideoState) -> int:
    # An id is never used twice, because undo may bring a deleted object back.
    used = {*state.objects}
    for step in (*state.undo, *state.redo):
        used |= set(step.before.objects)
    return max(used, default=0) + 1


def _change_object(state: VideoState, action: Mapping[str, Any]) -> Planned:
    return "object", {"new": False, "object_id": number(action, "object_id"), **_types(action)}


def _types(action: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _optional_text(action, key) for key in ("artifact_type", "subtype")}


def _draw(state: VideoState, action: Mapping[str, Any]) -> Planned:
    cell = [number(action, "object_id"), number(action, "frame_index"), text(action, "counts")]
    geometry = action.get("geometry")
    if geometry is not None and not isinstance(geometry, Mapping):
        raise BadRequestError("geometry is wanted as an object")
    if _size_of(geometry) > MAX_POINTS:
        raise BadRequestError(f"geometry has more than {MAX_POINTS} numbers")
    return "masks", {
        "from": "drawn",
        "masks": [cell],
        "tool": text(action, "tool"),
        "geometry": geometry,
    }


def _size_of(value: object) -> int:
    if isinstance(value, Mapping):
        return sum(map(_size_of, value.values()))
    if isinstance(value, list):
        return sum(map(_size_of, value))
    return 1


def _accept(state: VideoState, action: Mapping[str, Any]) -> Planned:
    object_id, first, last = (
        number(action, "object_id"),
        number(action, "first"),
        number(action, "last"),
    )
    masks = state.masks.get(object_id, {})
    cells = [
        [object_id, frame, mask.counts]
        for frame, mask in sorted(masks.items())
        if first <= frame <= last and not mask.is_keyframe
    ]
    if not cells:
        raise RefusedError(f"object {object_id} has nothing to accept in frames {first} to {last}")
    return "masks", {"from": "accepted", "masks": cells}


def _clean(state: VideoState, action: Mapping[str, Any]) -> Planned:
    object_id, first, last = (
        number(action, "object_id"),
        number(action, "first"),
        number(action, "last"),
    )
    max_area, what = number(action, "max_area"), text(action, "what")
    if what not in ("stray", "holes", "both"):
        raise BadRequestError(f"what is {what!r}, wanted stray, holes or both")
    size = {"height": state.video.height, "width": state.video.width}
    cells = []
    for frame, mask in sorted(state.masks.get(object_id, {}).items()):
        if first <= frame <= last and frame not in state.locked:
            counts = cleaned(mask.counts, max_area_px=max_area, what=what, **size)
            if counts != mask.counts:
                cells.append([object_id, frame, counts])
    if not cells:
        raise RefusedError(
            f"object {object_id} has no such pieces or holes in frames {first} to {last}"
        )
    data = {
        "from": "drawn",
        "masks": cells,
        "tool": "clean",
        "geometry": {"max_area_px": max_area, "what": what},
    }
    return "masks", data


def _delete(state: VideoState, action: Mapping[str, Any]) -> Planned:
    scope = text(action, "scope")
    if scope not in ("frame", "onward", "everywhere"):
        raise BadRequestError(f"scope is {scope!r}, wanted frame, onward or everywhere")
    frame_index = None if scope == "everywhere" else number(action, "frame_index")
    return "delete", {
        "object_id": number(action, "object_id"),
        "scope": scope,
        "frame_index": frame_index,
    }


def _lock(state: VideoState, action: Mapping[str, Any]) -> Planned:
    locked = text(action, "action") == "lock-frames"
    return "lock", {
        "first": number(action, "first"),
        "last": number(action, "last"),
        "locked": locked,
    }


def _seen(state: VideoState, action: Mapping[str, Any]) -> Planned:
    return "seen", {"ranges": ranges(action)}


def _approve(state: VideoState, action: Mapping[str, Any]) -> Planned:
    return "approve", {"note": _optional_text(action, "note")}


def _note(state: VideoState, action: Mapping[str, Any]) -> Planned:
    frame_index = None if action.get("frame_index") is None else number(action, "frame_index")
    return text(action, "action"), {"note": text(action, "note"), "frame_index": frame_index}


def _resolve(state: VideoState, action: Mapping[str, Any]) -> Planned:
    return "resolve", {"note_id": number(action, "note_id")}


_PLAIN = frozenset({"undo", "redo", "normal", "submit", "withdraw", "reopen"})
_WITH_DATA: Mapping[str, Any] = {
    "add-object": _add_object,
    "change-object": _change_object,
    "draw": _draw,
    "accept": _accept,
    "clean": _clean,
    "delete": _delete,
    "lock-frames": _lock,
    "unlock-frames": _lock,
    "seen": _seen,
    "approve": _approve,
    "reject": _note,
    "dispute": _note,
    "resolve": _resolve,
}
