"""Events that change a video's status: seen, submitted, approved or sent back. None of them changes
a mask.
"""

from dataclasses import replace
from typing import Literal

from .edits import require_frames
from .events import Event
from .state import EDITABLE, Note, RefusedError, VideoState, frames_of, person


def seen(state: VideoState, event: Event) -> VideoState:
    """The state after a person has looked at frames."""
    ranges = event.data["ranges"]
    require_frames(state, (frame for pair in ranges for frame in pair))
    status = "working" if state.status == "untouched" else state.status
    annotator = event.user if status == "working" and state.annotator is None else state.annotator
    return replace(state, seen=state.seen | frames_of(ranges), status=status, annotator=annotator)


def normal(state: VideoState, event: Event) -> VideoState:
    """Marks the video as normal: every frame counts as looked at, and the video as submitted."""
    _require_status(state, EDITABLE)
    if not state.is_empty:
        frames = {frame for masks in state.masks.values() for frame in masks}
        raise RefusedError(
            "the video has masks: delete them before you mark it as normal", frames=frames
        )
    everything = frozenset(range(state.video.num_frames))
    return replace(
        state, normal=True, seen=everything, status="submitted", annotator=event.user, reviewer=None
    )


def submit(state: VideoState, event: Event) -> VideoState:
    """Submits the video to a second person. Every mask must have been looked at."""
    _require_status(state, EDITABLE)
    proposed = {
        f
        for masks in state.masks.values()
        for f, mask in masks.items()
        if mask.origin == "proposal"
    }
    if proposed:
        raise RefusedError(
            "a model's proposals are still open: accept or delete them", frames=proposed
        )
    unseen = {frame for masks in state.masks.values() for frame in masks} - state.seen
    if unseen:
        raise RefusedError("nobody has looked at some masks: look at them first", frames=unseen)
    untyped = sorted(
        i for i, masks in state.masks.items() if masks and state.objects[i].artifact_type is None
    )
    if untyped:
        raise RefusedError(f"object {untyped[0]} has no artifact type: choose one")
    if not state.seen:
        raise RefusedError("no frame has been looked at")
    return replace(state, status="submitted", annotator=event.user, reviewer=None)


def withdraw(state: VideoState, event: Event) -> VideoState:
    """Takes a submitted video back; only the person who submitted it can do this."""
    _require_status(state, {"submitted"})
    if person(event.user) != person(state.annotator or ""):
        raise RefusedError(
            f"{state.annotator} submitted it: only they can take it back", code="status"
        )
    return replace(state, status="working", normal=False)


def reopen(state: VideoState, event: Event) -> VideoState:
    """Reopens an approved video for editing."""
    _require_status(state, {"approved"})
    return replace(state, status="working", normal=False, annotator=event.user, reviewer=None)


def approve(state: VideoState, event: Event) -> VideoState:
    """Approves the video; a second person does this. Open notes are closed."""
    _require_second(state, event)
    notes = tuple(replace(note, is_open=False) for note in state.notes)
    if event.data["note"]:
        notes = (*notes, _note(event, "approve", is_open=False))
    return replace(state, status="approved", reviewer=event.user, notes=notes)


def reject(state: VideoState, event: Event) -> VideoState:
    """Sends the video back with a note; a second person does this."""
    _require_second(state, event)
    _require_note(state, event)
    return replace(
        state,
        status="rejected",
        normal=False,
        reviewer=event.user,
        notes=(*state.notes, _note(event, "reject")),
    )


def dispute(state: VideoState, event: Event) -> VideoState:
    """Adds a note about a frame that is in doubt."""
    _require_note(state, event)
    return replace(state, notes=(*state.notes, _note(event, "dispute")))


def resolve(state: VideoState, event: Event) -> VideoState:
    """Closes a note."""
    note_id = event.data["note_id"]
    if not any(note.note_id == note_id and note.is_open for note in state.notes):
        raise RefusedError(f"there is no open note {note_id}", code="not-found")
    notes = tuple(
        replace(note, is_open=False) if note.note_id == note_id else note for note in state.notes
    )
    return replace(state, notes=notes)


def _require_status(state: VideoState, wanted: frozenset[str] | set[str]) -> None:
    if state.status not in wanted:
        raise RefusedError(
            f"the video is {state.status}, wanted {' or '.join(sorted(wanted))}", code="status"
        )


def _require_second(state: VideoState, event: Event) -> None:
    _require_status(state, {"submitted"})
    if person(event.user) == person(state.annotator or ""):
        raise RefusedError("you submitted it: a second person must review it", code="status")


def _require_note(state: VideoState, event: Event) -> None:
    if not event.data["note"].strip():
        raise RefusedError("write a note with the reason")
    if event.data["frame_index"] is not None:
        require_frames(state, [event.data["frame_index"]])


def _note(
    event: Event, kind: Literal["dispute", "reject", "approve"], *, is_open: bool = True
) -> Note:
    frame_index = event.data.get("frame_index")
    return Note(
        event.n, kind, event.user, event.at, event.data["note"].strip(), frame_index, is_open
    )
