"""What is asked about a row, and what is right to answer."""

import json
from typing import Any

import numpy as np
import pytest

from brokenvideos.builder.chat import (
    ChatOptions,
    Conversation,
    box_in_pixels,
    box_in_unit,
    chosen_frames,
    conversations,
    spans_of,
    stretches_of,
)
from brokenvideos.masks import ARTIFACT_TYPES, encode

HEIGHT, WIDTH, FRAMES = 40, 60, 12
SIZE = {"height": HEIGHT, "width": WIDTH}


def counts(left: int, top: int, right: int, bottom: int) -> str:
    mask = np.zeros((1, HEIGHT, WIDTH), np.bool_)
    mask[0, top:bottom, left:right] = True
    return encode(mask)[0]


def row_of(
    masks: list[tuple[int, int, str]],
    *,
    kinds: dict[int, str | None],
    annotated: list[int] | None = None,
    video_id: str = "a",
) -> dict[str, Any]:
    """A row of 12 frames, 4 a second, of which the third is shown for half a second; masks are
    (object, frame, counts).
    """
    return {
        "video_id": video_id,
        **SIZE,
        "num_frames": FRAMES,
        "fps": 4.0,
        "frame_pts": [10 + i + (i > 2) for i in range(FRAMES)],
        "time_base": {"num": 1, "den": 4},
        "annotated_frames": list(range(FRAMES)) if annotated is None else annotated,
        "objects": {
            "object_id": list(kinds),
            "artifact_type": [
                None if kind is None else ARTIFACT_TYPES.index(kind) for kind in kinds.values()
            ],
        },
        "masks": {
            "object_id": [one[0] for one in masks],
            "frame_index": [one[1] for one in masks],
            "counts": [one[2] for one in masks],
        },
    }


BROKEN = row_of(
    [(2, 5, counts(0, 0, 1, 1)), *((1, frame, counts(6, 8, 30, 20)) for frame in (2, 3, 4, 5))],
    kinds={1: "deformation", 2: "motion"},
)
NORMAL = row_of([], kinds={}, video_id="b")


def by_name(row: dict[str, Any], **options: Any) -> dict[str, Conversation]:
    found = conversations(row, "train", ChatOptions(**options))
    assert len({one.name for one in found}) == len(found)
    return {one.name: one for one in found}


def test_every_question_about_a_broken_video() -> None:
    found = by_name(BROKEN, num_frames=FRAMES)
    assert found["a-broken"].answer == "Yes"
    span = {"first_frame": 2, "last_frame": 5, "start_s": 0.5, "end_s": 1.75}
    assert json.loads(found["a-when"].answer) == [span]
    assert json.loads(found["a-type"].answer) == ["motion", "deformation"]
    where = found["a-where"]
    assert where.frames == tuple(range(FRAMES))
    large = {"bbox_2d": [100, 200, 500, 500], "label": "deformation"}
    assert json.loads(where.answer) == [
        *({"frame": frame, **large} for frame in (2, 3, 4, 5)),
        {"frame": 5, "bbox_2d": [0, 0, 17, 25], "label": "motion"},
    ]
    assert "0 to 1000" in where.text


def test_boxes_in_pixels_are_exact_and_the_question_says_so() -> None:
    where = by_name(BROKEN, num_frames=FRAMES, unit="pixels")["a-where"]
    assert where.box_unit == "pixels"
    assert "in pixels of the frame, which is 60 wide and 40 high" in where.text
    assert json.loads(where.answer)[-1]["bbox_2d"] == [0, 0, 1, 1]


def test_a_normal_video_is_asked_the_same() -> None:
    found = by_name(NORMAL)
    answers = {one.question: one.answer for one in found.values() if one.is_whole}
    assert answers == {"broken": "No", "when": "[]", "where": "[]", "type": "[]"}
    (stretch,) = [one for one in found.values() if not one.is_whole]
    assert (stretch.question, stretch.answer) == ("broken", "No")
    assert stretch.last_frame - stretch.first_frame == 2


def test_a_marked_stretch_and_one_without_a_mark_of_the_same_video() -> None:
    stretches = [one for one in by_name(BROKEN).values() if not one.is_whole]
    said = {one.answer: set(range(one.first_frame, one.last_frame + 1)) for one in stretches}
    assert said.keys() == {"Yes", "No"}
    assert said["Yes"] <= {2, 3, 4, 5}
    assert not said["No"] & {2, 3, 4, 5}
    assert all(
        "Look only at frames" in one.text and "broken in these frames" in one.text
        for one in stretches
    )
    assert "broken in the video" in by_name(BROKEN)["a-broken"].text


def test_frames_that_are_shown_are_named_with_their_times() -> None:
    found = by_name(BROKEN, media="frames", num_frames=FRAMES)
    assert found["a-broken"].text.startswith(
        "These are frames 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 11 of a video, at 0.00, "
    )
    assert found["a-broken"].frames == tuple(range(FRAMES))
    one = by_name(BROKEN, media="frames", num_frames=1)
    assert one["a-when"].text.startswith(f"This is frame {one['a-when'].frames[0]} of a video, at ")  # type: ignore[index]


def test_spans_of_shown_frames_are_those_that_can_be_seen() -> None:
    found = by_name(BROKEN, media="frames", num_frames=4, seed=3)["a-when"]
    seen = [frame for frame in found.frames or () if 2 <= frame <= 5]
    (span,) = json.loads(found.answer)
    assert (span["first_frame"], span["last_frame"]) == (seen[0], seen[-1])


@pytest.mark.parametrize("seed", range(8))
def test_something_marked_is_always_shown_of_a_broken_video(seed: int) -> None:
    short = row_of([(1, 7, counts(0, 0, 5, 5))], kinds={1: "blur"})
    found = by_name(short, media="frames", num_frames=2, seed=seed)
    assert 7 in (found["a-where"].frames or ())


def test_the_same_seed_gives_the_same_whatever_is_beside_and_another_gives_others() -> None:
    assert conversations(BROKEN, "train", ChatOptions(num_frames=3)) == conversations(
        BROKEN, "train", ChatOptions(num_frames=3)
    )
    chosen = {by_name(BROKEN, num_frames=3, seed=seed)["a-where"].frames for seed in range(6)}
    assert len(chosen) > 1
    other = BROKEN | {"video_id": "c"}
    assert any(
        by_name(BROKEN, num_frames=3, seed=seed)["a-where"].frames
        != by_name(other, num_frames=3, seed=seed)["c-where"].frames
        for seed in range(6)
    )


def test_a_video_that_nobody_looked_at_is_not_asked_about() -> None:
    assert conversations(row_of([], kinds={}, annotated=[]), "test", ChatOptions()) == []


def test_frames_that_nobody_looked_at_are_neither_shown_nor_marked_free() -> None:
    row = row_of(
        [(1, frame, counts(0, 0, 9, 9)) for frame in (4, 8)], kinds={1: "blur"}, annotated=[0, 4, 8]
    )
    found = by_name(row, num_frames=8)
    assert found["a-where"].frames == (0, 4, 8)
    (span,) = json.loads(found["a-when"].answer)
    assert (span["first_frame"], span["last_frame"]) == (4, 8)


def test_a_type_that_nobody_gave_is_not_asked_and_its_box_is_an_artifact() -> None:
    row = row_of([(1, 3, counts(0, 0, 9, 9))], kinds={1: None})
    found = by_name(row, num_frames=FRAMES)
    assert "a-type" not in found
    assert json.loads(found["a-where"].answer)[0]["label"] == "artifact"


@pytest.mark.parametrize("options", [{"num_frames": 0}, {"seed": -1}])
def test_options_that_cannot_be(options: dict[str, int]) -> None:
    with pytest.raises(ValueError) as caught:
        ChatOptions(**options)  # type: ignore[arg-type]
    frames, seed = options.get("num_frames", 8), options.get("seed", 0)
    assert (
        str(caught.value)
        == f"num_frames {frames}, seed {seed}: wanted at least 1 frame and a seed of at least 0"
    )


def test_units_of_boxes() -> None:
    assert box_in_unit((6, 8, 30, 20), "1000", **SIZE) == [100, 200, 500, 500]
    assert box_in_pixels((100, 200, 500, 500), "1000", **SIZE) == (6, 8, 30, 20)
    assert box_in_pixels((6, 8, 30, 20), "pixels", **SIZE) == (6, 8, 30, 20)
    # A box narrower than one of the unit keeps an inside, at the edge too.
    assert box_in_unit((3998, 0, 3999, 1), "1000", height=4000, width=4000) == [999, 0, 1000, 1]
    assert box_in_unit((3999, 3999, 4000, 4000), "1000", height=4000, width=4000) == [
        999,
        999,
        1000,
        1000,
    ]


def test_spans_stretches_and_choices_of_few_frames() -> None:
    stream = np.random.default_rng(0)
    assert spans_of([], set()) == []
    assert [(span.first, span.last) for span in spans_of([0, 2, 4, 6], {0, 4, 6})] == [
        (0, 0),
        (4, 6),
    ]
    assert chosen_frames([], 3, stream=stream, marked=()) == ()
    assert chosen_frames([5, 9], 3, stream=stream, marked=()) == (5, 9)
    assert stretches_of([3], {3}, stream=stream) == [(3,)]
