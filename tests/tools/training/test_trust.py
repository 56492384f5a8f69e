"""How far a model may be trusted: precision and recall, calibration, and videos that are unlike all
it has seen.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import brokenvideos
from brokenvideos.frames import index_from_row
from brokenvideos.tools.evaluation import Counts, ScoredVideo
from brokenvideos.tools.training.calibration import calibration
from brokenvideos.tools.training.detection import detection_of
from brokenvideos.tools.training.seen import far_from, numbers_of, seen_in


def video(name: str, truth: list[int], pred: list[int]) -> ScoredVideo:
    truth_px, pred_px = np.array(truth), np.array(pred)
    nothing = np.zeros(len(truth), np.int64)
    counts = Counts(
        8,
        8,
        np.arange(len(truth)),
        truth_px,
        pred_px,
        np.minimum(truth_px, pred_px),
        *[nothing] * 4,
    )
    return ScoredVideo(name, "test", "g", (), any(truth), counts)


def test_precision_and_recall_by_video_and_by_second() -> None:
    videos = [
        video("a", [0, 4, 4, 0], [0, 3, 0, 0]),
        video("b", [5, 5, 0, 0], [0, 0, 0, 0]),
        video("c", [0, 0, 0, 0], [2, 2, 0, 0]),
        video("d", [0, 0, 0, 0], [0, 0, 0, 0]),
    ]
    found = detection_of(videos, {"a": 0.5, "b": 1.0, "c": 0.25, "d": 1.0})
    assert (found.video_precision.value, found.video_precision.n) == (0.5, 2)
    assert (found.video_recall.value, found.video_recall.n) == (0.5, 2)
    # Marked: half a second of a, which is broken there, and half a second of c. Broken: one second
    # of a, two of b.
    assert found.second_precision.value == pytest.approx(0.5)
    assert found.second_recall.value == pytest.approx(0.5 / 3)
    assert found.share_broken == 0.5
    assert (
        found.table().splitlines()[2]
        == "| video | 0.500 [0.095, 0.905]? | 2 | 0.500 [0.095, 0.905]? | 2 |"
    )
    assert found.text().startswith("by video: recall 0.500 [0.095, 0.905]? (n = 2), precision ")
    assert " where 50% are broken; by second: recall 0.167 " in found.text()


def test_the_interval_of_seconds_holds_what_resampled_videos_give() -> None:
    rng = np.random.default_rng(0)
    videos = [
        video(
            f"v{number}",
            truth := (rng.random(12) < 0.4).astype(int).tolist(),
            [t * int(rng.random() < 0.7) for t in truth],
        )
        for number in range(60)
    ]
    seconds = {one.video_id: 0.1 for one in videos}
    found = detection_of(videos, seconds).second_recall
    draws = (rng.integers(0, 60, 60) for _ in range(400))
    again = [
        sum(int((videos[at].counts.pred_px > 0).sum()) for at in drawn)
        / sum(int((videos[at].counts.truth_px > 0).sum()) for at in drawn)
        for drawn in draws
    ]
    low, high = np.quantile(again, [0.025, 0.975])
    assert found.value == pytest.approx(0.7, abs=0.05)
    assert found.low == pytest.approx(low, abs=0.012)
    assert found.high == pytest.approx(high, abs=0.012)


def test_without_a_video_nothing_is_known() -> None:
    found = detection_of([], {})
    assert found.share_broken is None
    assert found.table().splitlines()[2:] == [
        "| video | - | 0 | - | 0 |",
        "| second of video | - | 0 | - | 0 |",
    ]
    only_normal = detection_of([video("n", [0, 0], [0, 0])], {"n": 1.0})
    assert (only_normal.second_recall.value, only_normal.video_recall.n) == (None, 0)


def test_calibration_is_the_gap_between_score_and_share() -> None:
    rng = np.random.default_rng(1)
    scores = rng.random(20_000)
    honest = calibration(scores, rng.random(20_000) < scores)
    assert honest.error < 0.02
    assert [found.n for found in honest.bins] == np.histogram(scores, np.linspace(0, 1, 11))[
        0
    ].tolist()
    boastful = calibration(np.array([0.95, 1.0, 0.9, 0.0]), np.array([True, False, False, False]))
    assert boastful.error == pytest.approx(3 / 4 * (0.95 - 1 / 3))
    assert boastful.table().splitlines() == [
        "| score | frames | mean score | broken |",
        "|---|---|---|---|",
        "| 0.0 to 0.1 | 1 | 0.000 | 0.000 |",
        "| 0.9 to 1.0 | 3 | 0.950 | 0.333 |",
    ]
    nothing = calibration(np.zeros(0), np.zeros(0, np.bool_))
    assert nothing.error is None
    assert nothing.to_dict()["bins"][0] == {
        "low": 0.0,
        "high": 0.1,
        "n": 0,
        "mean_score": None,
        "share_broken": None,
    }


def test_a_video_unlike_all_that_was_seen_is_told(videos: Path) -> None:
    seen = seen_in(videos, holdout=None)
    assert seen["short_side_px"] == (48.0, 48.0)
    assert seen["fps"] == (12.0, 12.0)
    low, high = seen["bits_per_pixel"]
    assert 0 < low < high
    row = next(iter(brokenvideos.load(data_dir=videos, split="train", streaming=True)))
    index = index_from_row(row)
    assert far_from(seen, index) == ()
    assert far_from(seen, replace(index, height=70, width=72)) != ()
    other = replace(index, height=1080, width=1920, fps=30.0)
    assert far_from(seen, other) == (
        "shorter side 1080 px, seen 48 to 48",
        "rate 30 frames per second, seen 12 to 12",
        f"compression {numbers_of(other)['bits_per_pixel']:.2g} bits per pixel, seen {low:.2g} to "
        f"{high:.2g}",
    )
    assert far_from(seen, replace(index, packets=None)) == ()
    assert far_from(None, other) == ()
    assert "bits_per_pixel" not in numbers_of(replace(index, packets=None))
