"""Models of `brokenvideos train` asked about whole videos."""

import json
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from typer.testing import CliRunner

import brokenvideos
from brokenvideos.frames import iter_frames
from brokenvideos.masks import decode, empty
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.prediction import model as predict_model
from brokenvideos.tools.prediction.model import Trained, _chunks, open_model
from brokenvideos.tools.prediction.videos import find_videos
from brokenvideos.tools.training.predictor import Feeding, load_model, save_model
from brokenvideos.tools.training.recipe import TrainError
from brokenvideos.tools.training.recipes import recipe_named


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A unet with chance weights that marks about half of what it sees."""
    torch.manual_seed(0)
    recipe = recipe_named("unet")
    unet = recipe.make(None)
    for parameter in unet.head.parameters():
        nn.init.normal_(parameter, std=0.5)
    folder = tmp_path_factory.mktemp("trained") / "model"
    save_model(unet, folder, recipe=recipe, feeding=Feeding((48, 64), 5, gate=0.0), facts={})
    return folder


def test_masks_are_those_of_the_predictor(trained):
    (video, *_) = find_videos(["sample"])
    data, index = video.read()
    masks = open_model(str(trained), device="cpu").predict(data, index)
    predictor = load_model(trained, device="cpu")
    frames = torch.from_numpy(
        np.stack([rgb for _, rgb in iter_frames(data, size=(48, 64))])
    ).permute(0, 3, 1, 2)
    wanted = predictor.predict(frames, height=index.height, width=index.width)
    assert masks.counts == wanted.counts
    assert np.array_equal(masks.scores, wanted.scores)
    marked = decode(masks.counts, height=index.height, width=index.width).mean()
    assert 0.05 < marked < 0.95


def test_a_long_video_in_chunks_is_predicted_as_a_whole(trained, monkeypatch):
    (video, *_) = find_videos(["sample"])
    data, index = video.read()
    whole = open_model(str(trained), device="cpu").predict(data, index)
    monkeypatch.setattr(predict_model, "CHUNK_BYTES", 7 * 3 * 48 * 64)
    asked = []
    model = open_model(str(trained), device="cpu")
    assert isinstance(model, Trained)
    original = type(model.predictor).predict

    def counted(self, frames, **size):
        asked.append(len(frames))
        return original(self, frames, **size)

    monkeypatch.setattr(type(model.predictor), "predict", counted)
    parts = model.predict(data, index)
    assert max(asked) <= 7 + 2 * (2 * recipe_named("unet").context)
    assert len(asked) > 2
    size = {"height": index.height, "width": index.width}
    assert (decode(whole.counts, **size) != decode(parts.counts, **size)).mean() < 1e-3
    assert np.allclose(whole.scores, parts.scores, atol=1e-3)


def test_gates_judge_a_long_video_as_a_whole(trained, monkeypatch):
    (video, *_) = find_videos(["sample"])
    data, index = video.read()
    monkeypatch.setattr(predict_model, "CHUNK_BYTES", 7 * 3 * 48 * 64)
    ungated = load_model(trained, device="cpu")
    open_all = Trained(ungated).predict(data, index)
    order = np.sort(open_all.scores)
    assert order[0] < order[-1]
    feeding = replace(ungated.feeding, gate=float(np.median(order)), video_gate=float(order[-1]))
    found = Trained(replace(ungated, feeding=feeding)).predict(data, index)
    # One frame in one chunk reaches the video gate; the frames of all the others stay because of
    # it.
    nothing = empty(index.height, index.width)
    wanted = [
        c if score >= feeding.gate else nothing
        for c, score in zip(open_all.counts, open_all.scores, strict=True)
    ]
    assert list(found.counts) == wanted
    too_high = replace(feeding, video_gate=float(np.nextafter(order[-1], 2)))
    silent = Trained(replace(ungated, feeding=too_high)).predict(data, index)
    assert set(silent.counts) == {nothing}


@pytest.mark.parametrize(
    ("file", "content", "what"),
    [
        (
            "config.json",
            b'{"widths": [8, 16]}',
            "RuntimeError: Error(s) in loading state_dict for UNet:",
        ),
        ("config.json", b"{}", "KeyError: 'widths'"),
        ("model.safetensors", b"", "SafetensorError: "),
        (
            "brokenvideos.json",
            b'{"recipe": "unet", "feeding": {"size": [8, 8], "speed": 1}, "brokenvideos": "9"}',
            "TypeError: ",
        ),
    ],
)
def test_a_model_that_does_not_fit_the_code(trained, tmp_path, file, content, what):
    folder = tmp_path / "model"
    shutil.copytree(trained, folder)
    (folder / file).write_bytes(content)
    with pytest.raises(TrainError) as caught:
        load_model(folder, device="cpu")
    message = str(caught.value)
    saved_by = "9" if file == "brokenvideos.json" else brokenvideos.__version__
    assert message.startswith(
        f"{folder}: cannot be read as a model of brokenvideos {brokenvideos.__version__} ({what}"
    )
    assert message.endswith(
        f"It was saved by {saved_by}: load it with that version, or train it again."
    )
    assert "\n" not in message


class Code:
    """What a pickle runs when it is read by somebody who trusts it."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_checkpoint_with_code_in_it_is_refused_and_not_run(trained, tmp_path):
    ran = tmp_path / "ran"
    folder = tmp_path / "model"
    shutil.copytree(trained, folder)
    (folder / "model.safetensors").write_bytes(pickle.dumps(Code(ran)))
    with pytest.raises(TrainError) as caught:
        open_model(str(folder), device="cpu")
    assert str(caught.value).startswith(
        f"{folder}: cannot be read as a model of brokenvideos {brokenvideos.__version__} ("
    )
    (folder / "model.safetensors").unlink()
    torch.save({"head.weight": Code(ran)}, folder / "pytorch_model.bin")
    with pytest.raises(TrainError):
        open_model(str(folder), device="cpu")
    assert not ran.exists()


def test_weights_of_transformers_are_read_as_safetensors_alone(tmp_path):
    transformers = pytest.importorskip("transformers")
    ran = tmp_path / "ran"
    folder = tmp_path / "model"
    config = transformers.SegformerConfig(
        num_labels=1, depths=[1] * 4, hidden_sizes=[8, 16, 16, 16]
    )
    config.save_pretrained(folder)
    settings = {
        "recipe": "segformer",
        "brokenvideos": "1",
        "feeding": {"size": [32, 32], "num_frames": 1},
    }
    (folder / "brokenvideos.json").write_text(json.dumps(settings))
    torch.save({"decode_head.classifier.bias": Code(ran)}, folder / "pytorch_model.bin")
    with pytest.raises(TrainError) as caught:
        open_model(str(folder), device="cpu")
    assert "model.safetensors" in str(caught.value)
    assert not ran.exists()


@pytest.mark.parametrize("margin", [0, 1, 3])
@pytest.mark.parametrize("length", [1, 4, 5])
def test_every_frame_counts_once_between_its_neighbours(length, margin):
    for num_frames in range(14):
        frames = [np.array([number]) for number in range(num_frames)]
        given = []
        for held, kept in _chunks(iter(frames), length=length, margin=margin):
            numbers = [int(frame[0]) for frame in held]
            assert numbers == list(range(numbers[0], numbers[-1] + 1))
            assert len(numbers) <= length + 2 * margin
            counted = numbers[kept]
            assert numbers[0] == max(0, counted[0] - margin)
            assert numbers[-1] >= min(num_frames - 1, counted[-1] + margin)
            given += counted
        assert given == list(range(num_frames))


def test_no_model_there(tmp_path):
    with pytest.raises(TrainError) as caught:
        open_model(str(tmp_path))
    assert str(caught.value) == (
        f"{tmp_path}: no brokenvideos.json in it. Name the folder that `brokenvideos train` has "
        "written."
    )


def test_a_model_says_how_far_to_trust_it_and_where_not(trained, tmp_path):
    (video, *_) = find_videos(["sample"])
    data, index = video.read()
    model = open_model(str(trained), device="cpu")
    assert model.promise == ()
    assert model.predict(data, index).far == ()
    promising = tmp_path / "model"
    shutil.copytree(trained, promising)
    settings = json.loads((promising / "brokenvideos.json").read_text())
    settings |= {"promise": ["one", "two"], "seen": {"short_side_px": [480, 1080], "fps": [1, 100]}}
    (promising / "brokenvideos.json").write_text(json.dumps(settings))
    model = open_model(str(promising), device="cpu")
    assert model.promise == ("one", "two")
    assert model.predict(data, index).far == (
        f"shorter side {min(index.height, index.width)} px, seen 480 to 1080",
    )
    run = CliRunner().invoke(
        app,
        [
            "predict",
            str(promising),
            "sample",
            "--split",
            "test",
            "--device",
            "cpu",
            "--out",
            str(tmp_path / "out"),
        ],
    )
    assert run.exit_code == 0
    lines = run.output.splitlines()
    assert [line for line in lines if line in ("one", "two")] == ["one", "two"]
    assert any(
        " videos are far from what the model was trained on, where nothing is promised: " in line
        for line in lines
    )
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert all(video["far"] for video in report["videos"])
