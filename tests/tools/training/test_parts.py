"""The parts of a training, each by itself: chances, loss, windows of a long video, the gate, and
the split's rows.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import brokenvideos
from brokenvideos.masks import decode, encode
from brokenvideos.sampling import collate, collate_rle
from brokenvideos.tools.evaluation import evaluate
from brokenvideos.tools.training import Predictor, VideoPrediction
from brokenvideos.tools.training.augment import augmented
from brokenvideos.tools.training.batches import clip_dataset, on_device
from brokenvideos.tools.training.losses import highest, mask_loss
from brokenvideos.tools.training.options import TrainOptions, settled
from brokenvideos.tools.training.planes import matched
from brokenvideos.tools.training.predictor import Feeding
from brokenvideos.tools.training.recipes import recipe_named
from brokenvideos.tools.training.recipes.unet import UNet
from brokenvideos.tools.training.rows import WholeVideos, split_rows
from brokenvideos.tools.training.scoring import (
    FALSE_VIDEOS,
    best_gates,
    evaluated,
    gated,
    scored_videos,
    video_gate_of,
    write_predictions,
)


def test_masks_frames_and_what_is_known_of_them_move_together() -> None:
    torch.manual_seed(0)
    clips, frames = 64, 5
    masks = (torch.rand(clips, frames, 6, 4) < 0.4).float()
    # Dark where nothing is marked, and in every frame of another darkness: each frame of a clip can
    # be told by its pixels.
    video = (0.3 + 0.4 * masks)[:, :, None].repeat(1, 1, 3, 1, 1)
    frame_index = torch.arange(frames).repeat(clips, 1)
    valid = frame_index % 2 == 0
    batch = {
        "video": video,
        "masks": masks,
        "valid": valid,
        "frame_index": frame_index,
        "video_id": ["x"] * clips,
    }
    found = augmented(batch)
    changed = set()
    for clip in range(clips):
        bright = found["video"][clip].mean(1)
        middle = (bright.max() + bright.min()) / 2
        assert torch.equal((bright > middle).float(), found["masks"][clip])
        back = found["frame_index"][clip]
        assert torch.equal(found["valid"][clip], back % 2 == 0)
        as_it_was = masks[clip, back]
        flipped = as_it_was.flip(-2)
        assert torch.equal(found["masks"][clip], as_it_was) or torch.equal(
            found["masks"][clip], flipped
        )
        changed.add((bool(back[0]), torch.equal(found["masks"][clip], flipped)))
    assert changed == {(False, False), (False, True), (True, False), (True, True)}
    assert batch["video"] is video
    assert torch.equal(video[:, :, 0], 0.3 + 0.4 * masks)


def test_masks_that_travel_as_strings_arrive_as_pixels(videos: Path) -> None:
    recipe = recipe_named("unet")
    settings = settled(TrainOptions(size=(32, 32), batch_size=3), recipe)
    rows = split_rows(videos, "train")
    dense, strings = (
        [
            on_device(batch, torch.device("cpu"), augment=False)
            for batch in DataLoader(
                clip_dataset(rows, settings, rank=0, world_size=1, on_cuda=on_cuda),
                batch_size=3,
                collate_fn=together,
            )
        ]
        for on_cuda, together in ((False, collate), (True, collate_rle))
    )
    assert len(dense) == len(strings) == 3
    for one, other in zip(dense, strings, strict=True):
        assert one["masks"].any()
        for name in ("video", "masks", "valid", "frame_index"):
            assert torch.equal(one[name], other[name])
        assert one["video_id"] == other["video_id"]


def test_frames_that_nobody_looked_at_say_nothing() -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 3, 8, 8, requires_grad=True)
    masks = (torch.rand(2, 3, 8, 8) < 0.3).float()
    valid = torch.tensor([[True, False, True], [False, False, False]])
    loss = mask_loss(logits, {"masks": masks, "valid": valid})
    loss.backward()
    assert torch.equal(logits.grad.abs().sum((2, 3)) > 0, valid)
    other = masks.clone()
    other[~valid] = 1 - other[~valid]
    assert mask_loss(logits, {"masks": other, "valid": valid}) == loss
    nothing = mask_loss(logits, {"masks": masks, "valid": torch.zeros(2, 3, dtype=torch.bool)})
    assert nothing == 0


def test_the_loss_of_a_right_answer_is_0_and_of_a_wrong_one_large() -> None:
    masks = torch.zeros(1, 2, 8, 8)
    masks[0, 0, 2:5, 2:5] = 1
    batch = {"masks": masks, "valid": torch.ones(1, 2, dtype=torch.bool)}
    right = mask_loss(40 * masks - 20, batch)
    empty = mask_loss(torch.full_like(masks, -20.0), batch)
    assert right < 1e-6
    # Cross entropy of 20 at 9 of 128 pixels, a Dice of 0, and one of two frames as a whole missed
    # by 20.
    assert empty == pytest.approx(20 * 9 / 128 + 1 + 0.2 * 20 / 2, rel=1e-4)
    assert mask_loss(torch.full_like(masks, -20.0), batch, bce=0, dice=0, frame=1) == pytest.approx(
        10, rel=1e-4
    )


def test_each_frame_with_an_artifact_counts_alike() -> None:
    masks = torch.zeros(1, 3, 16, 16)
    masks[0, 0, :12, :12] = 1  # 144 times as large as the next one
    masks[0, 1, 5, 5] = 1
    batch = {"masks": masks, "valid": torch.ones(1, 3, dtype=torch.bool)}
    for missed in (0, 1):
        logits = 40 * masks - 20
        logits[0, missed] = -20
        assert mask_loss(logits, batch, bce=0, frame=0) == pytest.approx(0.5, abs=1e-5)


def test_the_highest_of_a_frame() -> None:
    logits = torch.arange(2.0 * 20 * 20).reshape(2, 20, 20)
    assert torch.equal(highest(logits), torch.tensor([[399.0, 398.0], [799.0, 798.0]]))
    assert highest(torch.zeros(3, 4, 5, 5)).shape == (3, 4, 1)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (2, 3, 5, 7), (1, 12, 63, 34)])
def test_the_unet_takes_any_size_and_length(shape: tuple[int, int, int, int]) -> None:
    batch, frames, height, width = shape
    assert UNet().eval()(torch.rand(batch, frames, 3, height, width)).shape == shape


@pytest.mark.parametrize("name", ["unet", "unet-flow"])
def test_a_new_unet_marks_hardly_anything(name: str) -> None:
    torch.manual_seed(0)
    recipe = recipe_named(name)
    logits = recipe.logits(recipe.make(None), {"video": torch.rand(2, 4, 3, 32, 32)})
    assert 0.02 < logits.sigmoid().mean() < 0.1
    assert highest(logits).sigmoid().mean() < 0.5


def test_what_moves_is_found_again_and_what_bends_is_not() -> None:
    stream = torch.Generator().manual_seed(0)
    scene = torch.rand(1, 40, 60, generator=stream)
    # A camera that pans by two places a frame; in the last frame a square of the scene is another
    # one.
    frames = torch.stack([scene[0, :32, 2 * t : 2 * t + 32] for t in range(4)])[None]
    frames[0, 3, 10:20, 10:20] = torch.rand(10, 10, generator=stream)
    found = matched(frames, -1)
    inside = found[0, 2, :, 6:26, 6:26]
    assert torch.equal(inside[1], torch.full((20, 20), 2 / 3))
    assert torch.equal(inside[2], torch.zeros(20, 20))
    assert inside[0].amax() < found[0, 3, 0, 12:18, 12:18].amin()
    # At the clip's ends there is no other frame: each place is found where it is.
    assert not matched(frames, 1)[0, 3, 1:].any()


def test_a_long_video_in_windows_is_as_in_one() -> None:
    torch.manual_seed(0)
    recipe = recipe_named("unet")
    model = recipe.make(None)
    frames = torch.randint(0, 256, (40, 3, 16, 16), dtype=torch.uint8)
    one = Predictor(model, recipe, Feeding((16, 16), 40)).predict(frames, height=16, width=16)
    # What is shown around a window reaches as far as the network looks, but for its deepest levels.
    some = Predictor(model, recipe, Feeding((16, 16), 12, batch_size=2)).predict(
        frames, height=16, width=16
    )
    assert some.scores == pytest.approx(one.scores, abs=0.01)
    assert len(some.counts) == 40


@pytest.mark.parametrize(
    ("num_frames", "stride", "shown"),
    [(12, 1, [12]), (16, 1, [16]), (17, 1, [16, 16, 16]), (24, 2, [12, 12])],
)
def test_a_video_that_fits_into_one_window_is_shown_once(
    num_frames: int, stride: int, shown: list[int]
) -> None:
    recipe = recipe_named("unet")
    asked: list[int] = []

    def logits(model, batch):
        asked.extend([batch["video"].shape[1]] * len(batch["video"]))
        return recipe.logits(model, batch)

    predictor = Predictor(
        recipe.make(None).eval(), replace(recipe, logits=logits), Feeding((16, 16), 8, stride)
    )
    frames = torch.randint(0, 256, (num_frames, 3, 16, 16), dtype=torch.uint8)
    found = predictor.logits(frames)
    assert (len(found), asked) == (num_frames, shown)
    if stride == 1 and len(shown) == 1:
        alone = recipe.logits(predictor.model, {"video": frames[None].float() / 255})
        assert torch.allclose(found, alone[0], atol=1e-5)


def test_a_prediction_has_the_video_s_own_size_and_may_be_of_no_frame() -> None:
    recipe = recipe_named("unet")
    predictor = Predictor(recipe.make(None), recipe, Feeding((16, 16), 4, stride=3))
    masks, scores = predictor(
        np.random.default_rng(0).integers(0, 256, (7, 3, 50, 31), dtype=np.uint8)
    )
    assert (masks.shape, masks.dtype, scores.shape) == ((7, 50, 31), np.bool_, (7,))
    assert ((scores > 0) & (scores < 1)).all()
    masks, scores = predictor(np.zeros((0, 3, 50, 31), np.uint8))
    assert (masks.shape, scores.shape) == ((0, 50, 31), (0,))


@pytest.mark.parametrize(("n", "flagged"), [(1, 0), (23, 0), (24, 1), (36, 1), (37, 2), (40, 2)])
def test_the_video_gate_keeps_its_promise_for_one_more_normal_video(n: int, flagged: int) -> None:
    scores = np.random.default_rng(n).random(n + 1)
    found = [int((scores[:n] >= video_gate_of(scores[:n].tolist())).sum())]
    # Each of the n + 1 is left out once, as the new one.
    new = [
        score >= video_gate_of(np.delete(scores, at).tolist()) for at, score in enumerate(scores)
    ]
    assert found == [flagged]
    assert sum(new) == flagged + 1
    assert (flagged + 1) / (n + 1) <= max(FALSE_VIDEOS, 1 / (n + 1))


def test_without_a_normal_video_there_is_no_video_gate() -> None:
    assert video_gate_of([]) == 0.0


def guesses(release: Path) -> dict[str, VideoPrediction]:
    """Of every test video some rectangle in each frame, and a score that is mostly higher where the
    truth has an artifact.
    """
    found = {}
    for row in brokenvideos.load(data_dir=release, split="test", streaming=True):
        stream = np.random.default_rng(len(found))
        truth = brokenvideos.decode_masks(row).any((1, 2))
        masks = np.zeros((row["num_frames"], row["height"], row["width"]), np.uint8)
        masks[:, 10 : stream.integers(20, 40), 10:30] = 1
        scores = 0.4 * truth + stream.uniform(0, 0.6, len(truth))
        found[row["video_id"]] = VideoPrediction(
            row["height"], row["width"], tuple(encode(masks)), scores
        )
    return found


def test_gates_are_the_best_ones_and_counts_are_as_if_predicted_with_them(videos: Path) -> None:
    predictions = guesses(videos)
    scored = scored_videos(videos, "test", predictions, floors=False)

    def scores(**gates: float):
        emptied = {video_id: found.gated(**gates) for video_id, found in predictions.items()}
        found = evaluated(
            scored_videos(videos, "test", emptied, floors=False), release=videos, split="test"
        ).scores
        assert (
            evaluated(gated(scored, predictions, **gates), release=videos, split="test").scores
            == found
        )
        return found

    best = best_gates(scored, predictions)
    normal = [predictions[video.video_id].scores.max() for video in scored if not video.broken]
    assert len(normal) == 2
    # Two normal videos: none of them may be flagged, and no lower gate flags none.
    assert best["video_gate"] == np.nextafter(max(normal), 2)
    assert scores(**best).normal["false_videos"].value == 0 <= FALSE_VIDEOS

    def worth(gate: float) -> float:
        found = scores(gate=gate, video_gate=best["video_gate"]).broken
        return found["jf"].value + found["active_jf"].value

    assert worth(best["gate"]) >= max(worth(gate) for gate in (0.0, 0.2, 0.5, 0.8))
    assert 0 < best["gate"] < 0.8


def test_predictions_as_parquet_are_scored_alike_by_evaluate(videos: Path, tmp_path: Path) -> None:
    predictions = guesses(videos)
    write_predictions(tmp_path / "test.parquet", predictions)
    ours = evaluated(
        scored_videos(videos, "test", predictions, floors=True), release=videos, split="test"
    )
    theirs = evaluate(videos, tmp_path, splits=["test"])
    assert (ours.scores, ours.floors, ours.breakdown) == (
        theirs.scores,
        theirs.floors,
        theirs.breakdown,
    )


def test_a_split_without_what_is_held_out(videos: Path) -> None:
    rows = split_rows(videos, "train", holdout="generator:synth-a")
    generators = {
        r["video_id"]: r["generator"]
        for r in brokenvideos.load(data_dir=videos, split="train", streaming=True)
    }
    expected = [video_id for video_id, generator in generators.items() if generator != "synth-a"]
    assert [rows[number]["video_id"] for number in range(len(rows))] == expected
    assert 0 < len(expected) < len(generators)


def test_whole_videos_of_a_share(videos: Path) -> None:
    rows = split_rows(videos, "test")
    parts = [WholeVideos(rows, size=(24, 32), first=first, share=2) for first in (0, 1)]
    assert [len(part) for part in parts] == [3, 3]
    shown = {video["video_id"]: video for part in parts for video in part}
    assert len(shown) == 6
    for video in shown.values():
        assert (video["frames"].shape, video["frames"].dtype) == ((12, 3, 24, 32), torch.uint8)
        assert (video["height"], video["width"]) == (48, 48)


def test_a_video_must_pass_one_gate_and_its_frames_another() -> None:
    masks = np.ones((3, 4, 4), np.uint8)
    found = VideoPrediction(4, 4, tuple(encode(masks)), np.array([0.1, 0.5, 0.9]))

    def kept(**gates: float) -> list[bool]:
        return decode(list(found.gated(**gates).counts), height=4, width=4).any((1, 2)).tolist()

    assert kept(gate=0.5, video_gate=0.9) == [False, True, True]
    assert kept(gate=0.0, video_gate=0.91) == [False, False, False]
