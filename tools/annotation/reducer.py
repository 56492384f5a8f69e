"""Computes the state of a video from its events: a pure function, so that only the log must be
stored.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from ...masks import check
from . import edits, review
from .events import LOG_FORMAT, Event
from .parts import put, snapshot
from .state import (
    EDITABLE,
    AnnotatedObject,
    Mask,
    Part,
    RefusedError,
    Step,
    VideoFacts,
    VideoState,
    frames_of,
)

IDLE_S = 60.0
"""Longest gap in seconds between two events of one person that counts fully as active time."""


def fold(events: Iterable[Event]) -> VideoState:
    """The state after all events.

    Raises:
        RefusedError: there is no event, or an event is not possible in the state before it.
    """
    state: VideoState | None = None
    for event in events:
        state = start(event) if state is None else apply(state, event)
    if state is None:
        raise RefusedError("an empty log; wanted a start event")
    return state


def start(event: Event) -> VideoState:
    """The state after the first event of a log, which holds the video's facts and existing masks.

    Raises:
        RefusedError: the event is not a start event, or it has a later format.
    """
    data = event.data
    if event.kind != "start" or event.n != 1:
        raise RefusedError(
            f"the log begins with event {event.n} {event.kind}, wanted event 1 start"
        )
    if data["log_format"] != LOG_FORMAT:
        raise RefusedError(
            f"log format {data['log_format']}, wanted {LOG_FORMAT}; a later version wrote it: use "
            "that"
        )
    video = VideoFacts(**data["video"])
    masks: dict[int, dict[int, Mask]] = {}
    for object_id, frame_index, counts in data["masks"]:
        check([counts], height=video.height, width=video.width)
        mask = Mask(counts=counts, origin="imported", user=event.user, event=1)
        masks.setdefault(object_id, {})[frame_index] = mask
    for object_id, frame_index, counts in data.get("proposed", ()):
        check([counts], height=video.height, width=video.width)
        mask = Mask(counts=counts, origin="proposal", user=data["proposed_by"], event=1)
        masks.setdefault(object_id, {})[frame_index] = mask
    return VideoState(
        video=video,
        revision=1,
        about=data["about"],
        status=data["status"],
        annotator=data["annotator"],
        objects={item["object_id"]: AnnotatedObject(**item) for item in data["objects"]},
        masks=masks,
        seen=frames_of(data["seen"]) - {frame for _, frame, _ in data.get("proposed", ())},
    )


def apply(state: VideoState, event: Event) -> VideoState:
    """The state after one more event.

    Raises:
        RefusedError: the event is not possible in this state; the message is for the person.
    """
    if event.n != state.revision + 1:
        raise RefusedError(
            f"event {event.n} after event {state.revision}; wanted {state.revision + 1}"
        )
    if event.kind in _EDITS:
        after = _edit(state, event)
    elif event.kind in _OTHERS:
        after = _OTHERS[event.kind](state, event)
    else:
        raise RefusedError(f"event {event.n}: a second {event.kind}")
    return replace(_timed(after, event), revision=event.n)


def _edit(state: VideoState, event: Event) -> VideoState:
    """The state after an event that can be undone."""
    _require_editable(state)
    label, part = _EDITS[event.kind](state, event)
    before = snapshot(state, part)
    undo = state.undo
    if undo and event.step and undo[-1].name == event.step:
        step = Step(undo[-1].label, event.step, _earlier(undo[-1].before, before))
        undo = (*undo[:-1], step)
    else:
        undo = (*undo, Step(label, event.step, before))
    return replace(put(state, part), undo=undo, redo=(), **_worked(state, event))


def _earlier(first: Part, then: Part) -> Part:
    """The values before two consecutive steps."""
    return Part(
        {**then.masks, **first.masks},
        {**then.objects, **first.objects},
        {**then.seen, **first.seen},
        {**then.locked, **first.locked},
    )


def _undo(state: VideoState, event: Event) -> VideoState:
    undo, redo, state = _taken_back(state, state.undo, state.redo, "undo")
    return replace(state, undo=undo, redo=redo, **_worked(state, event))


def _redo(state: VideoState, event: Event) -> VideoState:
    redo, undo, state = _taken_back(state, state.redo, state.undo, "redo")
    return replace(state, undo=undo, redo=redo, **_worked(state, event))


Steps = tuple[Step, ...]


def _taken_back(
    state: VideoState, steps: Steps, others: Steps, word: str
) -> tuple[Steps, Steps, VideoState]:
    """Undo or redo: the steps without the last one, the opposite steps with its inverse, and the
    new state.
    """
    _require_editable(state)
    if not steps:
        raise RefusedError(f"there is nothing to {word}")
    step = steps[-1]
    back = Step(step.label, step.name, snapshot(state, step.before))
    return steps[:-1], (*others, back), put(state, step.before)


def _require_editable(state: VideoState) -> None:
    if state.status not in EDITABLE:
        do = {"submitted": "take it back first", "approved": "reopen it first"}[state.status]
        raise RefusedError(f"the video is {state.status}: {do}", code="status")


def _worked(state: VideoState, event: Event) -> dict[str, Any]:
    return {"status": "working", "normal": False, "annotator": event.user}


def _engine(state: VideoState, event: Event) -> VideoState:
    return replace(state, engine=(event.n, dict(event.data["facts"])))


def _video(state: VideoState, event: Event) -> VideoState:
    """A file that was changed on disk and is taken as it is now."""
    video = VideoFacts(**event.data["video"])
    old = state.video
    if (video.height, video.width, video.num_frames) != (old.height, old.width, old.num_frames):
        raise RefusedError(
            f"the video has {video.num_frames} frames of {video.width}x{video.height} now, the "
            f"masks belong to {old.num_frames} of {old.width}x{old.height}: put the old file back"
        )
    return replace(state, video=video)


def _timed(state: VideoState, event: Event) -> VideoState:
    now = datetime.fromisoformat(event.at).timestamp()
    last = state.active_at.get(event.user)
    gap = 0.0 if last is None else min(max(now - last, 0.0), IDLE_S)
    seconds = {**state.seconds, event.user: state.seconds.get(event.user, 0.0) + gap}
    return replace(state, seconds=seconds, active_at={**state.active_at, event.user: now})


_EDITS: Mapping[str, Callable[[VideoState, Event], tuple[str, Part]]] = {
    "object": edits.object_part,
    "masks": edits.masks_part,
    "delete": edits.delete_part,
    "lock": edits.lock_part,
}

_OTHERS: Mapping[str, Callable[[VideoState, Event], VideoState]] = {
    "engine": _engine,
    "video": _video,
    "undo": _undo,
    "redo": _redo,
    "seen": review.seen,
    "normal": review.normal,
    "submit": review.submit,
    "withdraw": review.withdraw,
    "reopen": review.reopen,
    "approve": review.approve,
    "reject": review.reject,
    "dispute": review.dispute,
    "resolve": review.resolve,
}
