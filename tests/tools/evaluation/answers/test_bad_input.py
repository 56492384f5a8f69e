"""Files of answers that say nothing, or the wrong thing: every problem before anything is
scored.
"""

import contextlib
import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from brokenvideos.tools.evaluation import EvaluationError, evaluate_answers
from brokenvideos.tools.evaluation.answers.parse import (
    UnreadableError,
    parse_boxes,
    parse_spans,
    parse_types,
    parse_yes,
)

A = {"video_id": "a", "question": "broken", "answer": "Yes"}
BOX = {"video_id": "a", "question": "where", "answer": "[]"}
PROBLEMS = {
    "stranger": (
        A | {"video_id": "z"},
        "the truth has no video z; remove its answers, or check the name",
    ),
    "of another case": (A | {"video_id": "A"}, None),
    "twice": (A, "video a 'broken' is answered already on line 1; keep one of them"),
    "cut off": ('{"video_id": "a", "ques', None),
    "not JSON": (
        "Yes",
        "not readable as JSON (Expecting value: line 1 column 1 (char 0)); wanted one object per "
        "line",
    ),
    "a list": (["a"], "['a'], wanted an object with video_id, question and answer"),
    "no video": ({"question": "broken", "answer": "Yes"}, "video_id is None, wanted text"),
    "no question": (
        A | {"question": "why"},
        "question is 'why', wanted broken, when, where or type",
    ),
    "no answer": (
        A | {"answer": None},
        'answer is None, wanted the text that the model wrote, "" if it wrote nothing',
    ),
    "no unit": (
        BOX,
        "box_unit is None, wanted 1000 or pixels: what the boxes of the answer are counted in",
    ),
    "a strange unit": (
        BOX | {"box_unit": "0-1"},
        "box_unit is '0-1', wanted 1000 or pixels: what the boxes of the answer are counted in",
    ),
    "half a part": (
        A | {"first_frame": 3},
        "first_frame and last_frame are 3 and None, wanted two frame numbers in order, or neither",
    ),
    "a part backwards": (
        A | {"first_frame": 3, "last_frame": 1},
        "first_frame and last_frame are 3 and 1, wanted two frame numbers in order, or neither",
    ),
    "no frames": (
        A | {"frames": []},
        "frames is [], wanted a list of frame numbers from 0, or nothing",
    ),
    "a frame twice": (A | {"frames": [1, 1]}, "frames is [1, 1], which names a frame twice"),
    "beyond the end": (
        A | {"first_frame": 0, "last_frame": 4},
        "video a has no frame 4, its last is 3; name frames from 0",
    ),
    "score": (A | {"score": "high"}, "score is 'high', wanted a number"),
    "score NaN": (A | {"score": math.nan}, "score is nan, wanted a number"),
}


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_line_that_is_no_answer(name: str, truth: Path, write) -> None:
    line, what = PROBLEMS[name]
    path = write(("broken",), more=[line])
    if name == "cut off":
        path.write_bytes(path.read_bytes().rstrip(b"\n"))
        what = (
            "not readable as JSON (Unterminated string starting at: line 1 column 19 (char 18)); "
            "the file ends in the middle of this line, so it was cut off: write it again"
        )
    if name == "of another case":
        path = write(("broken",), {("broken", "a"): None}, more=[line])
        what = "the truth has no video A, but a video a; rename it"
    number = len(path.read_text().splitlines())
    with pytest.raises(EvaluationError) as caught:
        evaluate_answers(truth, path)
    assert str(caught.value).splitlines() == [
        f"{path}: 1 problem in the answers, nothing was scored",
        f"{path} line {number}: {what}",
    ]


def test_a_frame_answered_twice(truth: Path, write) -> None:
    more = [BOX | {"box_unit": "pixels", "frames": [2, 3]}]
    with pytest.raises(EvaluationError) as caught:
        evaluate_answers(truth, write(("where",), more=more))
    assert "line 4: video a 'where' is answered already on line 1; keep one of them" in str(
        caught.value
    )


def test_missing_answers(truth: Path, write) -> None:
    with pytest.raises(EvaluationError) as caught:
        evaluate_answers(
            truth, write(("broken", "when"), {("broken", "b"): None, ("when", "n"): None})
        )
    hint = "answer it, or count it as wrong with --missing empty"
    assert str(caught.value).splitlines()[1:] == [
        f"video b: no answer to the question 'broken'; {hint}",
        f"video n: no answer to the question 'when'; {hint}",
    ]


def test_a_file_that_is_cut_off_anywhere(truth: Path, write) -> None:
    path = write()
    content = path.read_bytes()
    for length in range(0, len(content) - 1, 61):
        path.write_bytes(content[:length])
        with pytest.raises(EvaluationError):
            evaluate_answers(truth, path)


def test_no_such_file(truth: Path, tmp_path: Path) -> None:
    path = tmp_path / "none.jsonl"
    with pytest.raises(EvaluationError) as caught:
        evaluate_answers(truth, path)
    assert str(caught.value).splitlines()[1:] == [
        f"{path}: cannot be read (No such file or directory)"
    ]


def test_an_empty_file(truth: Path, write) -> None:
    path = write(())
    with pytest.raises(EvaluationError) as caught:
        evaluate_answers(truth, path)
    assert str(caught.value).splitlines()[1:] == [
        f"{path}: no answer in it; wanted one object per line"
    ]


@pytest.mark.parametrize(
    ("box", "why"),
    [
        ([125, 100, 375, 350], "which reaches out of the frame"),
        ([0.125, 0.1, 0.375, 0.35], "which looks like shares of 1"),
    ],
)
def test_every_box_in_another_unit_is_the_file_s_mistake(
    box: list[float], why: str, truth: Path, write
) -> None:
    text = json.dumps([{"frame": 1, "bbox_2d": box}])
    path = write(("where",), {("where", "a"): text, ("where", "b"): text})
    with pytest.raises(EvaluationError) as caught:
        evaluate_answers(truth, path)
    assert str(caught.value).splitlines()[1:] == [
        f"{path} line 1: bbox_2d is {box}, {why}; wanted pixels, left and right 0 to 80, top and "
        "bottom 0 to 40. All 2 answers with boxes are so: give the box_unit that they are in, or "
        "convert them"
    ]
    # One of several is the model's, and counts as wrong.
    found = evaluate_answers(truth, write(("where",), {("where", "a"): text}))
    assert [one.why for one in found.unreadable] == [
        f"bbox_2d is {box}, {why}; wanted pixels, left and right 0 to 80, top and bottom 0 to 40"
    ]


def boxes(text: str) -> object:
    return parse_boxes(text, frames=(1, 2), unit="1000", height=40, width=80)


UNREADABLE = {
    "NaN": (
        boxes,
        '[{"frame": 1, "bbox_2d": [1, NaN, 3, 4]}]',
        "bbox_2d is [1, nan, 3, 4], wanted four numbers: left, top, right, bottom",
    ),
    "infinite": (
        boxes,
        '[{"frame": 1, "bbox_2d": [1, 2, 3, 1e999]}]',
        "bbox_2d is [1, 2, 3, inf], wanted four numbers: left, top, right, bottom",
    ),
    "a flag": (
        boxes,
        '[{"frame": 1, "bbox_2d": [1, 2, 3, true]}]',
        "bbox_2d is [1, 2, 3, True], wanted four numbers: left, top, right, bottom",
    ),
    "turned over": (
        boxes,
        '[{"frame": 1, "bbox_2d": [5, 2, 3, 4]}]',
        "bbox_2d is [5, 2, 3, 4], wanted left below right and top below bottom",
    ),
    "below 0": (
        boxes,
        '[{"frame": 1, "bbox_2d": [-1, 2, 3, 4]}]',
        "bbox_2d is [-1, 2, 3, 4], which reaches out of the frame; wanted thousandths of the "
        "frame, left and right 0 to 1000, top and bottom 0 to 1000",
    ),
    "no frame": (boxes, '[{"bbox_2d": [1, 2, 3, 4]}]', "frame None was not asked about"),
    "another frame": (
        boxes,
        '[{"frame": 3, "bbox_2d": [1, 2, 3, 4]}]',
        "frame 3 was not asked about",
    ),
    "no object": (boxes, "[[1, 2, 3, 4]]", "[1, 2, 3, 4] is not an object with frame and bbox_2d"),
    "too deep": (boxes, "[" * 100_000, f"'{'[' * 56}... cannot be read as a JSON list"),
    "words": (parse_yes, "The answer is yes", "'The answer is yes' does not begin with Yes or No"),
    "half a thought": (parse_yes, "<think>Yes", "'<think>Yes' does not begin with Yes or No"),
    "span": (
        parse_spans,
        "[1]",
        "1 is not a span; wanted first_frame and last_frame, or start_s and end_s",
    ),
    "span backwards": (
        parse_spans,
        '{"start_s": 2, "end_s": 1}',
        "a span has start_s 2 and end_s 1; wanted numbers in order",
    ),
    "span NaN": (
        parse_spans,
        '[{"first_frame": NaN, "last_frame": 1}]',
        "a span has first_frame nan and last_frame 1; wanted numbers in order",
    ),
    "type": (
        parse_types,
        '["glitch"]',
        "'glitch' is not a type; wanted a list of motion, deformation, blur",
    ),
    "type of no text": (
        parse_types,
        "[1]",
        "1 is not a type; wanted a list of motion, deformation, blur",
    ),
    "types in a sentence": (
        parse_types,
        "It is a blur.",
        "'It is a blur' is not a type; wanted a list of motion, deformation, blur",
    ),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_a_text_that_cannot_be_read(name: str) -> None:
    read, text, why = UNREADABLE[name]
    with pytest.raises(UnreadableError) as caught:
        read(text)
    assert str(caught.value) == why


@settings(deadline=None)
@given(st.text() | st.text(alphabet='[]{}",: 0123456789.eE-framebox_2dNaNyesno'))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (parse_yes, parse_types, parse_spans, boxes):
        with contextlib.suppress(UnreadableError):
            read(text)


def test_texts_that_can_be_read() -> None:
    assert parse_yes("<think>No, no.</think>\n**YES.**")
    assert not parse_yes("No artifact")
    assert parse_types("none") == parse_types("[]") == frozenset()
    assert parse_types("Motion, blur.") == parse_types('["blur", "motion"]') == {"motion", "blur"}
    assert boxes('```json\n{"frame": 2, "bbox_2d": [0, 0, 1000, 500], "label": "blur"}\n```') == {
        2: [(0, 0, 80, 20)]
    }


def test_seconds_of_a_truth_that_knows_no_times(truth: Path, write) -> None:
    found = evaluate_answers(
        truth, write(("when",), {("when", "a"): '[{"start_s": 0, "end_s": 1}]'})
    )
    assert [one.why for one in found.unreadable] == [
        "a span in seconds, but the truth does not say when frames are shown; wanted frames"
    ]
    found = evaluate_answers(
        truth, write(("when",), {("when", "a"): '[{"first_frame": 0, "last_frame": 9}]'})
    )
    assert [one.why for one in found.unreadable] == [
        "a span of frames 0 to 9; the video has frames 0 to 3"
    ]
