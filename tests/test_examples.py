"""The examples and the README's Train snippet run on the sample."""

import importlib.util
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from brokenvideos.frames import encode_video

pytestmark = pytest.mark.slow  # whole programs

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


def run_example(run_warm, name: str, *arguments: str):
    done = run_warm([sys.executable, str(EXAMPLES / name), *arguments])
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_torch_loop_goes_on_where_it_was_cut_off(run_warm, tmp_path: Path) -> None:
    whole = run_example(run_warm, "torch_loop.py").splitlines()
    losses = [float(line.split()[5]) for line in whole]
    assert len(losses) == 10
    assert losses[-1] < losses[0]
    checkpoint = ("--checkpoint", str(tmp_path / "checkpoint.pt"))
    first = run_example(run_warm, "torch_loop.py", *checkpoint, "--stop-after", "2").splitlines()
    rest = run_example(run_warm, "torch_loop.py", *checkpoint).splitlines()
    assert first + rest == whole


def test_accelerate(run_warm) -> None:
    if importlib.util.find_spec("accelerate") is None:
        pytest.skip("accelerate is not installed")
    lines = run_example(run_warm, "accelerate_loop.py").splitlines()
    assert len(lines) == 6


def test_trainer(run_warm) -> None:
    if (
        importlib.util.find_spec("accelerate") is None
        or importlib.util.find_spec("transformers") is None
    ):
        pytest.skip("transformers and accelerate are not installed")
    assert (
        run_example(run_warm, "transformers_trainer.py")
        .splitlines()[-1]
        .startswith("steps 4 loss ")
    )


def test_lightning(run_warm) -> None:
    if importlib.util.find_spec("lightning") is None:
        pytest.skip("lightning is not installed")
    steps, first, last = re.findall(r"[\d.]+", run_example(run_warm, "lightning_loop.py"))
    assert steps == "6"
    assert float(last) < float(first)


def test_segformer_with_trainer(run_warm) -> None:
    if (
        importlib.util.find_spec("accelerate") is None
        or importlib.util.find_spec("transformers") is None
    ):
        pytest.skip("transformers and accelerate are not installed")
    *_, steps, asked = run_example(run_warm, "segformer_trainer.py").splitlines()
    assert steps.startswith("steps 6 loss ")
    assert "masks [24, 96, 128], scores " in asked


def test_the_workflow_gates_a_folder_of_clips(run_process, tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load((EXAMPLES / "gate-clips.yml").read_text())
    (command,) = [
        step["run"]
        for step in workflow["jobs"]["gate"]["steps"]
        if "brokenvideos predict" in step.get("run", "")
    ]
    (tmp_path / "clips").mkdir()
    encode_video(tmp_path / "clips" / "a.mp4", np.full((3, 48, 64, 3), 90, np.uint8), fps=12)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # Two processes of one clip are one; what they are good for is another test's matter.
    for model, status in (("all-empty", 0), ("all-full", 3)):
        env = {**os.environ, "MODEL": model, "PATH": path}
        done = run_process(
            ["bash", "-c", command.replace(" checked", f" {model}")], cwd=tmp_path, env=env
        )
        assert done.returncode == status, done.stderr
        assert f'failures="{2 * (status // 3)}"' in (tmp_path / f"{model}-junit.xml").read_text()
        assert (tmp_path / model / "overlays" / "a.mp4").is_file()


def test_the_train_snippet_of_the_readme(run_warm) -> None:
    train = (ROOT / "README.md").read_text().partition("## Train")[2]
    snippet = re.search(r"```python\n(.*?)```", train, re.DOTALL)
    assert snippet is not None
    done = run_warm(
        [sys.executable, "-c", snippet[1] + "print(video.shape[1:], target.shape[1:], known.dtype)"]
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "torch.Size([8, 3, 96, 128]) torch.Size([8, 96, 128]) torch.bool\n"
