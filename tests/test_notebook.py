"""The notebook runs, and prints what stands in it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import notebook

PATH = Path(__file__).parent.parent / "examples" / "first_steps.ipynb"
RENEW = (
    "`python tests/notebook.py examples/first_steps.ipynb` writes the outputs anew; look at "
    "the diff"
)


def told(outputs: list[dict[str, Any]]) -> list[str]:
    """What is printed, and for a value its kind: pictures are not compared, encoders differ."""
    return [
        "".join(output.get("text", [])) or " ".join(sorted(output["data"])) for output in outputs
    ]


def test_it_runs_and_prints_what_stands_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = json.loads(PATH.read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path)
    wanted = [told(cell["outputs"]) for cell in stored["cells"] if cell["cell_type"] == "code"]
    assert [told(outputs) for outputs in notebook.run(stored)] == wanted, RENEW


def test_it_is_a_notebook_of_format_4() -> None:
    stored = json.loads(PATH.read_text(encoding="utf-8"))
    assert (stored["nbformat"], stored["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in stored["cells"]]
    assert len(set(ids)) == len(ids)
    # The story has four parts.
    text = "".join("".join(cell["source"]) for cell in stored["cells"])
    assert [
        part for part in ("## Load", "## Look", "## Cut clips", "## Score") if part not in text
    ] == []
