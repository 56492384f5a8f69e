"""Faults made on purpose in the clips of a training, and the model that sees what flow leaves
over.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from brokenvideos.sampling import ClipDataset
from brokenvideos.tools.training import TrainError, train
from brokenvideos.tools.training.batches import clip_dataset, clip_loader
from brokenvideos.tools.training.faulty import FaultyClips
from brokenvideos.tools.training.flow_planes import flow_planes
from brokenvideos.tools.training.options import settled
from brokenvideos.tools.training.recipes import recipe_named
from brokenvideos.tools.training.recipes.unet import UNet
from brokenvideos.tools.training.rows import split_rows


def clips_of(videos: Path, tiny, *, epoch: int = 0, **more) -> dict[str, dict]:
    options = settled(tiny(num_frames=8, **more), recipe_named("unet"))
    dataset = clip_dataset(
        split_rows(videos, "train"), options, rank=0, world_size=1, on_cuda=False
    )
    dataset.set_epoch(epoch)
    return {clip["video_id"]: clip for clip in dataset}


def test_faults_are_in_a_share_of_the_clips_and_marked(videos: Path, tiny) -> None:
    plain, none, half, every = (
        clips_of(videos, tiny, faults=share) for share in (0.0, 1e-9, 0.5, 1.0)
    )
    counts = []
    for found in (none, half, every):
        assert list(found) == list(plain)
        changed = 0
        for name, clip in found.items():
            was = plain[name]
            differs = (clip["video"] != was["video"]).any(dim=1)
            assert (clip["video"].shape, clip["masks"].dtype) == (
                was["video"].shape,
                was["masks"].dtype,
            )
            assert not (differs & ~clip["masks"].bool()).any()
            assert (clip["masks"] >= was["masks"]).all()
            changed += bool(differs.any())
        counts.append(changed)
    assert counts[0] == 0
    assert 0 < counts[1] < counts[2] == len(plain)


def test_faults_are_others_in_another_epoch_and_the_same_with_workers(videos: Path, tiny) -> None:
    first, again, other = (clips_of(videos, tiny, faults=1.0, epoch=epoch) for epoch in (2, 2, 3))
    assert all(torch.equal(clip["video"], again[name]["video"]) for name, clip in first.items())
    assert not all(torch.equal(clip["masks"], other[name]["masks"]) for name, clip in first.items())
    options = settled(tiny(num_frames=8, faults=1.0, workers=1), recipe_named("unet"))
    dataset = clip_dataset(split_rows(videos, "train"), options, rank=0, world_size=1, on_cuda=True)
    dataset.set_epoch(2)
    for batch in clip_loader(dataset, options, on_cuda=False):
        for video_id, video, masks in zip(
            batch["video_id"], batch["video"], batch["masks"], strict=True
        ):
            assert torch.equal(video, first[video_id]["video"])
            assert torch.equal(masks, first[video_id]["masks"])


def test_a_hold_out_leaves_its_operations_out(videos: Path, tiny) -> None:
    for holdout, without in (
        ("artifact:motion", ("motion",)),
        ("generator:synth-a", ()),
        (None, ()),
    ):
        options = settled(tiny(faults=0.5, holdout=holdout), recipe_named("unet"))
        dataset = clip_dataset(
            split_rows(videos, "train"), options, rank=0, world_size=1, on_cuda=False
        )
        assert isinstance(dataset, FaultyClips)
        assert dataset.without == without
    options = settled(tiny(), recipe_named("unet"))
    rows = split_rows(videos, "train")
    assert isinstance(clip_dataset(rows, options, rank=0, world_size=1, on_cuda=False), ClipDataset)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"faults": 1.5}, "faults is 1.5, must be a share from 0 to 1."),
        (
            {"faults": 0.5, "size": (12, 32)},
            "faults: frames are 32x12, wanted at least 16x16. Give a larger --size.",
        ),
    ],
)
def test_what_cannot_be_is_refused(videos: Path, tiny, tmp_path: Path, more, message: str) -> None:
    with pytest.raises(TrainError) as caught:
        train(str(videos), tmp_path / "out", tiny(**more))
    assert str(caught.value) == message


def test_flow_takes_motion_out_and_leaves_a_change() -> None:
    rng = np.random.default_rng(0)
    wide = torch.from_numpy(rng.random((1, 1, 12, 30)).astype(np.float32))
    wide = torch.nn.functional.interpolate(wide, size=(48, 120), mode="bicubic").clamp(0, 1)[0, 0]
    moving = torch.stack([wide[:, 2 * at : 2 * at + 64] for at in range(8)])[None, :, None].repeat(
        1, 1, 3, 1, 1
    )
    broken = moving.clone()
    broken[:, 4, :, 16:32, 24:40] = 0.5
    calm, found = flow_planes(moving), flow_planes(broken)
    assert calm.shape == (1, 8, 4, 24, 32)
    inside = found[0, 4, :2, 10:14, 14:18].mean()
    assert inside > calm[0, 4, :2, 10:14, 14:18].mean() + 1.5
    assert inside > found[0, 4, :2, 2:6, 14:18].mean() + 1.5
    assert found[0, 4, 2:, 10:14, 14:18].mean() > calm[0, 4, 2:, 10:14, 14:18].mean() + 0.5


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 5, 17, 16), (2, 3, 20, 33)])
def test_the_unet_with_flow_takes_any_length_and_is_loaded_as_it_was(
    shape: tuple[int, int, int, int], tmp_path: Path
) -> None:
    recipe = recipe_named("unet-flow")
    batch, frames, height, width = shape
    model = recipe.make(None).eval()
    video = torch.rand(batch, frames, 3, height, width)
    logits = recipe.logits(model, {"video": video})
    assert logits.shape == shape
    model.save_pretrained(str(tmp_path))
    assert torch.equal(recipe.logits(recipe.load(tmp_path).eval(), {"video": video}), logits)


def test_hidden_planes_hide_how_a_frame_looks_in_training_alone() -> None:
    """Two stills differ in how they look, and in nothing that changes."""
    torch.manual_seed(0)
    stills = torch.rand(2, 1, 3, 16, 16).repeat(1, 4, 1, 1, 1)
    for hidden in (0.0, 1.0):
        model = UNet(flow=True, hidden=hidden)
        first, second = model.train()(stills)
        assert torch.equal(first, second) == bool(hidden)
        first, second = model.eval()(stills)
        assert not torch.equal(first, second)


def test_planes_are_hidden_clip_by_clip() -> None:
    torch.manual_seed(0)
    still = torch.rand(1, 1, 3, 16, 16).repeat(64, 2, 1, 1, 1)
    logits = UNet(hidden=0.5).train()(still)
    kinds = torch.unique(logits.flatten(1), dim=0)
    assert len(kinds) == 2


def test_what_is_left_of_an_epoch_has_the_same_faults(videos: Path, tiny) -> None:
    options = settled(tiny(num_frames=8, faults=1.0), recipe_named("unet"))
    rows = split_rows(videos, "train")
    whole = clip_dataset(rows, options, rank=0, world_size=1, on_cuda=False)
    whole.set_epoch(2)
    stream = iter(whole)
    for _ in range(4):
        next(stream)
    state = whole.state_dict()
    left = list(stream)
    again = clip_dataset(rows, options, rank=0, world_size=1, on_cuda=False)
    again.load_state_dict(state)
    found = list(again)
    assert [clip["video_id"] for clip in found] == [clip["video_id"] for clip in left]
    assert all(
        torch.equal(one["masks"], other["masks"]) for one, other in zip(left, found, strict=True)
    )
    assert any(bool(clip["masks"].any()) for clip in found)
