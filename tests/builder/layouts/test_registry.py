"""A layout is one file: what is added shows where people look for it."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import brokenvideos
from brokenvideos.builder import layouts
from brokenvideos.builder.layouts import (
    detect,
    layout_named,
    layout_names,
    layouts_table,
    read_layout,
)
from brokenvideos.builder.raw import Layout, RawError
from brokenvideos.tools.commands.main import app

ROOT = Path(brokenvideos.__path__[0])

PAGE = (ROOT / "docs/extending.md").read_text(encoding="utf-8")


def test_a_layout_is_added_by_one_file(tmp_path, monkeypatch, write_raw):
    folder = tmp_path / "more"
    folder.mkdir()
    (added,) = re.findall(
        r"```python\n(.*?)```", PAGE.partition("## A complete export layout")[0], re.DOTALL
    )
    (folder / "whole_frames.py").write_text(added)
    monkeypatch.setattr(layouts, "__path__", [*layouts.__path__, str(folder)])
    raw = write_raw({"videos/a.mp4": None, "frames/a.txt": b"0 2"})
    assert detect(raw) == "whole-frames"
    (record,), problems = read_layout(raw, artifact_type="blur")
    assert problems == []
    assert [(frame.frame_index, frame.planes[0].sum()) for frame in record.masks.read()] == [
        (0, 3072),
        (2, 3072),
    ]
    row = (
        "| whole-frames | frames in which every pixel is marked | frames/{video_id}.txt | "
        "`--artifact-type`, `--generator` |"
    )
    assert row in layouts_table().splitlines()
    with pytest.raises(
        RawError, match=r"looked for anakin: .*; whole-frames: frames/\{video_id\}.txt. Arrange"
    ):
        detect(tmp_path / "more")


def test_every_file_has_a_layout():
    assert all(isinstance(layout_named(name), Layout) for name in layout_names())


def test_the_docs_have_the_table_and_a_section_for_each():
    page = (ROOT / "docs/raw-layouts.md").read_text(encoding="utf-8")
    assert layouts_table() in page
    assert set(re.findall(r"^##+ ([a-z0-9-]+)$", page, re.MULTILINE)) == set(layout_names())


def test_the_help_of_build_names_all():
    shown = (
        CliRunner()
        .invoke(app, ["build", "--help"], terminal_width=200, env={"COLUMNS": "200"})
        .output
    )
    assert " ".join(f"auto, {', '.join(layout_names())}".split()) in " ".join(shown.split())


def test_the_page_names_folders_and_records_that_are_there():
    for file, record in re.findall(r"\| `([a-z/]+)/NAME.py` \| `([A-Z]+) = ", PAGE):
        files = [
            path
            for path in (ROOT / file).glob("*.py")
            if f"\n{record} = " in path.read_text(encoding="utf-8")
        ]
        assert files, file
