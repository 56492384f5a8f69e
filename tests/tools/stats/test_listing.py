"""The list of a release's videos."""

import json

import pytest
from typer.testing import CliRunner

import brokenvideos
from brokenvideos.masks import ARTIFACT_TYPES
from brokenvideos.release import LABELS, ReleaseError
from brokenvideos.sampling import release_folder
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.stats import listed_videos, table_of


def test_every_video_is_listed_with_its_facts() -> None:
    listed = listed_videos("sample")
    rows = brokenvideos.load("annotations", data_dir=release_folder("sample"), streaming=True)
    wanted = [
        (
            row["video_id"],
            split,
            LABELS[row["label"]],
            row["generator"],
            tuple(sorted({ARTIFACT_TYPES[number] for number in row["artifact_types"]})),
            (row["num_frames"], row["fps"], row["height"], row["width"]),
        )
        for split in rows
        for row in sorted(rows[split], key=lambda row: row["video_id"])
    ]
    found = [
        (v.video_id, v.split, v.label, v.generator, v.artifact_types, (v.num_frames, v.fps, v.height, v.width))
        for v in listed
    ]
    assert found == wanted
    assert len({video.split for video in listed}) > 1


def test_splits_and_labels_choose() -> None:
    listed = listed_videos("sample")
    for split in {video.split for video in listed}:
        for label in LABELS:
            chosen = [video for video in listed if (video.split, video.label) == (split, label)]
            assert listed_videos("sample", split=split, label=label) == chosen
    with pytest.raises(ReleaseError) as caught:
        listed_videos("sample", split="tset")
    assert str(caught.value) == "sample: no split 'tset'. It has train, validation, test."


def test_the_table_is_aligned_and_counted() -> None:
    heading, *lines, last = table_of(listed_videos("sample")).splitlines()
    assert heading.startswith("video_id")
    assert last == f"{len(lines)} videos."
    assert {line[heading.index("split") - 2 : heading.index("split")] for line in lines} == {"  "}
    assert table_of([]).splitlines()[-1] == "0 videos."


def test_the_command_prints_a_table_or_json() -> None:
    done = CliRunner().invoke(app, ["list", "sample"], catch_exceptions=False)
    assert done.stdout == table_of(listed_videos("sample")) + "\n"
    done = CliRunner().invoke(app, ["list", "sample", "--label", "normal", "--json"], catch_exceptions=False)
    assert [video["video_id"] for video in json.loads(done.stdout)] == [
        video.video_id for video in listed_videos("sample", label="normal")
    ]


def test_view_without_an_id_names_the_list() -> None:
    done = CliRunner().invoke(app, ["view", "sample"])
    assert done.exit_code == 2
    assert "no video named. `brokenvideos list sample` names the videos of the release" in done.output
