"""A small release whose three splits all have broken and normal videos, and how a tiny training of
it is told.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from brokenvideos.builder import BuildOptions, build
from brokenvideos.tools.synthetic.sample import write_sample
from brokenvideos.tools.training import TrainOptions

SPLIT_OF = ["train"] * 9 + ["validation"] * 3 + ["test"] * 6


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of 18 videos of 12 frames, 48x48: of every three one is normal, and each split has
    every artifact type but one.
    """
    raw = write_sample(
        tmp_path_factory.mktemp("train") / "raw", videos=18, num_frames=12, height=48, width=48
    )
    lines = [json.loads(line) for line in (raw / "videos.jsonl").read_text().splitlines()]
    for line, split in zip(lines, SPLIT_OF, strict=True):
        # Videos of one prompt share a split, and these are to be spread.
        line |= {"split": split, "prompt": None}
    (raw / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    out = raw.parent / "release"
    build(raw, out, BuildOptions(num_shards={"train": 2}))
    return out


@pytest.fixture
def tiny() -> Any:
    """Options of a training that takes about a second."""

    def options(**more: Any) -> TrainOptions:
        return TrainOptions(**{"epochs": 2, "size": (32, 32), "batch_size": 3, "cpu": True, **more})

    return options
