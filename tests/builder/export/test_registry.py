"""Export layouts are files in a folder: what lists them, and what adds one."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import brokenvideos
from brokenvideos.builder.export import (
    export,
    export_layout_named,
    export_layout_names,
    export_layouts_table,
    layouts,
)
from brokenvideos.builder.export.layout import ExportLayout
from brokenvideos.tools.commands.main import app

ROOT = Path(brokenvideos.__path__[0])


def test_every_file_has_a_layout() -> None:
    assert all(
        isinstance(export_layout_named(name), ExportLayout) for name in export_layout_names()
    )


def test_a_layout_is_added_by_one_file(
    release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "more"
    folder.mkdir()
    page = (
        (ROOT / "docs/extending.md")
        .read_text(encoding="utf-8")
        .partition("## A complete export layout")[2]
    )
    (added,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (folder / "pixel_counts.py").write_text(added)
    monkeypatch.setattr(layouts, "__path__", [*layouts.__path__, str(folder)])
    report = export(release, tmp_path / "out", layout="pixel-counts", split="test")
    assert report.build_options is None
    counted = json.loads((tmp_path / "out" / "pixels.json").read_text())
    rows = list(brokenvideos.load("annotations", data_dir=release, split="test", streaming=True))
    assert counted == {
        row["video_id"]: sum(
            brokenvideos.masks.area(
                row["masks"]["counts"], height=row["height"], width=row["width"]
            ).tolist()
        )
        for row in rows
    }
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["pixels.json"]
    row = (
        "| pixel-counts | the number of marked pixels in each video | none | the positions of "
        "marked pixels |"
    )
    assert row in export_layouts_table().splitlines()


def test_the_docs_have_the_table() -> None:
    assert export_layouts_table() in (ROOT / "docs/raw-layouts.md").read_text(encoding="utf-8")


def test_the_help_of_export_names_all() -> None:
    shown = (
        CliRunner()
        .invoke(app, ["export", "--help"], terminal_width=200, env={"COLUMNS": "200"})
        .output
    )
    assert f"--layout <{'|'.join(export_layout_names())}>" in " ".join(shown.split())
