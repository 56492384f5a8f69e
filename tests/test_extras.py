"""Without an extra: one line that says what to install, and words that install something."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = {".md", ".py", ".pyi", ".toml", ".ipynb", ".html", ".yml", ""}


@pytest.mark.parametrize(
    ("missing", "arguments", "message"),
    [
        (
            ["accelerate", "transformers"],
            ["train", "--data", "sample"],
            "train needs accelerate, transformers. Install them in a checkout: pip install "
            "'.[train]'.",
        ),
        (
            ["safetensors"],
            ["predict", "model", "sample", "--out", "out"],
            "predict with a trained model needs safetensors. Install them in a checkout: pip "
            "install '.[train]'.",
        ),
        (
            ["starlette"],
            ["explore", "raw"],
            "explore needs starlette. Install it in a checkout: pip install '.[explore]'.",
        ),
        (
            ["ray"],
            ["build", "raw", "out", "--engine", "ray", "--address", "auto"],
            "--engine ray needs ray. Install it in a checkout: pip install '.[ray]'.",
        ),
    ],
)
def test_a_command_without_its_extra(
    run_process, raw: Path, tmp_path: Path, missing: list[str], arguments: list[str], message: str
) -> None:
    (tmp_path / "raw").symlink_to(raw)
    script = (
        f"import sys; sys.modules |= dict.fromkeys({missing}); from "
        "brokenvideos.tools.commands.main import main; main()"
    )
    done = run_process([sys.executable, "-c", script, *arguments], cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"brokenvideos: {message}\n")
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


def test_no_words_install_what_no_index_has() -> None:
    on_no_index = re.compile(
        r"pip install [^\n`]*\bbroken" + r"videos\b|\bbroken" + r"videos\[[a-z]"
    )
    files = [path for path in ROOT.rglob("*") if path.suffix in TEXT and path.is_file()]
    files = [
        path
        for path in files
        if not any(part.startswith(".") for part in path.relative_to(ROOT).parts[:-1])
    ]
    assert ROOT / "README.md" in files
    # A release as an earlier version wrote it: its bytes stay.
    kept = ROOT / "tests/release/format1"
    files = [path for path in files if not path.is_relative_to(kept)]
    wrong = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in files
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        if on_no_index.search(line)
    ]
    assert not wrong
