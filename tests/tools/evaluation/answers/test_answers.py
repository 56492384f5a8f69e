"""Scores of answers, worked out by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from brokenvideos.builder.export import ExportOptions, export
from brokenvideos.tools.evaluation import evaluate_answers
from brokenvideos.tools.evaluation.answers.score import box_iou, confusions, filled
from brokenvideos.tools.evaluation.answers.values import AnswerContent
from brokenvideos.tools.evaluation.truth import AnnotatedVideo, Masklet


def values(found, floor: str | None = None) -> dict[str, float]:
    scores = found.scores if floor is None else found.floors[floor]
    return {name: round(one.value, 6) for name, one in scores.items()}


PERFECT = {
    "accuracy": 1.0,
    "yes_broken": 1.0,
    "yes_normal": 0.0,
    "auroc": 1.0,
    "temporal_iou": 1.0,
    "false_spans": 0.0,
    "jf": 1.0,
    "j": 1.0,
    "f": 1.0,
    "active_jf": 1.0,
    "box_iou": 1.0,
    "normal_jf": 1.0,
    "false_boxes": 0.0,
}


def test_right_answers_where_masks_are_boxes(truth: Path, write) -> None:
    found = evaluate_answers(truth, write())
    assert values(found) == PERFECT
    assert found.unreadable == ()
    assert found.num_answers == 9
    json.dumps(found.to_dict(), allow_nan=False)


def test_floors_stand_beside_and_exact_boxes_on_top(truth: Path, write) -> None:
    found = evaluate_answers(truth, write())
    assert values(found, "always-yes") == {
        "accuracy": 0.666667,
        "yes_broken": 1.0,
        "yes_normal": 1.0,
        "auroc": 0.5,
    }
    assert values(found, "whole-video") == {"temporal_iou": 0.5, "false_spans": 1.0}
    whole = values(found, "whole-frame-box")
    share = (10 * 20 + 16 * 20) / (40 * 80)  # of the frame is marked in two of four frames
    assert whole["j"] == pytest.approx(share / 2)
    assert whole["box_iou"] == pytest.approx(16 * 20 / (40 * 80) / 2)
    assert whole["false_boxes"] == 1.0
    middle = values(found, "centre-box")  # 20 to 60 and 10 to 30
    both = 10 * 4 + 20 * 10
    assert middle["j"] == pytest.approx(both / (520 + 800 - both) / 2)
    assert values(found, "exact-boxes")["active_jf"] == 1.0
    assert evaluate_answers(truth, write(), floors=False).floors == {}


def test_one_of_two_boxes_and_one_of_two_frames(truth: Path, write) -> None:
    box = json.dumps([{"frame": 1, "bbox_2d": [10, 4, 30, 14]}])
    found = evaluate_answers(truth, write(change={("where", "a"): box}))
    (a,) = [video for video in found.videos if video.video_id == "a"]
    j = 200 / 520
    assert a.scores["j"] == pytest.approx((1 + j + 0 + 1) / 4)
    assert a.scores["box_iou"] == pytest.approx((1 / 2 + 0) / 2)


def test_an_answer_that_cannot_be_read_is_wrong_and_listed(truth: Path, write) -> None:
    change = {
        ("broken", "a"): "Perhaps",
        ("broken", "n"): "",
        ("when", "a"): "from the beginning",
        ("when", "n"): "[{",
        ("where", "a"): json.dumps([{"frame": 1, "bbox_2d": [1, 2, 3]}]),
        ("where", "n"): "I see nothing.",
    }
    found = evaluate_answers(truth, write(change=change))
    by_video = {video.video_id: dict(video.scores) for video in found.videos}
    assert by_video["a"] == {
        "accuracy": 0.0,
        "yes_broken": 0.0,
        "temporal_iou": 0.0,
        "jf": 0.0,
        "j": 0.0,
        "f": 0.0,
        "active_jf": 0.0,
        "box_iou": 0.0,
    }
    assert by_video["n"] == {
        "accuracy": 0.0,
        "yes_normal": 1.0,
        "false_spans": 1.0,
        "normal_jf": 0.0,
        "false_boxes": 1.0,
    }
    assert found.scores["auroc"].value == 0.0
    assert [(one.line, one.video_id, one.question, one.why) for one in found.unreadable] == [
        (1, "a", "broken", "'Perhaps' does not begin with Yes or No"),
        (3, "n", "broken", "'' does not begin with Yes or No"),
        (4, "a", "when", "'from the beginning' has no JSON list"),
        (6, "n", "when", "'[{' cannot be read as a JSON list"),
        (7, "a", "where", "bbox_2d is [1, 2, 3], wanted four numbers: left, top, right, bottom"),
        (9, "n", "where", "'I see nothing.' has no JSON list"),
    ]
    last = "- line 9 video n where: 'I see nothing.' has no JSON list"
    assert found.table().splitlines()[-7::6] == [
        "6 of 9 answers cannot be read and count as wrong:",
        last,
    ]
    assert len(found.to_dict()["unreadable"]) == 6


def test_scores_rank_where_they_are_given(truth: Path, write) -> None:
    sure = {"a": 0.9, "b": 0.2, "n": 0.4}
    change = {("broken", video_id): {"score": score} for video_id, score in sure.items()}
    found = evaluate_answers(truth, write(("broken",), change))
    assert found.scores["auroc"].value == 0.5
    assert found.to_dict()["auroc_of"] == "scores"
    assert evaluate_answers(truth, write(("broken",))).to_dict()["auroc_of"] == "yes and no"


def test_parts_of_videos(truth: Path, write) -> None:
    part = {"video_id": "a", "question": "broken"}
    more = [
        part | {"answer": "no", "first_frame": 3, "last_frame": 3},
        part | {"answer": "No.", "first_frame": 2, "last_frame": 3},
        part | {"answer": "**Yes**, it melts", "first_frame": 0, "last_frame": 1},
    ]
    found = evaluate_answers(truth, write(("broken",), more=more))
    assert found.scores["accuracy"].value == 1.0
    assert found.scores["stretch_accuracy"].value == pytest.approx(2 / 3)
    alone = evaluate_answers(truth, write((), more=more))
    assert set(alone.scores) == {"stretch_accuracy"}
    whole = evaluate_answers(
        truth, write(("broken",), {("broken", "a"): {"first_frame": 0, "last_frame": 3}})
    )
    assert set(whole.scores) == {"accuracy", "yes_broken", "yes_normal", "auroc"}


def test_frames_limit_what_is_scored_and_may_come_one_a_line(truth: Path, write) -> None:
    box = {"video_id": "a", "question": "where", "box_unit": 1000}
    more = [
        box
        | {
            "frames": [1],
            "answer": '[{"bbox_2d": [125, 100, 375, 350]}, {"bbox_2d": [500, 500, 750, 900]}]',
        },
        box | {"frames": [0], "answer": "[]"},
    ]
    found = evaluate_answers(truth, write(("where",), {("where", "a"): None}, more))
    (a,) = [video for video in found.videos if video.video_id == "a"]
    assert dict(a.scores) == {"jf": 1.0, "j": 1.0, "f": 1.0, "active_jf": 1.0, "box_iou": 1.0}
    span = {"frames": [0, 2], "answer": '[{"first_frame": 2, "last_frame": 3}]'}
    when = evaluate_answers(truth, write(("when",), {("when", "a"): span}))
    assert when.scores["temporal_iou"].value == 1.0


def test_missing_answers_count_as_wrong_when_asked(truth: Path, write) -> None:
    change = dict.fromkeys([("broken", "n"), ("when", "a"), ("where", "b"), ("where", "n")])
    found = evaluate_answers(truth, write(change=change), missing="empty")
    by_video = {video.video_id: dict(video.scores) for video in found.videos}
    assert by_video["n"]["accuracy"] == 0.0
    assert by_video["n"]["yes_normal"] == 1.0
    assert by_video["n"]["false_boxes"] == 1.0
    assert by_video["a"]["temporal_iou"] == 0.0
    assert by_video["b"]["active_jf"] == 0.0
    assert found.scores["auroc"].value == 0.0
    assert found.num_answers == 5


def video_of(*kinds: str) -> AnnotatedVideo:
    masklets = tuple(Masklet(number, kind, {}) for number, kind in enumerate(kinds, start=1))
    return AnnotatedVideo("a", None, "x", 4, 4, 1, (0,), masklets)


CONFUSIONS = {
    "right": (("motion",), {"motion"}, [("motion", "motion")]),
    "taken for another": (("motion",), {"blur"}, [("motion", "blur")]),
    "one of two": (("motion", "blur"), {"blur"}, [("blur", "blur"), ("motion", "none")]),
    "one too many": (("motion",), {"motion", "blur"}, [("motion", "motion"), ("none", "blur")]),
    "normal": ((), set(), [("none", "none")]),
    "false alarm": ((), {"blur"}, [("none", "blur")]),
    "unreadable": (("motion", "blur"), None, [("blur", "unreadable"), ("motion", "unreadable")]),
    "unreadable, normal": ((), None, [("none", "unreadable")]),
}


@pytest.mark.parametrize("name", CONFUSIONS)
def test_the_table_of_types(name: str) -> None:
    true, said, wanted = CONFUSIONS[name]
    assert (
        confusions(video_of(*true), AnswerContent(types=None if said is None else frozenset(said)))
        == wanted
    )


def test_box_iou_pairs_the_best_first() -> None:
    left, right = (0.0, 0.0, 10.0, 10.0), (20.0, 0.0, 30.0, 10.0)
    assert box_iou([], []) == 1.0
    assert box_iou([left], []) == box_iou([], [left]) == box_iou([left], None) == 0.0
    assert box_iou([left, right], [right, left]) == 1.0
    assert box_iou([left], [left, left]) == 0.5
    assert box_iou([left], [(0.0, 0.0, 10.0, 5.0), (5.0, 0.0, 10.0, 10.0)]) == 0.25


def test_a_box_fills_the_pixels_whose_middle_is_in_it() -> None:
    mask = filled([(0.5, 0.0, 2.5, 1.4), (3.0, 2.0, 9.0, 9.0)], height=3, width=4)
    assert np.argwhere(mask).tolist() == [[0, 0], [0, 1], [2, 3]]
    assert not filled([(1.6, 0, 1.9, 3)], height=3, width=4).any()


@pytest.mark.parametrize("frames", [None, "jpg"])
def test_the_answers_of_an_export_are_right(
    frames: str | None, release: Path, tmp_path: Path
) -> None:
    """What the export teaches is what the evaluation takes for right, seconds alone too."""
    options = ExportOptions(frames=frames, num_frames=5, box_unit="pixels")
    export(release, tmp_path / "chat", layout="chat", options=options)
    said = []
    for path in sorted((tmp_path / "chat" / "qwen-vl").iterdir()):
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            text = row["conversations"][1]["value"]
            if row["question"] == "when":
                spans = [
                    {key: span[key] for key in ("start_s", "end_s")} for span in json.loads(text)
                ]
                text = f"Here it is:\n```json\n{json.dumps(spans)}\n```"
            said.append({**row, "answer": text})
    (tmp_path / "answers.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in said))
    found = evaluate_answers(release, tmp_path / "answers.jsonl")
    wrong = {name for name, value in values(found).items() if value not in (0.0, 1.0)}
    assert wrong == {"jf", "j", "f", "active_jf"}  # boxes are no masks
    for name in wrong:
        assert found.scores[name].value == found.floors["exact-boxes"][name].value
    assert {
        true: row for true, row in found.confusion.items() if row.get(true) != sum(row.values())
    } == {}
    assert found.scores["stretch_accuracy"].value == found.scores["exact_types"].value == 1.0
