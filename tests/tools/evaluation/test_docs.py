"""The examples of docs/evaluation.md run as they stand there."""

import re
import shutil
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs" / "evaluation.md"
BLOCKS = re.findall(r"```python\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)
SAYS = {
    "evaluate": r"J&F of \d+ videos: 1\.000 .*\n\| Broken videos \(n = \d+\) ",
    "JFScore": r"1\.0\n",
    "agree": r"9 videos, 6 marked by somebody; annotators: anna, ben\n",
    "predict": r"1 of 1 videos are flagged\n",
}


def block_of(name: str) -> str:
    (block,) = [block for block in BLOCKS if re.search(rf"import .*\b{name}\b", block)]
    return block


@pytest.fixture
def folder(raw: Path, release: Path, tmp_path: Path) -> Path:
    """What the examples name."""
    for name in ("anna", "ben"):
        shutil.copytree(raw, tmp_path / name)
    (tmp_path / "release").symlink_to(release)
    (tmp_path / "predictions").symlink_to(release)
    shutil.copy(next((raw / "videos").glob("*.mp4")), tmp_path / "clip.mp4")
    return tmp_path


@pytest.mark.parametrize("name", SAYS)
def test_an_example_runs(name: str, folder: Path, run_warm) -> None:
    done = run_warm([sys.executable, "-c", block_of(name)], cwd=folder)
    assert done.returncode == 0, done.stderr
    assert re.match(SAYS[name], done.stdout), done.stdout


def test_every_example_is_run() -> None:
    assert len(BLOCKS) == len(SAYS)
