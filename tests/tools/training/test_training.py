"""A training as a person runs it, small: it learns, resumes exactly, leaves out what is held out,
stops, saves what it scored.
"""

import json
import math
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import load_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import brokenvideos
from brokenvideos.builder import BuildOptions, build
from brokenvideos.frames import read_frames
from brokenvideos.masks import decode
from brokenvideos.tools.evaluation import evaluate
from brokenvideos.tools.synthetic.sample import write_sample
from brokenvideos.tools.training import TrainError, TrainOptions, load_model, train, training
from brokenvideos.tools.training.about import FalseAlarms
from brokenvideos.tools.training.checkpoint import checkpoints
from brokenvideos.tools.training.recipes import RECIPES, recipe_named
from brokenvideos.tools.training.rows import split_rows
from brokenvideos.tools.training.scoring import evaluated, predictions_for, scored_videos
from brokenvideos.tools.training.training import learning_rate

BROKENVIDEOS = str(Path(sys.executable).parent / "brokenvideos")


class CutOffError(Exception):
    """What ends a run in the middle."""


def cut_off_before(step: int):
    """An `on_batch` that lets so many steps pass."""
    left = [step]

    def on_batch(batch: dict) -> None:
        if not left[0]:
            raise CutOffError
        left[0] -= 1

    return on_batch


def rows_of(release: Path, split: str) -> dict[str, dict]:
    return {
        row["video_id"]: row
        for row in brokenvideos.load(data_dir=release, split=split, streaming=True)
    }


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(checkpoints(out)[-1] / "model.safetensors")


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


@pytest.fixture(scope="module")
def trained(videos: Path, tmp_path_factory: pytest.TempPathFactory):
    """(folder, results, lines said) of a whole run."""
    out = tmp_path_factory.mktemp("trained") / "out"
    said: list[str] = []
    options = TrainOptions(
        epochs=10, size=(32, 32), batch_size=3, validate_epochs=5, lr=1e-2, cpu=True
    )
    results = train(str(videos), out, options, say=said.append)
    return out, results, said


def test_the_loss_falls(trained) -> None:
    out, _, said = trained
    log = EventAccumulator(str(out / "logs"))
    log.Reload()
    losses = [event.value for event in log.Scalars("train/loss")]
    assert [event.step for event in log.Scalars("train/loss")] == list(range(1, 31))
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])
    assert len(said) == len(log.Scalars("validation/J&F active")) == 2


def test_the_scores_are_those_of_evaluate(trained, videos: Path) -> None:
    out, results, _ = trained
    again = evaluate(videos, out / "predictions", splits=["test"])
    assert json.loads((out / "scores.json").read_text())["test"]["videos"] == [
        v.to_dict() for v in again.videos
    ]
    assert results.evaluation.scores == again.scores
    assert results.evaluation.floors == again.floors


def test_the_saved_model_predicts_the_same_masks(trained, videos: Path) -> None:
    out, _, _ = trained
    predictor = load_model(out, device="cpu")
    table = pq.read_table(out / "predictions" / "test.parquet").to_pylist()
    for video_id, row in rows_of(videos, "test").items():
        stored = [line for line in table if line["video_id"] == video_id]
        frames = read_frames(
            row["video"]["bytes"], range(row["num_frames"]), size=predictor.feeding.size
        )
        found = predictor.predict(
            torch.from_numpy(frames).movedim(-1, 1), height=row["height"], width=row["width"]
        )
        assert list(found.counts) == [line["counts"] for line in stored]
        assert found.scores.tolist() == [line["score"] for line in stored]
        # Of frames at their own size it makes about the same: they are scaled by another library.
        masks, scores = predictor(
            read_frames(row["video"]["bytes"], range(row["num_frames"])).transpose(0, 3, 1, 2)
        )
        assert (masks.shape, masks.dtype) == ((12, 48, 48), np.bool_)
        assert scores == pytest.approx(found.scores, abs=0.05)
        assert (masks != decode(list(found.counts), height=48, width=48)).mean() < 0.05


def test_the_card_says_what_it_was_made_of(trained, videos: Path) -> None:
    out, results, _ = trained
    card = (out / "model" / "README.md").read_text()
    assert results.evaluation.table() in card
    assert f"data version {brokenvideos.read_manifest(str(videos))['data_version']} " in card
    settings = json.loads((out / "model" / "brokenvideos.json").read_text())
    assert f"commit {settings['code']['commit'] or 'not known'}" in card
    assert f"value: {results.evaluation.scores.broken['jf'].value:.3f}" in card
    assert "Trained on 9 videos (6 broken, 3 normal), 0.00 h. By generator: " in card
    about = settings["trained_on"]
    assert sum(about["generators"].values()) == 9
    alarms = settings["false_alarms_test"]
    normal = [row for row in rows_of(videos, "test").values() if not row["label"]]
    assert alarms["hours"] == pytest.approx(
        sum(row["num_frames"] / row["fps"] for row in normal) / 3600
    )
    assert f"{alarms['alarms']} false alarm" in card
    detection = settings["detection_test"]
    assert detection["video_recall"]["n"] == results.evaluation.scores.broken["jf"].n
    assert "| second of video | " in card
    frames = sum(found["n"] for found in settings["calibration_test"]["bins"])
    assert frames == sum(len(row["annotated_frames"]) for row in rows_of(videos, "test").values())
    assert (
        "Expected calibration error of the frames' scores: "
        f"{settings['calibration_test']['expected_calibration_error']:.3f}." in card
    )
    assert f"{settings['gates']['broken_videos']} broken ones beside them" in card
    assert settings["seen"]["fps"] == [12.0, 12.0]
    first, second = settings["promise"]
    assert first.startswith("On its test split this model had, by video: recall ")
    assert second == f"In normal videos there it raised {alarms_text(alarms)}."
    assert "Not for judging people's faces" in card
    assert "(forensics)" in card


def alarms_text(alarms: dict) -> str:
    return FalseAlarms(alarms["alarms"], alarms["hours"]).text()


# --- Resume ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("workers", "steps"),
    [
        (0, [2]),
        pytest.param(0, [0, 1, 3], marks=pytest.mark.slow),
        pytest.param(2, range(4), marks=pytest.mark.slow),
    ],
)
def test_a_run_that_is_cut_off_at_any_step_goes_on_to_the_same_weights(
    videos: Path, tiny, tmp_path: Path, workers: int, steps: Sequence[int]
) -> None:
    # Two workers deal 9 videos as 5 and 4: an epoch has two batches either way.
    options = tiny(batch_size=5, checkpoint_steps=1, workers=workers)
    train(str(videos), tmp_path / "whole", options)
    assert checkpoints(tmp_path / "whole")[-1].name == "step-00000004"
    for step in steps:
        out = tmp_path / f"cut-{step}"
        with pytest.raises(CutOffError):
            train(str(videos), out, options, on_batch=cut_off_before(step))
        train(str(videos), out, options, resume=True)
        assert same(weights(out), weights(tmp_path / "whole")), step
        assert (out / "scores.json").read_text() == (tmp_path / "whole" / "scores.json").read_text()


def test_a_run_without_checkpoints_in_an_epoch_goes_on_from_the_last_one(
    videos: Path, tiny, tmp_path: Path
) -> None:
    train(str(videos), tmp_path / "whole", tiny())
    with pytest.raises(CutOffError):
        train(str(videos), tmp_path / "cut", tiny(), on_batch=cut_off_before(5))
    assert [path.name for path in checkpoints(tmp_path / "cut")] == ["step-00000003"]
    said: list[str] = []
    train(str(videos), tmp_path / "cut", tiny(), resume=True, say=said.append)
    assert said[0] == "continues from step 3 of 6"
    assert same(weights(tmp_path / "cut"), weights(tmp_path / "whole"))


def test_with_other_workers_each_clip_still_comes_once(videos: Path, tiny, tmp_path: Path) -> None:
    seen: list[str] = []

    def on_batch(batch: dict) -> None:
        if len(seen) == 3:
            raise CutOffError
        seen.extend(batch["video_id"])

    with pytest.raises(CutOffError):
        train(str(videos), tmp_path / "cut", tiny(epochs=1, checkpoint_steps=1), on_batch=on_batch)
    options = tiny(epochs=1, checkpoint_steps=1, workers=2)
    train(
        str(videos),
        tmp_path / "cut",
        options,
        resume=True,
        on_batch=lambda batch: seen.extend(batch["video_id"]),
    )
    assert sorted(seen) == sorted(rows_of(videos, "train"))


def test_a_checkpoint_that_was_not_finished_is_none(videos: Path, tiny, tmp_path: Path) -> None:
    with pytest.raises(CutOffError):
        train(str(videos), tmp_path / "cut", tiny(checkpoint_steps=1), on_batch=cut_off_before(2))
    (tmp_path / "cut" / "checkpoints" / ".step-00000003.partial").mkdir()
    said: list[str] = []
    train(str(videos), tmp_path / "cut", tiny(checkpoint_steps=1), resume=True, say=said.append)
    assert said[0] == "continues from step 2 of 6"
    assert [path.name for path in sorted((tmp_path / "cut" / "checkpoints").iterdir())] == [
        "step-00000005",
        "step-00000006",
    ]


# --- What decides it ------------------------------------------------------------------------------


def test_a_holdout_is_in_no_batch_and_no_validation_and_is_scored_apart(
    videos: Path, tiny, tmp_path: Path
) -> None:
    seen: set[str] = set()
    results = train(
        str(videos),
        tmp_path / "out",
        tiny(holdout="artifact:blur", epochs=1),
        on_batch=lambda batch: seen.update(batch["video_id"]),
    )
    types = {
        split: {i: r["artifact_types"] for i, r in rows_of(videos, split).items()}
        for split in ("train", "test")
    }
    blur = brokenvideos.ARTIFACT_TYPES.index("blur")
    without = {video_id for video_id, found in types["train"].items() if blur not in found}
    assert seen == without
    assert len(without) < len(types["train"])
    held = {video_id for video_id, found in types["test"].items() if blur in found}
    groups = {
        name: {video.video_id for video in found.videos} for name, found in results.groups.items()
    }
    assert groups == {"like training": set(types["test"]) - held, "held out: artifact:blur": held}
    assert "| held out: artifact:blur |" in (tmp_path / "out" / "model" / "README.md").read_text()


def test_it_stops_when_validation_gets_no_better(
    videos: Path, tiny, tmp_path: Path, monkeypatch
) -> None:
    recipe = recipe_named("unet")
    # It marks everything, so the first validation stays the best one.
    loud = replace(recipe, logits=lambda model, batch: recipe.logits(model, batch) + 100)
    monkeypatch.setattr(training, "recipe_named", lambda name: loud)
    said: list[str] = []
    train(str(videos), tmp_path / "out", tiny(epochs=9, patience=2, lr=1e-12), say=said.append)
    assert len(said) == 3
    assert json.loads((tmp_path / "out" / "best" / "brokenvideos.json").read_text())["step"] == 3
    assert checkpoints(tmp_path / "out")[-1].name == "step-00000009"


def test_a_model_that_finds_nothing_yet_is_waited_for(
    videos: Path, tiny, tmp_path: Path, monkeypatch
) -> None:
    recipe = recipe_named("unet")
    silent = replace(recipe, logits=lambda model, batch: recipe.logits(model, batch) - 100)
    monkeypatch.setattr(training, "recipe_named", lambda name: silent)
    said: list[str] = []
    train(str(videos), tmp_path / "out", tiny(epochs=4, patience=1, lr=1e-12), say=said.append)
    assert len(said) == 4
    assert all("J&F active 0.000" in line for line in said)


def test_one_seed_gives_one_model_and_another_another(videos: Path, tiny, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(str(videos), tmp_path / name, tiny(seed=seed, steps=2))
    assert same(weights(tmp_path / "a"), weights(tmp_path / "b"))
    assert not same(weights(tmp_path / "a"), weights(tmp_path / "c"))


def test_the_learning_rate_rises_and_falls() -> None:
    rates = [learning_rate(step, total=100) for step in range(100)]
    assert rates[:5] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[-1] == pytest.approx(0.01, abs=1e-3)


def test_a_repository_on_the_hub_is_trained_on_as_a_release_is(
    hub, online, videos: Path, tiny, tmp_path: Path
) -> None:
    hub.create("someone/videos")
    hub.push_folder("someone/videos", videos, tag=f"v{brokenvideos.DATA_VERSION}")
    for data, out in (
        (f"someone/videos@v{brokenvideos.DATA_VERSION}", tmp_path / "hub"),
        (str(videos), tmp_path / "local"),
    ):
        train(data, out, tiny(steps=2))
    assert same(weights(tmp_path / "hub"), weights(tmp_path / "local"))
    scores = [
        json.loads((tmp_path / name / "scores.json").read_text()) for name in ("hub", "local")
    ]
    assert scores[0]["test"]["videos"] == scores[1]["test"]["videos"]


# --- Refusals -------------------------------------------------------------------------------------


def test_bad_wishes_are_refused_in_words(videos: Path, tiny, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cases = [
        (tiny(recipe="vit"), f"recipe 'vit': wanted {' or '.join(RECIPES)}."),
        (tiny(epochs=0), "epochs is 0, must be 1 or more."),
        (tiny(lr=-1.0), "lr is -1.0, size (32, 32); both must be above 0."),
        (
            tiny(init="nowhere"),
            "--init nowhere: no such folder. The unet starts from new weights, or from a model "
            "that it saved.",
        ),
        (
            tiny(lr=math.inf, epochs=1),
            "step 1: the loss is nan. Lower --lr, or train with --precision no.",
        ),
    ]
    for options, message in cases:
        with pytest.raises(TrainError) as caught:
            train(str(videos), out, options)
        assert str(caught.value) == message
        shutil.rmtree(out, ignore_errors=True)
    with pytest.raises(ValueError) as unmatched:
        train("sample", out, tiny(holdout="artifact:blur"))
    assert str(unmatched.value) == (
        "no row of split 'validation' passes holdout='artifact:blur'. Its artifact_types: blur."
    )
    without_test = tmp_path / "without test"
    shutil.copytree(videos, without_test)
    manifest = json.loads((without_test / "manifest.json").read_text())
    manifest["shards"] = [shard for shard in manifest["shards"] if shard["split"] != "test"]
    (without_test / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(TrainError) as caught:
        train(str(without_test), out, tiny())
    assert str(caught.value) == (
        f"{without_test}: no split test. A training learns on train, chooses on validation, is "
        "scored on test. Build the release from more videos or prompts, or name the splits in "
        "videos.jsonl (split)."
    )
    with pytest.raises(TrainError) as caught:
        train("nowhere", out, tiny())
    assert str(caught.value) == (
        "--data nowhere: no such folder. Wanted a release folder, 'sample', or a repository "
        "OWNER/NAME@REVISION on the Hub."
    )


def test_a_folder_with_a_run_is_not_written_over(trained, videos: Path, tiny) -> None:
    out, _, _ = trained
    with pytest.raises(TrainError) as caught:
        train(str(videos), out, tiny())
    assert (
        str(caught.value)
        == f"{out}: holds a run already. Continue it with --resume, or give another --out."
    )
    with pytest.raises(TrainError) as caught:
        train(str(videos), out, tiny(size=(48, 48), lr=1e-2), resume=True)
    assert str(caught.value) == (
        "--resume: the run was started with size [32, 32], now [48, 48]. Give the same options, or "
        "another --out."
    )


def test_no_model_there(tmp_path: Path) -> None:
    with pytest.raises(TrainError) as caught:
        load_model(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}: no brokenvideos.json in it. Name the folder that `brokenvideos train` has "
        "written."
    )


# --- By hand --------------------------------------------------------------------------------------


def test_by_hand(videos: Path, run_warm, tmp_path: Path) -> None:
    command = (
        f"train --data {videos} --recipe unet --out out --steps 2 --size 32x32 --batch-size "
        "4 --holdout artifact:blur"
    )
    done = run_warm([BROKENVIDEOS, *shlex.split(command), "--cpu"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines() == [
        "train: 2 of 2",
        "validate after epoch 1: 2 of 2",
        "test: 6 of 6",
    ]
    assert done.stdout.startswith("epoch 1 step 2: J&F active ")
    assert done.stdout.endswith(
        "\nout/model: the model. Its predictions for test: out/predictions\n"
    )


# --- Learning -------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_training_teaches(tmp_path: Path) -> None:
    """Two minutes of it, past the steps in which a model says nothing: far from the benchmark's
    scores, above the best floor.
    """
    raw = write_sample(tmp_path / "raw", videos=150, num_frames=12, height=48, width=48)
    lines = [json.loads(line) for line in (raw / "videos.jsonl").read_text().splitlines()]
    for number, line in enumerate(lines):
        line |= {"split": {0: "validation", 1: "test"}.get(number % 10, "train"), "prompt": None}
    (raw / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    build(raw, tmp_path / "release", BuildOptions())
    options = TrainOptions(epochs=30, size=(48, 48), patience=0, validate_epochs=6, cpu=True)
    train(str(tmp_path / "release"), tmp_path / "out", options)
    rows = split_rows(tmp_path / "release", "test")
    # Without gates: ten validation videos are too few to choose them by.
    predictor = load_model(tmp_path / "out").ungated()
    found = predictions_for(
        predictor, rows, first=0, share=1, workers=0, on_progress=lambda *_: None
    )
    videos = scored_videos(tmp_path / "release", "test", found, floors=True)
    result = evaluated(videos, release=tmp_path / "release", split="test")
    active, box = (
        scores.broken["active_jf"].value for scores in (result.scores, result.floors["centre-box"])
    )
    assert active > box > 0.1
