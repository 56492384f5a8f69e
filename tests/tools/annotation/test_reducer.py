"""state = fold(events): what holds for every log, and each kind of event by itself."""

import pytest
from hypothesis import given, settings, strategies as st

from brokenvideos.masks import area
from brokenvideos.tools.annotation.events import Event, from_line, to_line
from brokenvideos.tools.annotation.reducer import apply, fold, start
from brokenvideos.tools.annotation.state import RefusedError, ranges_of
from tests.tools.annotation.events_in import (
    BAR,
    FRAMES,
    HEIGHT,
    NOTHING,
    SQUARE,
    WIDTH,
    drawn,
    log,
    masks,
    new_object,
    plain,
    seen,
    start_data,
)

COUNTS = st.sampled_from([SQUARE, BAR, NOTHING, None])
IDS = st.integers(1, 3)
FRAME = st.integers(0, FRAMES - 1)
PAIR = st.tuples(FRAME, FRAME).map(sorted)
CELLS = st.lists(
    st.tuples(IDS, FRAME, COUNTS).map(list),
    min_size=1,
    max_size=4,
    unique_by=lambda cell: tuple(cell[:2]),
)
EVENTS = st.one_of(
    st.builds(
        lambda i, new: (
            "object",
            {"new": new, "object_id": i, "artifact_type": "blur", "subtype": None},
            "",
        ),
        IDS,
        st.booleans(),
    ),
    st.builds(
        lambda cells, origin, step: (
            "masks",
            {"from": origin, "masks": cells},
            step if origin == "propagated" else "",
        ),
        CELLS,
        st.sampled_from(["prompt", "drawn", "accepted", "propagated"]),
        st.sampled_from(["", "j-1", "j-2"]),
    ),
    st.builds(
        lambda i, scope, f: ("delete", {"object_id": i, "scope": scope, "frame_index": f}, ""),
        IDS,
        st.sampled_from(["frame", "onward", "everywhere"]),
        FRAME,
    ),
    st.builds(
        lambda pair, locked: ("lock", {"first": pair[0], "last": pair[1], "locked": locked}, ""),
        PAIR,
        st.booleans(),
    ),
    st.builds(lambda pair: ("seen", {"ranges": [list(pair)]}, ""), PAIR),
    st.sampled_from(
        [
            (kind, {}, "")
            for kind in ("undo", "undo", "redo", "normal", "submit", "withdraw", "reopen")
        ]
    ),
    st.sampled_from(
        [
            ("approve", {"note": None}, ""),
            ("reject", {"note": "look", "frame_index": 3}, ""),
            ("dispute", {"note": "why", "frame_index": 2}, ""),
            ("resolve", {"note_id": 4}, ""),
        ]
    ),
)
LOGS = st.lists(st.tuples(EVENTS, st.sampled_from(["Ada", "Ben"])), max_size=40)
IMPORTED = {
    "objects": [{"object_id": 1, "artifact_type": "motion", "subtype": None, "created_by": ""}],
    "masks": [[1, 2, SQUARE], [1, 3, BAR]],
    "seen": [[0, 5]],
}


def run(planned):
    """The events of a plan that are possible, each with the state before and after it."""
    first = Event(1, "2026-01-01T00:00:00+00:00", "", "start", start_data(**IMPORTED))
    state, steps = start(first), [(first, None, start(first))]
    for number, ((kind, data, step), user) in enumerate(planned):
        event = Event(
            state.revision + 1, f"2026-01-01T00:00:{number:02d}+00:00", user, kind, data, "", step
        )
        try:
            after = apply(state, event)
        except RefusedError:
            continue
        steps.append((event, state, after))
        state = after
    return steps


def content(state):
    return (
        dict(state.objects),
        {key: dict(found) for key, found in state.masks.items()},
        state.locked,
    )


@settings(max_examples=150, deadline=None)
@given(LOGS)
def test_a_log_gives_the_same_state_however_it_is_read(planned):
    steps = run(planned)
    events = [event for event, _, _ in steps]
    assert fold(events) == steps[-1][2]
    assert fold(from_line(to_line(event)) for event in events) == steps[-1][2]


@settings(max_examples=150, deadline=None)
@given(LOGS)
def test_everything_is_undone_and_done_again(planned):
    steps = run(planned)
    last = steps[-1][2]
    if last.status not in ("untouched", "working", "rejected"):
        return
    state = last
    while state.undo:
        state = apply(
            state, Event(state.revision + 1, "2026-01-01T00:01:00+00:00", "Ada", "undo", {})
        )
    assert content(state) == content(steps[0][2])
    while state.redo:
        state = apply(
            state, Event(state.revision + 1, "2026-01-01T00:01:00+00:00", "Ada", "redo", {})
        )
    if not last.redo:  # else more comes back than there was at the end
        assert content(state) == content(last)


@settings(max_examples=150, deadline=None)
@given(LOGS)
def test_no_engine_overwrites_a_persons_mask_and_nothing_changes_behind_a_lock(planned):
    for event, before, after in run(planned)[1:]:
        for object_id, found in before.masks.items():
            for frame, mask in found.items():
                now = after.mask(object_id, frame)
                if (
                    event.kind == "masks"
                    and event.data["from"] == "propagated"
                    and mask.is_keyframe
                ):
                    assert now is mask
                if event.kind not in ("undo", "redo") and frame in before.locked:
                    assert now is mask


@settings(max_examples=150, deadline=None)
@given(LOGS)
def test_what_holds_in_every_state(planned):
    for _, _, state in run(planned):
        size = {"height": HEIGHT, "width": WIDTH}
        for object_id, found in state.masks.items():
            assert object_id in state.objects
            assert all(
                mask.is_keyframe or area([mask.counts], **size)[0] > 0 for mask in found.values()
            )
        if state.status in ("submitted", "approved"):
            assert {frame for found in state.masks.values() for frame in found} <= state.seen
            assert state.normal or not state.is_empty or state.seen
        if state.normal:
            assert state.is_empty
            assert ranges_of(state.seen) == [[0, FRAMES - 1]]
        if state.status == "approved" and state.reviewer is not None:
            assert state.reviewer != state.annotator


# --- Each kind by itself --------------------------------------------------------------------------


def test_a_person_sees_the_frame_they_draw_on_and_what_is_propagated_is_to_be_looked_at():
    before = fold(log(new_object(), seen(0, 5), drawn(1, 7)))
    assert ranges_of(before.seen) == [[0, 5], [7, 7]]
    made = masks("propagated", (1, 5, SQUARE), (1, 6, SQUARE), (1, 4, NOTHING), step="j")
    after = fold(log(new_object(), seen(0, 5), drawn(1, 7), made))
    assert ranges_of(after.seen) == [[0, 4], [7, 7]]
    assert after.mask(1, 4) is None


def test_a_propagation_is_undone_at_once_and_frames_are_seen_again_as_they_were():
    events = log(
        new_object(),
        seen(0, 5),
        drawn(1, 2),
        masks("propagated", (1, 3, BAR), step="j"),
        seen(3, 3),
        masks("propagated", (1, 4, BAR), step="j"),
        plain("undo"),
    )
    state = fold(events)
    assert {key: list(found) for key, found in state.masks.items()} == {1: [2]}
    assert ranges_of(state.seen) == [[0, 5]]
    assert [step.label for step in state.redo] == ["propagate object 1"]


def test_a_person_says_that_the_object_is_not_there():
    state = fold(log(new_object(), drawn(1, 2, NOTHING)))
    mask = state.mask(1, 2)
    assert mask is not None
    assert (mask.counts, mask.is_keyframe) == (NOTHING, True)


def test_the_three_ways_to_delete():
    events = (new_object(), drawn(1, 2), drawn(1, 4), drawn(1, 6))
    locked = plain("lock", first=6, last=6, locked=True)

    def left(*more):
        state = fold(log(*events, *more))
        return {key: list(found) for key, found in state.masks.items()}, list(state.objects)

    delete = "Ada", "delete"
    assert left((*delete, {"object_id": 1, "scope": "frame", "frame_index": 4})) == (
        {1: [2, 6]},
        [1],
    )
    assert left((*delete, {"object_id": 1, "scope": "onward", "frame_index": 3})) == ({1: [2]}, [1])
    assert left(locked, (*delete, {"object_id": 1, "scope": "onward", "frame_index": 3})) == (
        {1: [2, 6]},
        [1],
    )
    assert left((*delete, {"object_id": 1, "scope": "everywhere", "frame_index": None})) == ({}, [])


def test_time_is_counted_by_person_and_a_long_pause_as_a_minute():
    events = log(new_object(), drawn(1, 2))
    late = Event(4, "2026-01-01T05:00:00+00:00", "Ada", "seen", {"ranges": [[0, 1]]})
    other = Event(5, "2026-01-01T05:00:02+00:00", "Ben", "seen", {"ranges": [[0, 1]]})
    assert fold([*events, late, other]).seconds == {"Ada": 61.0, "Ben": 0.0}


def test_a_second_person_reviews():
    work = (new_object(), drawn(1, 2), plain("submit"))
    approved = fold(log(*work, plain("approve", user="Ben", note="fine")))
    assert (approved.status, approved.annotator, approved.reviewer) == ("approved", "Ada", "Ben")
    back = plain("reject", user="Ben", note="the edge", frame_index=2)
    rejected = fold(log(*work, back))
    assert (rejected.status, [note.note for note in rejected.notes if note.is_open]) == (
        "rejected",
        ["the edge"],
    )
    again = fold(
        log(*work, back, drawn(1, 2, BAR), plain("submit"), plain("approve", user="Ben", note=None))
    )
    assert (again.status, [note.is_open for note in again.notes]) == ("approved", [False])


def test_normal_counts_as_looked_at_and_as_handed_in():
    state = fold(log(plain("normal")))
    assert (state.status, state.label, ranges_of(state.seen)) == (
        "submitted",
        "normal",
        [[0, FRAMES - 1]],
    )


def test_a_proposal_is_one_until_somebody_accepts_it():
    proposed = {
        "objects": [
            {"object_id": 1, "artifact_type": None, "subtype": None, "created_by": "model m"}
        ],
        "proposed_by": "model m",
        "proposed": [[1, 2, SQUARE], [1, 3, BAR]],
    }
    before = fold(log(seen(), start=proposed))
    assert [mask.origin for mask in before.masks[1].values()] == ["proposal", "proposal"]
    typed = plain("object", new=False, object_id=1, artifact_type="blur", subtype=None)
    accepted = masks("accepted", (1, 2, SQUARE))
    gone = plain("delete", object_id=1, scope="frame", frame_index=3)
    after = fold(log(seen(), typed, accepted, gone, plain("submit"), start=proposed))
    assert after.status == "submitted"
    assert {frame: (mask.origin, mask.user) for frame, mask in after.masks[1].items()} == {
        2: ("accepted", "Ada")
    }


WORK = (new_object(), drawn(1, 2))
REFUSED = {
    "an object twice": ((new_object(), new_object()), "object 1 exists already"),
    "an object id": ((new_object(70000),), "object_id is 70000, wanted 1 to 65535"),
    "an artifact type": (
        (new_object(1, "flicker"),),
        "artifact type 'flicker' is unknown; wanted motion, deformation, blur",
    ),
    "a mask without its object": ((drawn(1, 2),), "there is no object 1"),
    "a frame beyond the end": (
        (new_object(), drawn(1, 12)),
        "the video has no frame 12, only frames 0 to 11",
    ),
    "no mask at all": ((new_object(), drawn(1, 2, 7)), "a mask is int, wanted a COCO RLE string"),
    "a mask of another size": (
        (new_object(), drawn(1, 2, "11")),
        "a mask is not a COCO RLE of 8x6: mask 0: the runs sum to 2, wanted 48 = 6 x 8 pixels. "
        "Check that height and width are those of the mask, in this order, and encode it again if "
        "they are.",
    ),
    "a locked frame": (
        (*WORK, plain("lock", first=1, last=3, locked=True), drawn(1, 2)),
        "frame 2 locked: unlock first",
    ),
    "locked frames": (
        (
            *WORK,
            plain("lock", first=1, last=3, locked=True),
            masks("accepted", (1, 2, BAR), (1, 3, BAR)),
        ),
        "frames 2 to 3 locked: unlock first",
    ),
    "a person's mask": (
        (*WORK, masks("propagated", (1, 2, BAR))),
        "object 1 has a person's mask in frame 2",
    ),
    "a mask to delete": (
        (*WORK, plain("delete", object_id=1, scope="frame", frame_index=3)),
        "object 1 has no mask there",
    ),
    "an object that a locked frame holds": (
        (
            *WORK,
            plain("lock", first=2, last=2, locked=True),
            plain("delete", object_id=1, scope="everywhere", frame_index=None),
        ),
        "frame 2 locked: unlock first",
    ),
    "frames the wrong way": (
        (plain("lock", first=4, last=2, locked=True),),
        "frames 4 to 2: wanted the first one first",
    ),
    "nothing to undo": ((plain("undo"),), "there is nothing to undo"),
    "nothing to redo": ((*WORK, plain("redo")), "there is nothing to redo"),
    "work on what is submitted": (
        (*WORK, plain("submit"), drawn(1, 3)),
        "the video is submitted: take it back first",
    ),
    "work on what is approved": (
        (*WORK, plain("submit"), plain("approve", user="Ben", note=None), drawn(1, 3)),
        "the video is approved: reopen it first",
    ),
    "normal with masks": (
        (*WORK, plain("normal")),
        "the video has masks: delete them before you mark it as normal",
    ),
    "unseen masks": (
        (*WORK, masks("propagated", (1, 3, BAR), step="j"), plain("submit")),
        "nobody has looked at some masks: look at them first",
    ),
    "an untyped object": (
        (new_object(1, None), drawn(1, 2), plain("submit")),
        "object 1 has no artifact type: choose one",
    ),
    "a video nobody looked at": ((plain("submit"),), "no frame has been looked at"),
    "one's own review": (
        (*WORK, plain("submit"), plain("approve", user=" aDA ", note=None)),
        "you submitted it: a second person must review it",
    ),
    "somebody else's submission": (
        (*WORK, plain("submit"), plain("withdraw", user="Ben")),
        "Ada submitted it: only they can take it back",
    ),
    "a review of what is not submitted": (
        (*WORK, plain("approve", user="Ben", note=None)),
        "the video is working, wanted submitted",
    ),
    "a rejection without a word": (
        (*WORK, plain("submit"), plain("reject", user="Ben", note=" ", frame_index=None)),
        "write a note with the reason",
    ),
    "a note that is not there": ((plain("resolve", note_id=3),), "there is no open note 3"),
    "another video": (
        (plain("video", video={**start_data()["video"], "num_frames": 11}),),
        "the video has 11 frames of 8x6 now, the masks belong to 12 of 8x6: put the old file back",
    ),
    "a second start": ((plain("start"),), "event 2: a second start"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_possible_is_refused(name):
    events, message = REFUSED[name]
    with pytest.raises(RefusedError) as caught:
        fold(log(*events))
    assert str(caught.value) == message


def test_a_log_begins_with_a_start_of_this_format():
    for events, message in (
        ([], "an empty log; wanted a start event"),
        (
            [Event(1, "2026-01-01T00:00:00+00:00", "Ada", "undo", {})],
            "the log begins with event 1 undo, wanted event 1 start",
        ),
        (
            log(start={"log_format": 2}),
            "log format 2, wanted 1; a later version wrote it: use that",
        ),
    ):
        with pytest.raises(RefusedError) as caught:
            fold(events)
        assert str(caught.value) == message
