"""The metric of a training loop gives what an evaluation of files gives, in any batches, on any
number of processes.
"""

import json
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from brokenvideos.tools.evaluation import JFScore

BoolArray = npt.NDArray[np.bool_]


@pytest.fixture
def pair(random_masks: Callable[..., BoolArray]) -> tuple[BoolArray, BoolArray]:
    """Truth and prediction of three videos, bool[3, 8, 40, 50]; the last one has no artifact."""
    stream = np.random.default_rng(11)
    truth, pred = (random_masks(stream, 24, 40, 50).reshape(3, 8, 40, 50) for _ in range(2))
    truth[2] = False
    return truth, pred


def whole(truth: BoolArray, pred: BoolArray) -> dict[str, object]:
    score = JFScore()
    score.update(pred, truth, video_ids=["a", "b", "c"])
    return score.compute().to_dict()


def test_batches_and_ranks_add_up(pair: tuple[BoolArray, BoolArray]) -> None:
    truth, pred = pair
    ranks = [JFScore(), JFScore()]
    for start in range(0, 8, 2):
        frames = np.arange(start, start + 2)
        for index, name in enumerate("abc"):
            rank = ranks[(start // 2 + index) % 2]
            chunk = slice(start, start + 2)
            rank.update(
                pred[index, chunk], truth[index, chunk], video_ids=name, frame_indices=frames
            )
    gathered = json.loads(json.dumps([rank.state() for rank in ranks]))
    total = JFScore()
    for state in gathered:
        total.merge(state)
    assert total.compute().to_dict() == whole(truth, pred)
    total.reset()
    assert total.compute().scores.broken["jf"].n == 0


def test_a_frame_that_comes_twice_counts_once(pair: tuple[BoolArray, BoolArray]) -> None:
    truth, pred = pair
    score = JFScore()
    score.update(pred, truth, video_ids=["a", "b", "c"])
    score.update(~pred[:1, 3:6], truth[:1, 3:6], video_ids=["a"], frame_indices=[[3, 4, 5]])
    assert score.compute().to_dict() == whole(truth, pred)


def test_frames_that_are_not_valid_are_left_out(pair: tuple[BoolArray, BoolArray]) -> None:
    truth, pred = pair
    score = JFScore()
    valid = np.ones((3, 8), np.bool_)
    valid[:, 5:] = False
    score.update(pred, truth, video_ids=["a", "b", "c"], valid=valid)
    assert score.compute().to_dict() == whole(truth[:, :5], pred[:, :5])


def test_tensors_give_the_same(pair: tuple[BoolArray, BoolArray]) -> None:
    torch = pytest.importorskip("torch")
    truth, pred = pair
    score = JFScore()
    frames = torch.arange(8).repeat(3, 1)
    score.update(
        torch.from_numpy(pred),
        torch.from_numpy(truth.astype(np.uint8)),
        video_ids=["a", "b", "c"],
        frame_indices=frames,
    )
    assert score.compute().to_dict() == whole(truth, pred)


def test_facts_make_groups(pair: tuple[BoolArray, BoolArray]) -> None:
    truth, pred = pair
    score = JFScore()
    facts = {"a": {"generator": "Kling", "artifact_types": ["blur"], "split": "test"}}
    score.update(pred, truth, video_ids=["a", "b", "c"], facts=facts)
    assert ("blur", "Kling", "test") in [
        (cell.artifact_type, cell.generator, cell.split) for cell in score.compute().breakdown
    ]


def test_what_does_not_fit_is_refused_and_changes_nothing(
    pair: tuple[BoolArray, BoolArray],
) -> None:
    truth, pred = pair
    score = JFScore()
    with pytest.raises(ValueError) as error:
        score.update(pred, truth, video_ids=["a"])
    assert str(error.value) == (
        "pred [3, 8, 40, 50], truth [3, 8, 40, 50], 1 video_ids; wanted two of [B, T, H, W] and B "
        "ids, or [T, H, W] and one id as text."
    )
    with pytest.raises(ValueError) as error:
        score.update(pred, truth, video_ids=["a", "b", "c"], valid=np.ones((3, 7)))
    assert str(error.value) == "frame_indices [3, 8], valid [3, 7]; wanted [3, 8], as pred has."
    with pytest.raises(ValueError) as error:
        score.update(pred * 0.5, truth, video_ids=["a", "b", "c"])
    assert str(error.value).startswith("masks: got float64[8, 40, 50], wanted uint8 or bool")
    assert score.compute().videos == ()
    score.update(pred[0], truth[0], video_ids="a")
    with pytest.raises(ValueError) as error:
        score.update(pred[:, :, :20], truth[:, :, :20], video_ids=["a", "b", "c"])
    assert (
        str(error.value)
        == "video a: masks of 20x50 pixels, before of 40x50; wanted one size per video."
    )
    assert [video.video_id for video in score.compute().videos] == ["a"]
