"""The CSV and the JUnit XML of a prediction."""

import csv
import io
import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from brokenvideos.frames import VideoIndex, encode_video, index_video
from brokenvideos.masks import encode
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.prediction import find_videos, predict
from brokenvideos.tools.prediction.kept import durations_s
from brokenvideos.tools.prediction.model import Masks
from brokenvideos.tools.prediction.tables import junit_xml, videos_csv
from brokenvideos.tools.prediction.verdict import Report
from tests.tools.explorer.written import report_text

HEIGHT, WIDTH = 48, 80


class Half:
    """Marks the upper half of frames 2 and 3, all of frame 4; only of videos of 12 frames, whose
    type it names.
    """

    warning = identity = None
    promise = ()

    def predict(self, video: bytes, index: VideoIndex) -> Masks:
        masks = np.zeros((index.num_frames, HEIGHT, WIDTH), bool)
        if index.num_frames == 12:
            masks[2:4, : HEIGHT // 2] = True
            masks[4] = True
        types = ("blur",) if masks.any() else ()
        return Masks(tuple(encode(masks)), masks.any(axis=(1, 2)).astype(float), types)


@pytest.fixture
def report(tmp_path: Path) -> Report:
    folder = tmp_path / "in"
    folder.mkdir()
    encode_video(folder / "broken.mp4", np.full((12, HEIGHT, WIDTH, 3), 90, np.uint8), fps=12)
    encode_video(folder / "fine.mp4", np.full((6, HEIGHT, WIDTH, 3), 90, np.uint8), fps=12)
    (folder / "bad.mp4").write_bytes(b"no video")
    return predict(Half(), find_videos([str(folder)]), tmp_path / "p", name="half", max_broken=0.1)


def test_a_line_per_video(report: Report, tmp_path: Path) -> None:
    text = (tmp_path / "p" / "videos.csv").read_text()
    assert text == videos_csv(report)
    broken, fine, bad = csv.DictReader(io.StringIO(text))
    assert {name: broken[name] for name in list(broken)[2:]} == {
        "label": "broken",
        "artifact_types": "blur",
        "fraction_broken": "0.25",
        "worst_frame": "4",
        "seconds_broken": "0.25",
        "seconds": "1.0",
        "num_frames": "12",
        "max_area": "1.0",
        "max_score": "1.0",
        "reason": "",
    }
    assert (fine["video_id"], fine["label"], fine["worst_frame"], fine["seconds_broken"]) == (
        "fine",
        "normal",
        "",
        "0.0",
    )
    assert (bad["video_id"], bad["label"]) == ("", "unreadable")
    assert "not a video file" in bad["reason"]
    (of_json, _) = json.loads((tmp_path / "p" / "report.json").read_text())["videos"]
    assert (of_json["worst_frame"], of_json["seconds_broken"], of_json["artifact_types"]) == (
        4,
        0.25,
        ["blur"],
    )


def test_frames_last_until_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "variable.mkv"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=1000)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for milliseconds in (0, 100, 500, 600):
            frame = av.VideoFrame.from_ndarray(
                np.full((HEIGHT, WIDTH, 3), 90, np.uint8), format="rgb24"
            )
            frame.pts = milliseconds
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert durations_s(index_video(path)) == pytest.approx([0.1, 0.4, 0.1, 0.1])


def test_junit_has_the_gate_with_n_and_interval(report: Report) -> None:
    suite = ElementTree.fromstring(junit_xml(report))
    assert suite.attrib == {
        "name": "brokenvideos predict",
        "tests": "4",
        "failures": "2",
        "errors": "1",
    }
    gate, broken, fine, bad = suite
    assert gate.find("failure").get("message") == report.gate_line()  # type: ignore[union-attr]
    assert report.gate_line() == (
        "gate max-broken=0.1: closed; 1 of 2 videos flagged (95 % interval [0.095, 0.905]?), 1 "
        "unreadable ones left out."
    )
    facts = {found.get("name"): found.get("value") for found in gate.iter("property")}
    assert facts == {
        "max_broken": "0.1",
        "n": "2",
        "share": "0.5",
        "low": "0.0945312",
        "high": "0.905469",
    }
    assert broken.find("failure").get("message") == (  # type: ignore[union-attr]
        "flagged broken: 3 of 12 frames, 0.25 s; worst is frame 4 with 100.0% marked"
    )
    assert (fine.get("name"), list(fine)) == ("fine", [])
    assert "not a video file" in bad.find("error").get("message")  # type: ignore[union-attr, operator]


def test_an_open_gate_fails_nothing(report: Report) -> None:
    from dataclasses import replace

    suite = ElementTree.fromstring(junit_xml(replace(report, max_broken=0.5, unreadable=())))
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")
    assert [test.findtext("system-out", "")[:14] for test in suite] == [
        "gate max-broke",
        "flagged broken",
        "",
    ]
    without = ElementTree.fromstring(junit_xml(replace(report, max_broken=None)))
    assert (without.get("tests"), without.get("failures"), without.get("errors")) == ("3", "1", "1")


def test_names_that_no_xml_can_hold(report: Report) -> None:
    from dataclasses import replace

    odd = replace(report.videos[0], video_id='a<b>&"\x01\ud800')
    suite = ElementTree.fromstring(junit_xml(replace(report, videos=(odd,))))
    assert suite[1].get("name") == 'a<b>&"\\x01\\xd800'


def test_all_that_is_kept_says_the_same_of_the_gate(report: Report, tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    shutil.copy(tmp_path / "in" / "fine.mp4", tmp_path / "one")
    options = [
        "--out",
        str(tmp_path / "q"),
        "--gate",
        "max-broken=0.1",
        "--junit",
        str(tmp_path / "ci" / "j.xml"),
    ]
    done = CliRunner().invoke(app, ["predict", "all-full", str(tmp_path / "one"), *options])
    line = done.stdout.splitlines()[-1]
    assert done.exit_code == 3
    assert json.loads((tmp_path / "q" / "report.json").read_text())["gate"] == line
    assert line in report_text(tmp_path / "q" / "report")
    suite = ElementTree.fromstring((tmp_path / "ci" / "j.xml").read_bytes())
    assert suite[0].find("failure").get("message") == line  # type: ignore[union-attr]
