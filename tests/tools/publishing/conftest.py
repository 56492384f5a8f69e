"""Two small releases: 1.0.0, and 1.1.0 with one shard less."""

import json
from pathlib import Path

import pytest

from brokenvideos.builder import BuildOptions, build
from brokenvideos.card import card_files
from brokenvideos.tools.synthetic.sample import write_sample
from tests.hub.state import State

REPO = "someone/brokenvideos"


@pytest.fixture(scope="session")
def releases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("publish")
    raw = write_sample(folder / "raw", videos=3, num_frames=8, height=48, width=64)
    # One video goes to test, whose shard both releases have.
    rows = [json.loads(line) for line in (raw / "videos.jsonl").read_text().splitlines()]
    lines = [
        json.dumps({**row, "split": split})
        for row, split in zip(rows, ("train", "test", "train"), strict=True)
    ]
    (raw / "videos.jsonl").write_text("\n".join(lines))
    made = []
    for version, num_shards in (("1.0.0", 2), ("1.1.0", 1)):
        options = BuildOptions(num_shards={"train": num_shards}, data_version=version)
        build(raw, folder / version, options, more_files=card_files)
        made.append(folder / version)
    return made[0], made[1]


@pytest.fixture(scope="session")
def old(releases: tuple[Path, Path]) -> Path:
    return releases[0]


@pytest.fixture(scope="session")
def new(releases: tuple[Path, Path]) -> Path:
    return releases[1]


@pytest.fixture
def published(hub: State, old: Path) -> State:
    """A Hub that has 1.0.0."""
    hub.create(REPO)
    hub.push_folder(REPO, old, tag="v1.0.0")
    return hub
