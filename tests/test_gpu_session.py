"""benchmarks/gpu_session.sh: every step runs on the processor with tiny inputs, and a step that
fails leaves its figures.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "benchmarks" / "gpu_session.sh"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="a script for bash")


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The Python part of the script as a module."""
    spec = importlib.util.spec_from_file_location("gpu_session", SCRIPT.with_suffix(".py"))
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "gpu_session", module)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.timeout(1200)  # ten processes, each of which imports torch
def test_every_step_runs_on_the_processor(run_process, tmp_path: Path) -> None:
    env = {**os.environ, "DEVICE": "cpu", "PYTHON": sys.executable, "LIMIT_S": "1100"}
    del env["HF_HOME"]
    done = run_process([str(SCRIPT), str(tmp_path / "out")], env=env, cwd=tmp_path, timeout_s=1150)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "out" / "session.json").read_text())
    steps = {step["name"]: step for step in found["steps"]}
    assert list(steps) == [
        "tests",
        "masks",
        "data",
        "verify",
        "train unet",
        "train segformer",
        "predict unet",
    ]
    assert {step["status"] for step in steps.values()} == {"ok"}
    figures = {name: step["figures"] for name, step in steps.items()}
    assert figures["tests"]["tests"] == figures["tests"]["skipped"] > 50
    assert figures["masks"]["ways"]["torch on cpu: decode_batch"]["s_per_mask"] > 0
    assert figures["verify"]["share"]["0.1 %"]["masks"] == 300
    assert figures["verify"]["release"]["videos"] == figures["predict unet"]["videos"] == 8
    assert figures["verify"]["release"]["times_reading"] > 0
    assert (
        set(figures["train unet"])
        == set(figures["train segformer"])
        == {"J&F broken", "J&F active", "false videos"}
    )
    assert (found["device"], found["card"]["cores"]) == ("cpu", os.cpu_count())
    assert found["versions"]["torch"]
    assert [aim["found"] for aim in found["aims"].values()] == [
        None,
        figures["verify"]["release"]["times_reading"],
    ]


def test_a_step_that_fails_or_hangs_leaves_what_it_measured(
    session: ModuleType, tmp_path: Path
) -> None:
    hang = (
        "import sys, time; print('half', flush=True); open(sys.argv[1], 'w').write('[1]'); "
        "time.sleep(100)"
    )
    left = tmp_path / "figures.json"
    found = session.run(
        session.Step(
            "slow one",
            3,
            [[sys.executable, "-c", hang, str(left)]],
            lambda: session.read_json(left),
        ),
        tmp_path,
    )
    assert (found.status, found.figures, found.said) == ("timed out", [1], "half\n")
    commands = [
        [sys.executable, "-c", "raise SystemExit('a reason')"],
        [sys.executable, "-c", "print('not run')"],
    ]
    found = session.run(session.Step("broken", 60, commands, lambda: {}["key"]), tmp_path)
    assert (found.status, found.figures) == ("failed", {})
    assert found.said == "a reason\n\nno figures: KeyError: 'key'"


def test_aims_are_judged_by_what_was_found(session: ModuleType) -> None:
    def done(name: str, figures: dict) -> object:
        return session.Done(name, "ok", 1.0, figures, None)

    way = {"triton on cuda: decode_batch": {"of_write_bound": 0.7}}
    found = session.aims(
        [done("masks", {"ways": way}), done("verify", {"release": {"times_reading": 1.3}})]
    )
    assert [(aim["found"], aim["met"]) for aim in found.values()] == [(0.7, True), (1.3, False)]
    assert [aim["met"] for aim in session.aims([]).values()] == [None, None]
