"""A layout is one file: what is added shows where people look for it."""

import re
from pathlib import Path

from typer.testing import CliRunner

import brokenvideos
from brokenvideos.builder import layouts
from brokenvideos.builder.layouts import detect, layout_named, layout_names, layouts_table, read_layout
from brokenvideos.builder.raw import Layout
from brokenvideos.tools.commands.main import app

ROOT = Path(brokenvideos.__path__[0])

ADDED = '''
"""Text files with the frames of which every pixel is marked."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..raw import FoundMasks, FrameLabels, Layout, find_videos, first_file, join_records, list_folder


@dataclass(frozen=True, slots=True)
class FullFrames:
    path: Path

    def read(self):
        for number in self.path.read_text().split():
            yield FrameLabels(int(number), (np.ones((2, 3), np.uint16),))


def _detect(raw):
    return first_file(list_folder(raw / "frames"), suffix=".txt")


def _read(raw, *, artifact_type):
    videos, problems = find_videos(raw / "videos", raw=raw)
    masks = {path.stem: FoundMasks(f"frames/{path.name}", FullFrames(path), None) for path in list_folder(raw / "frames")}
    records, more = join_records(
        raw, videos=videos, masks=masks, masks_wanted="frames/{video_id}.txt", artifact_type=artifact_type, generator=None
    )
    return records, problems + more


LAYOUT = Layout(
    help="frames that are marked whole",
    looked_for="frames/{video_id}.txt",
    detect=_detect,
    read=_read,
    options=("artifact_type",),
)
'''


def test_a_layout_is_added_by_one_file(tmp_path, monkeypatch, write_raw):
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "whole_frames.py").write_text(ADDED)
    monkeypatch.setattr(layouts, "__path__", [*layouts.__path__, str(folder)])
    raw = write_raw({"videos/a.mp4": None, "frames/a.txt": b"0 2"})
    assert detect(raw) == "whole-frames"
    (record,), problems = read_layout(raw, artifact_type="blur")
    assert problems == []
    assert [(frame.frame_index, frame.planes[0].sum()) for frame in record.masks.read()] == [(0, 6), (2, 6)]
    row = "| whole-frames | frames that are marked whole | frames/{video_id}.txt | `--artifact-type` |"
    assert row in layouts_table().splitlines()


def test_every_file_has_a_layout():
    assert all(isinstance(layout_named(name), Layout) for name in layout_names())


def test_the_docs_have_the_table_and_a_section_for_each():
    page = (ROOT / "docs/raw-layouts.md").read_text(encoding="utf-8")
    assert layouts_table() in page
    assert set(re.findall(r"^##+ ([a-z0-9-]+)$", page, re.MULTILINE)) == set(layout_names())


def test_the_help_of_build_names_all():
    shown = CliRunner().invoke(app, ["build", "--help"], terminal_width=200, env={"COLUMNS": "200"}).output
    assert " ".join(f"auto, {', '.join(layout_names())}".split()) in " ".join(shown.split())
