"""One release with a full card for every test that looks at one."""

import json
import shutil
from pathlib import Path

import pytest

from brokenvideos.card.about import About, read_about
from brokenvideos.card.inputs import CardInputs, read_inputs
from brokenvideos.tools.agreement.agreement import agree
from brokenvideos.tools.evaluation.evaluation import evaluate
from brokenvideos.tools.publishing.write_card import write_card

ABOUT = """
annotation = "Two people marked every video."
contact = "see the project page"
date_published = 2026-01-31
agreement = "agree.json"
[baselines]
"a perfect one" = "scores.json"
"""


@pytest.fixture(scope="session")
def about_file(release: Path, raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TOML file beside what `agree --json` and `evaluate --json` write of this release."""
    folder = tmp_path_factory.mktemp("about")
    (folder / "agree.json").write_text(json.dumps(agree([release, raw]).to_dict()))
    (folder / "scores.json").write_text(
        json.dumps(evaluate(release, release, splits=["test"]).to_dict())
    )
    (folder / "about.toml").write_text(ABOUT)
    return folder / "about.toml"


@pytest.fixture(scope="session")
def carded(release: Path, about_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release with a full card. Read only: a test that changes it works on a copy."""
    folder = tmp_path_factory.mktemp("carded") / "release"
    shutil.copytree(release, folder)
    write_card(folder, about=about_file)
    return folder


@pytest.fixture
def copy(carded: Path, tmp_path: Path) -> Path:
    """A release with a full card, to spoil."""
    shutil.copytree(carded, tmp_path / "release")
    return tmp_path / "release"


@pytest.fixture(scope="session")
def inputs(release: Path) -> CardInputs:
    """What a card of the release is made from, without words of people."""
    return read_inputs(release, About())


@pytest.fixture(scope="session")
def about(about_file: Path, inputs: CardInputs) -> About:
    return read_about(about_file, inputs.manifest)
