"""`make` on a machine that lacks something: one line that says what, and nothing half-made."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")


@pytest.fixture
def make(tmp_path: Path, run_process):
    """`make` in a folder with the Makefile alone, with a Python of which a shell script plays the
    front.
    """
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path / name)

    def run(target: str, *words: str, front: str = "") -> subprocess.CompletedProcess[str]:
        python = tmp_path / "python"
        python.write_text(f'#!/bin/sh\n{front}\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        return run_process(
            ["make", "--no-print-directory", f"PYTHON={python}", *words, target], cwd=tmp_path
        )

    return run


def first_line(done: subprocess.CompletedProcess[str], folder: Path) -> str:
    """What was said, without make's own last line; the folder is as it was."""
    assert done.returncode == 2
    said, *rest = done.stderr.splitlines()
    assert [line.startswith("make: *** ") for line in rest] == [True]
    assert not (folder / ".venv").exists() or not (folder / ".venv" / "installed").exists()
    return said.replace(str(folder / "python"), "PYTHON")


def test_help_names_every_target_and_is_the_default(make) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    done = make("help")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["make", target] for target in targets
    ]
    assert re.findall(r"^([a-z]+):", makefile, re.MULTILINE)[0] == "help"


@pytest.mark.parametrize("target", ["demo", "test", "constraints", "docs", "hooks", "release"])
@pytest.mark.parametrize(
    ("front", "found"),
    [("echo 3.10; exit", "3.10"), ("echo 3.15; exit", "3.15"), ("exit 127", "missing")],
)
def test_a_wrong_python(make, tmp_path: Path, target: str, front: str, found: str) -> None:
    said = first_line(make(target, front=front), tmp_path)
    assert (
        said
        == f"make: Python 3.11 to 3.14 is needed, PYTHON is {found}. Name another: make {target} "
        "PYTHON=python3.12"
    )
    assert not (tmp_path / ".venv").exists()


def test_no_module_venv(make, tmp_path: Path) -> None:
    said = first_line(make("demo", front='case "$*" in *ensurepip*) exit 1;; esac'), tmp_path)
    assert said == (
        "make: PYTHON has no module venv. Install it (on Debian and Ubuntu: apt install "
        "python3-venv) and run make again."
    )
    assert not (tmp_path / ".venv").exists()


def test_a_virtual_environment_that_cannot_be_made_leaves_nothing(make, tmp_path: Path) -> None:
    front = (
        'case "$*" in "-m venv .venv") mkdir -p .venv/bin; : > .venv/bin/python; echo "No '
        'space left" >&2; exit 1;; esac'
    )
    assert first_line(make("demo", front=front), tmp_path) == "No space left"
    assert not (tmp_path / ".venv").exists()


def test_no_disk(make, tmp_path: Path) -> None:
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    said = first_line(make("demo", "NEEDS_GB=999999999"), tmp_path)
    free, _, rest = said.removeprefix("make: ").partition(" ")
    assert int(free) >= 0
    assert rest == (
        "GB are free here, 999999999 are needed. Free some, or install torch's small CPU build "
        "first (README: Install)."
    )
