"""One model on several sets of other people, in one table."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from brokenvideos.tools.commands.main import app
from brokenvideos.tools.external import ExternalError, score_sets, sets_dict, sets_table
from brokenvideos.tools.training.predictor import Feeding, save_model
from brokenvideos.tools.training.recipes import recipe_named
from tests.foreign_sets import write_foreign_sets


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_foreign_sets(tmp_path_factory.mktemp("foreign"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    recipe = recipe_named("unet")
    unet = recipe.make(None)
    for parameter in unet.head.parameters():
        nn.init.normal_(parameter, std=0.5)
    folder = tmp_path_factory.mktemp("trained") / "model"
    save_model(unet, folder, recipe=recipe, feeding=Feeding((48, 64), 4), facts={})
    return folder


def test_a_model_is_scored_on_every_set_with_floors_beside(
    sets, model: Path, tmp_path: Path
) -> None:
    found = score_sets(str(model), sets, tmp_path / "out", device="cpu")
    assert list(found) == ["geneva", "anakin", "pal4vst", "richhf"]
    for name, evaluation in found.items():
        assert evaluation.scores.broken["jf"].n == 2
        assert 0 < evaluation.scores.broken["active_jf"].value < 1
        assert (tmp_path / "out" / name / "release" / "manifest.json").is_file()
    lines = sets_table(found).splitlines()
    assert lines[0] == (
        "| Set | broken | normal | J&F active | highest floor | J&F | highest floor | false videos "
        "|"
    )
    active = found["geneva"].scores.broken["active_jf"]
    assert lines[2].startswith(f"| geneva | 2 | 0 | {active.value:.3f} {active.interval()} | ")
    assert lines[2].endswith(" | - |")
    floors = {
        floor: found["geneva"].floors[floor].broken["jf"].value for floor in found["geneva"].floors
    }
    highest = max(floors, key=lambda floor: floors[floor])
    assert f" | {floors[highest]:.3f} {highest} | - |" in lines[2]
    assert len(lines) == 8
    assert sets_dict(found)["richhf"]["broken"]["jf"]["n"] == 2


def test_a_release_is_scored_as_it_is_and_a_floor_scores_as_the_floor(sets, tmp_path: Path) -> None:
    first = score_sets("centre-box", {"g": sets["geneva"]}, tmp_path / "first")
    again = score_sets(
        "centre-box", {"g": tmp_path / "first" / "g" / "release"}, tmp_path / "again"
    )
    assert again["g"].scores == first["g"].scores
    assert (
        again["g"].scores.broken["active_jf"] == again["g"].floors["centre-box"].broken["active_jf"]
    )
    assert not (tmp_path / "again" / "g" / "release").exists()
    with pytest.raises(FileExistsError):
        score_sets("centre-box", {"g": sets["geneva"]}, tmp_path / "first")


def test_sets_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExternalError) as caught:
        score_sets("centre-box", {}, tmp_path / "out")
    assert (
        str(caught.value) == "no set is named. Give each as NAME=FOLDER, a release or a raw folder."
    )
    with pytest.raises(ExternalError) as caught:
        score_sets("centre-box", {"g": tmp_path / "none"}, tmp_path / "out")
    assert str(caught.value) == (
        f"set g: {tmp_path / 'none'}: no such folder. Wanted a release or a raw folder, see "
        "raw-layouts.md."
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("given", ["geneva", "=x", "a=", ".a=x", "a/b=x"])
def test_a_set_without_a_name_is_refused_by_the_command(given: str) -> None:
    done = CliRunner().invoke(
        app, ["external", "centre-box", given, "--out", "out"], env={"COLUMNS": "200"}
    )
    assert done.exit_code == 2
    said = " ".join(done.output.replace("│", "").split())
    assert f"set {given!r}: wanted NAME=FOLDER, each with a name of its own" in said


def test_the_command_prints_the_table_or_json(sets, tmp_path: Path) -> None:
    named = [f"g={sets['geneva']}", f"p={sets['pal4vst']}"]
    done = CliRunner().invoke(
        app, ["external", "centre-box", *named, "--out", str(tmp_path / "out"), "--json"]
    )
    assert list(json.loads(done.stdout)) == ["g", "p"]
