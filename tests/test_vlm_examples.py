"""The examples of language models: export, fine-tune, answer, evaluate, on a tiny random LLaVA."""

import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

import brokenvideos
from brokenvideos.builder.export import ExportOptions, export
from brokenvideos.tools.evaluation import evaluate_answers

ROOT = Path(__file__).parent.parent
SCRIPT = """
import runpy, sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from tests.tiny_vlm import tiny_vlm

sample = sys.argv[2]
tiny_vlm(Path("model"))
for name, *arguments in (
    ("vlm", "model", sample, "before.jsonl", "--num-frames", "2", "--max-new-tokens", "8", "--box-unit", "pixels"),
    ("vlm_lora", "model", "chat", "tuned", "--steps", "20", "--batch-size", "2", "--rank", "4", "--learning-rate", "0.02"),
    ("vlm", "tuned", sample, "after.jsonl", "--num-frames", "2", "--max-new-tokens", "8"),
):
    sys.argv = [name, *arguments]
    runpy.run_path(f"{ROOT}/examples/{name}.py", run_name="__main__")
""".replace("{ROOT}", str(ROOT))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_model_is_asked_tuned_and_asked_again(run_warm, tmp_path: Path) -> None:
    for name in ("peft", "transformers", "trl"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    sample = Path(brokenvideos.__path__[0]) / "sample"
    options = ExportOptions(frames="jpg", num_frames=2)
    export(sample, tmp_path / "chat", layout="chat", options=options, split="train")
    command = [sys.executable, "-c", SCRIPT, str(ROOT), str(sample)]
    done = run_warm(command, cwd=tmp_path, env={**os.environ, "HF_HUB_OFFLINE": "1"}, timeout_s=280)
    assert done.returncode == 0, done.stderr
    first, tuned, again = (
        line for line in done.stdout.splitlines() if ".jsonl: " in line or " steps " in line
    )
    assert (first, again) == ("before.jsonl: 6 answers", "after.jsonl: 6 answers")
    assert tuned.startswith("tuned: steps 20 loss ")
    said = {
        name: [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        for name in ("before", "after")
    }
    lists = {
        name: sum(row["answer"].startswith("[") for row in rows) for name, rows in said.items()
    }
    assert lists["before"] == 0
    assert lists["after"] > 0  # how most of the answers that it was shown begin
    for name, rows in said.items():
        assert all(0 < row["score"] < 1 for row in rows if row["question"] == "broken")
        found = evaluate_answers(sample, tmp_path / f"{name}.jsonl", splits=["test"])
        assert found.num_answers == 6
        assert found.unreadable
        assert found.to_dict()["auroc_of"] == "scores"
