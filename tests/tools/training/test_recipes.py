"""The recipes that stand on `transformers`, with tiny models of chance weights: they run, learn,
resume, save, and predict.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from transformers import (
    Sam2Config,
    Sam2Model,
    Sam2VideoConfig,
    Sam2VideoModel,
    SegformerConfig,
    SegformerForSemanticSegmentation,
)

from brokenvideos.tools.evaluation import evaluate
from brokenvideos.tools.prediction import predict
from brokenvideos.tools.prediction.model import open_model
from brokenvideos.tools.prediction.videos import find_videos
from brokenvideos.tools.training import TrainError, TrainOptions, load_model, train
from brokenvideos.tools.training.checkpoint import checkpoints
from brokenvideos.tools.training.feature_cache import FeatureCache
from brokenvideos.tools.training.recipes import recipe_named

SIDE = 128
SAM2 = {
    "vision_config": {
        "backbone_config": {
            "model_type": "sam2_hiera_det_model",
            "hidden_size": 8,
            "image_size": [SIDE, SIDE],
            "blocks_per_stage": [1, 2, 1, 1],
            "embed_dim_per_stage": [8, 16, 32, 64],
            "num_attention_heads_per_stage": [1, 1, 1, 1],
            "window_size_per_stage": [4, 4, 4, 4],
            "global_attention_blocks": [2],
        },
        "backbone_channel_list": [64, 32, 16, 8],
        "backbone_feature_sizes": [[32, 32], [16, 16], [8, 8]],
        "fpn_hidden_size": 32,
    },
    "prompt_encoder_config": {
        "hidden_size": 32,
        "image_size": SIDE,
        "patch_size": 16,
        "mask_input_channels": 4,
    },
    "mask_decoder_config": {
        "hidden_size": 32,
        "mlp_dim": 64,
        "num_attention_heads": 2,
        "iou_head_hidden_dim": 32,
    },
}
MEMORY = {
    **{
        f"memory_{name}": 32
        for name in ("attention_hidden_size", "encoder_hidden_size", "fuser_embed_dim")
    },
    **{
        f"memory_{name}": 32
        for name in ("attention_feed_forward_hidden_size", "fuser_intermediate_dim")
    },
    "memory_encoder_output_channels": 8,
    "mask_downsampler_embed_dim": 32,
    "memory_attention_rope_feat_sizes": [8, 8],
}
SEGFORMER = {
    "depths": [1, 1, 1, 1],
    "hidden_sizes": [8, 16, 24, 32],
    "num_attention_heads": [1, 1, 2, 2],
    "decoder_hidden_size": 16,
    "num_labels": 5,
}


@pytest.fixture(scope="module")
def init(tmp_path_factory):
    """Folders of tiny checkpoints by recipe name, as somebody else would have trained them."""
    folder = tmp_path_factory.mktemp("init")
    torch.manual_seed(0)
    SegformerForSemanticSegmentation(SegformerConfig(**SEGFORMER)).save_pretrained(
        folder / "segformer"
    )
    Sam2Model(Sam2Config(**SAM2)).save_pretrained(folder / "sam2")
    Sam2VideoModel(Sam2VideoConfig(**SAM2, **MEMORY)).save_pretrained(folder / "sam2_video")
    return folder


def options(init, name, **more):
    size = (64, 64) if name == "segformer" else (SIDE, SIDE)
    given = {
        "recipe": name,
        "init": str(init / name),
        "size": size,
        "num_frames": 2,
        "batch_size": 3,
        "lr": 1e-2,
        "cpu": True,
    }
    return TrainOptions(**given | more)


@pytest.fixture(scope="module")
def trained(init, videos, tmp_path_factory):
    """Folders of finished runs by recipe name."""
    folder = tmp_path_factory.mktemp("trained")
    for name in ("segformer", "sam2"):
        train(str(videos), folder / name, options(init, name, epochs=8, validate_epochs=4))
    return folder


@pytest.mark.parametrize(
    ("num_labels", "bias"), [(5, -3.0), (1, 0.5)], ids=["of another task", "of this one"]
)
def test_only_a_new_head_of_segformer_begins_with_few_marked_pixels(
    num_labels: int, bias: float, tmp_path: Path
) -> None:
    stored = SegformerForSemanticSegmentation(
        SegformerConfig(**SEGFORMER | {"num_labels": num_labels})
    )
    torch.nn.init.constant_(stored.decode_head.classifier.bias, 0.5)
    stored.save_pretrained(tmp_path)
    model = recipe_named("segformer").make(str(tmp_path))
    assert model.decode_head.classifier.bias.tolist() == [bias]


NAMES = pytest.mark.parametrize("name", ["segformer", "sam2"])


@NAMES
def test_the_loss_falls(trained, name):
    log = EventAccumulator(str(trained / name / "logs"))
    log.Reload()
    losses = [event.value for event in log.Scalars("train/loss")]
    assert len(losses) == 24
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


@NAMES
def test_a_saved_model_is_a_checkpoint_that_predicts_and_is_scored(trained, videos, name, tmp_path):
    found = predict(
        open_model(str(trained / name), device="cpu"),
        find_videos([str(videos)], split="test"),
        tmp_path / "p",
        name=name,
    )
    assert len(found.videos) == 6
    again = evaluate(videos, tmp_path / "p", splits=["test"], floors=False)
    scores = json.loads((trained / name / "scores.json").read_text())
    assert scores["test"]["videos"] == [video.to_dict() for video in again.videos]
    # Whoever has transformers alone can read it too.
    model = {"segformer": SegformerForSemanticSegmentation, "sam2": Sam2Model}[
        name
    ].from_pretrained(trained / name / "model")
    assert isinstance(model, torch.nn.Module)
    assert (trained / name / "model" / "README.md").is_file()


@NAMES
def test_it_trains_on_faults_made_on_purpose(init, videos, name, tmp_path):
    marked = {}

    def on_batch(batch):
        for video_id, masks in zip(batch["video_id"], batch["masks"], strict=True):
            marked[video_id] = bool(masks.any())

    found = train(
        str(videos), tmp_path / "out", options(init, name, steps=3, faults=1.0), on_batch=on_batch
    )
    assert found is not None
    # All nine videos of train, the three normal ones as well.
    assert list(marked.values()) == [True] * 9


def test_a_run_that_is_cut_off_goes_on_as_if_it_were_not(init, videos, tmp_path):
    """With kept features or without: what was kept is lost, what comes out is the same."""
    name = "sam2"
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(str(videos), whole, options(init, name, steps=4, checkpoint_steps=1))

    class CutOffError(Exception):
        pass

    left = iter(range(2))

    def on_batch(batch):
        if next(left, None) is None:
            raise CutOffError

    with pytest.raises(CutOffError):
        train(
            str(videos), parts, options(init, name, steps=4, checkpoint_steps=1), on_batch=on_batch
        )
    train(str(videos), parts, options(init, name, steps=4, checkpoint_steps=1), resume=True)
    one, two = (load_model(out / "best", device="cpu").model.state_dict() for out in (whole, parts))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert len(checkpoints(parts)) >= 1


def test_new_weights_and_another_head():
    recipe = recipe_named("segformer")
    model = recipe.make(None)
    assert (model.config.num_labels, model.config.depths) == (1, (2, 2, 2, 2))
    assert recipe.logits(model, {"video": torch.zeros(1, 2, 3, 64, 96)}).shape == (1, 2, 16, 24)


def test_logits_stand_where_their_pixels_are(init):
    """Frames of a batch are not mixed up, and rows are not columns."""
    torch.manual_seed(1)
    video = torch.rand(2, 3, 3, 64, 96)
    for name in ("segformer", "sam2"):
        recipe = recipe_named(name)
        model = recipe.make(str(init / name)).eval()
        with torch.inference_mode():
            together = recipe.logits(model, {"video": video})
            alone = recipe.logits(model, {"video": video[1:, 2:]})
        assert together.shape[:2] == (2, 3)
        assert torch.allclose(together[1, 2], alone[0, 0], atol=1e-4)
    # Of SegFormer, h and w are those of the frames, a quarter.
    changed = video[:1, :1].clone()
    changed[..., :, 80:] = 0
    recipe = recipe_named("segformer")
    model = recipe.make(str(init / "segformer")).eval()
    with torch.inference_mode():
        moved = (
            recipe.logits(model, {"video": changed})
            - recipe.logits(model, {"video": video[:1, :1]})
        ).abs()[0, 0]
    assert moved.shape == (16, 24)
    assert moved[:, 20:].mean() > 2 * moved[:, :12].mean()


def test_the_decoder_alone_learns_and_every_part_of_it_that_is_asked(init):
    recipe = recipe_named("sam2")
    model = recipe.make(str(init / "sam2"))
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    optimizer = torch.optim.AdamW(recipe.parameters(model), lr=1e-2)
    recipe.logits(model, {"video": torch.rand(1, 2, 3, SIDE, SIDE)}).square().mean().backward()
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    # DDP demands it
    assert all(parameter.grad is not None for parameter in recipe.parameters(model))
    optimizer.step()
    changed = {
        name
        for name, parameter in model.named_parameters()
        if not torch.equal(before[name], parameter)
    }
    assert changed <= trained
    assert {name.split(".")[1] for name in trained} == {"mask_decoder"}
    assert not any(
        part in name
        for name in trained
        for part in ("conv_s", "iou_prediction_head", "pred_obj_score_head")
    )


def test_a_frame_is_encoded_once_and_predicted_as_it_was_trained(init, monkeypatch):
    recipe = recipe_named("sam2")
    model = recipe.make(str(init / "sam2"))
    encoded = []
    encode = model._encode
    monkeypatch.setattr(
        model, "_encode", lambda frames: encoded.append(len(frames)) or encode(frames)
    )
    video = torch.rand(1, 3, 3, SIDE, SIDE)
    with torch.inference_mode():  # as validation does, whose features training may use
        first = recipe.logits(model, {"video": video[:, [0, 1, 0]]})
    recipe.logits(model, {"video": video[:, [2, 1]]}).sum().backward()
    assert encoded == [2, 1]
    assert torch.equal(first[0, 0], first[0, 2])
    model.eval()
    with torch.inference_mode():
        assert torch.allclose(
            recipe.logits(model, {"video": video[:, [0, 1, 0]]}), first, atol=1e-5
        )
    model.cache.max_bytes = 0
    with torch.inference_mode():
        assert torch.allclose(
            recipe.logits(model, {"video": video[:, [0, 1, 0]]}), first, atol=1e-4
        )


@NAMES
def test_mixed_precision_gives_about_the_same(init, name):
    recipe = recipe_named(name)
    model = recipe.make(str(init / name)).eval()
    video = torch.rand(1, 2, 3, SIDE, SIDE)
    with torch.no_grad():
        exact = recipe.logits(model, {"video": video})
    fresh = recipe.make(str(init / name))
    fresh.load_state_dict(model.state_dict())
    with torch.autocast("cpu", torch.bfloat16):
        logits = recipe.logits(fresh, {"video": video})
    logits.float().mean().backward()
    assert torch.allclose(logits.float(), exact, atol=0.15 * float(exact.abs().max()) + 0.02)


def test_the_cache_is_bounded_and_keeps_what_came_first():
    calls = []

    def encode(frames):
        calls.append(frames[:, 0, 0, 0].tolist())
        return [frames[:, :1], frames * 2]

    cache = FeatureCache(2 * (12 + 36) * 2)  # two frames of 1 x 3 x 4 and 3 x 3 x 4 halves
    frames = torch.arange(4.0)[:, None, None, None].expand(4, 3, 3, 4)
    for _ in range(2):
        small, large = cache(frames, encode)
        assert torch.equal(small, frames[:, :1])
        assert torch.equal(large, frames * 2)
    assert calls == [[0, 1, 2, 3], [2, 3]]
    assert (cache.num_bytes, cache.hits) == (2 * 48 * 2, 2)
    assert torch.equal(cache(frames[[1, 0]], encode)[1], frames[[1, 0]] * 2)
    assert FeatureCache(0)(frames, encode)[1].shape == (4, 3, 3, 4)


def test_a_video_checkpoint_gives_its_image_model(init):
    source = Sam2VideoModel.from_pretrained(init / "sam2_video").state_dict()
    model = recipe_named("sam2").make(str(init / "sam2_video"))
    assert all(torch.equal(value, source[name]) for name, value in model.sam.state_dict().items())


@NAMES
def test_a_checkpoint_that_is_not_there(name, tmp_path: Path):
    with pytest.raises(TrainError) as caught:
        recipe_named(name).make(str(tmp_path))
    message = str(caught.value)
    assert message.startswith(f"--init {tmp_path}: not a readable checkpoint (")
    assert message.endswith("). Give a folder or a Hub repository.")
    assert "\n" not in message
