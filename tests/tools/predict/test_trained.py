"""Models of `brokenvideos train` asked about whole videos."""

import numpy as np
import pytest
import torch
from torch import nn

from brokenvideos.frames import iter_frames
from brokenvideos.masks import decode
from brokenvideos.tools.predict import model as predict_model
from brokenvideos.tools.predict.model import Trained, _chunks, open_model
from brokenvideos.tools.predict.videos import find_videos
from brokenvideos.tools.train.predictor import Feeding, load_model, save_model
from brokenvideos.tools.train.recipe import TrainError, recipe_named


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
    frames = torch.from_numpy(np.stack([rgb for _, rgb in iter_frames(data, size=(48, 64))])).permute(0, 3, 1, 2)
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
        f"{tmp_path}: no brokenvideos.json in it. Name the folder that `brokenvideos train` has written."
    )
