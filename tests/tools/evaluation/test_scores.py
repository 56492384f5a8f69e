"""Conventions, statistics and what is counted over pixels and videos."""

import numpy as np
import pytest

from brokenvideos.tools.evaluation.counts import (
    Counts,
    against_empty,
    against_full,
    count_bitmaps,
    no_counts,
)
from brokenvideos.tools.evaluation.scores import (
    BROKEN_METRICS,
    CONVENTIONS,
    NORMAL_METRICS,
    average_precision,
    micro_scores,
    pixel_scores,
    statistics,
    video_auc,
    video_scores,
)


def frames(*kinds: str) -> np.ndarray:
    """bool[T, 20, 30]: "empty", "full", or "box"."""
    masks = np.zeros((len(kinds), 20, 30), np.bool_)
    for mask, kind in zip(masks, kinds, strict=True):
        if kind == "full":
            mask[:] = True
        if kind == "box":
            mask[5:12, 6:20] = True
    return masks


@pytest.mark.parametrize(
    ("truth", "pred", "j", "f", "strict"),
    [
        ("empty", "empty", 1, 1, 1),
        ("empty", "box", 0, 0, 0),
        ("box", "empty", 0, 0, 0),
        ("empty", "full", 0, 1, 0),  # the loophole: a full frame has no boundary
        ("full", "empty", 0, 1, 0),
        ("full", "full", 1, 1, 1),
        ("box", "box", 1, 1, 1),
        ("box", "full", 98 / 600, 0, 0),
    ],
)
def test_empty_and_full_frames(truth: str, pred: str, j: float, f: float, strict: float) -> None:
    counts = count_bitmaps(frames(truth), frames(pred))
    assert (counts.j()[0], counts.f()[0], counts.f_strict()[0]) == (j, f, strict)


def test_all_full_scores_one_half_on_normal_videos_and_strict_does_not() -> None:
    scores = video_scores(
        count_bitmaps(frames(*["empty"] * 4), frames(*["full"] * 4)), broken=False
    )
    assert scores["jf"] == 0.5
    assert scores["strict_jf"] == 0
    assert (scores["false_frames"], scores["false_videos"], scores["false_area"]) == (1, 1, 1)


def test_the_known_floors_equal_a_count_of_their_masks() -> None:
    truth = frames("empty", "box", "full", "box")
    counts = count_bitmaps(truth, frames("box", "box", "box", "empty"))
    for floor, kind in ((against_empty(counts), "empty"), (against_full(counts), "full")):
        wanted = count_bitmaps(truth, frames(*[kind] * 4))
        for name in Counts.__slots__:
            assert np.array_equal(getattr(floor, name), getattr(wanted, name)), name


def test_active_frames_and_time() -> None:
    counts = count_bitmaps(
        frames("empty", "box", "box", "empty"), frames("empty", "empty", "box", "box")
    )
    scores = video_scores(counts, broken=True)
    assert scores["jf"] == 0.5
    assert scores["active_jf"] == 0.5
    assert scores["temporal_iou"] == pytest.approx(1 / 3)
    assert scores["active_area"] == pytest.approx(98 / 600)
    assert (scores["pixel_precision"], scores["pixel_recall"]) == (0.5, 0.5)
    assert scores.keys() - {"active_area"} == set(BROKEN_METRICS)
    assert video_scores(counts, broken=False).keys() == set(NORMAL_METRICS)


def test_no_frame_says_nothing() -> None:
    for broken in (True, False):
        scores = video_scores(no_counts(4, 5), broken=broken)
        assert np.isnan(scores["jf"])


def test_one_frame_has_no_decay() -> None:
    assert statistics(np.array([0.25])) == (0.25, 0.0, 0.0)
    # recall counts what is above one half
    assert statistics(np.array([0.5, 1.0]))[:2] == (
        0.75,
        0.5,
    )


def test_decay_does_not_wrap_at_256_frames() -> None:
    values = np.linspace(1, 0, 300)
    # Bounds 1, 75.75, 150.5, 225.25, 300 rounded: quarters 0..75 and 224..299.
    assert statistics(values)[2] == pytest.approx(values[:76].mean() - values[224:].mean())
    assert statistics(values)[2] == pytest.approx(0.749, abs=1e-3)


@pytest.mark.parametrize(
    ("pixels", "wanted"),
    [
        ((0, 0, 0), {"precision": 1, "recall": 1, "f1": 1, "iou": 1}),
        ((4, 0, 0), {"precision": 0, "recall": 0, "f1": 0, "iou": 0}),
        ((0, 4, 0), {"precision": 0, "recall": 0, "f1": 0, "iou": 0}),
        ((4, 2, 1), {"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "iou": 0.2}),
    ],
)
def test_pixel_scores(pixels: tuple[int, int, int], wanted: dict[str, float]) -> None:
    assert pixel_scores(*pixels) == wanted


def test_micro_scores_equal_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    stream = np.random.default_rng(0)
    truth, pred = stream.random((2, 3, 9, 9)) > 0.6
    found = micro_scores([count_bitmaps(truth[:1], pred[:1]), count_bitmaps(truth[1:], pred[1:])])
    a, b = truth.ravel(), pred.ravel()
    wanted = (
        metrics.precision_score(a, b),
        metrics.recall_score(a, b),
        metrics.f1_score(a, b),
        metrics.jaccard_score(a, b),
    )
    assert tuple(found.values()) == pytest.approx(wanted)


@pytest.mark.parametrize("seed", range(5))
def test_auc_and_average_precision_equal_scikit_learn(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    stream = np.random.default_rng(seed)
    broken = stream.random(60) > 0.4
    scores = np.round(stream.random(60) + 0.3 * broken, 1)  # many ties
    assert video_auc(broken, scores) == pytest.approx(metrics.roc_auc_score(broken, scores))
    truth, soft = stream.random(5000) > 0.8, stream.integers(0, 256, 5000)
    levels = np.stack([np.bincount(soft[truth == kind], minlength=256) for kind in (False, True)])
    assert average_precision(levels) == pytest.approx(metrics.average_precision_score(truth, soft))


def test_auc_of_one_kind_and_precision_without_truth_are_unknown() -> None:
    assert video_auc(np.array([True, True]), np.array([0.1, 0.2])) is None
    assert video_auc(np.array([True, False]), np.array([-np.inf, -np.inf])) == 0.5
    assert average_precision(np.zeros((2, 256), np.int64)) is None


def test_every_metric_is_explained() -> None:
    assert {
        "empty",
        "strict",
        "frames",
        "mean",
        "active",
        "false_frames",
        "interval",
    } <= CONVENTIONS.keys()


def test_masks_of_two_sizes() -> None:
    with pytest.raises(ValueError) as error:
        count_bitmaps(np.zeros((1, 2, 3), np.bool_), np.zeros((1, 3, 2), np.bool_))
    wanted = (
        "truth has the shape [1, 2, 3], pred [1, 3, 2]; wanted one shape [N, H, W]: score at "
        "the size of the truth."
    )
    assert str(error.value) == wanted
