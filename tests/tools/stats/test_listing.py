"""The list of a release's videos."""

import csv
import io
import json

import pytest
from typer.testing import CliRunner

import brokenvideos
from brokenvideos.masks import ARTIFACT_TYPES
from brokenvideos.release import LABELS, ReleaseError
from brokenvideos.sampling import release_folder
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.stats import Wanted, csv_of, listed_videos, table_of


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
            (
                round(row["num_frames"] / row["fps"], 3),
                len(row["objects"]["object_id"]),
                row["prompt"] or "",
            ),
        )
        for split in rows
        for row in sorted(rows[split], key=lambda row: row["video_id"])
    ]
    found = [
        (
            *(v.video_id, v.split, v.label, v.generator, v.artifact_types),
            (v.num_frames, v.fps, v.height, v.width),
            (v.seconds, v.num_objects, v.prompt),
        )
        for v in listed
    ]
    assert found == wanted
    assert len({video.split for video in listed}) > 1


def test_splits_and_labels_choose() -> None:
    listed = listed_videos("sample")
    for split in {video.split for video in listed}:
        for label in LABELS:
            chosen = [video for video in listed if (video.split, video.label) == (split, label)]
            assert listed_videos("sample", Wanted(split, label)) == chosen
    with pytest.raises(ReleaseError) as caught:
        listed_videos("sample", Wanted(split="tset"))
    assert str(caught.value) == "sample: no split 'tset'. It has train, validation, test."


def test_generators_types_and_patterns_choose() -> None:
    listed = listed_videos("sample")
    generator, one = listed[0].generator, listed[0].video_id
    assert listed_videos("sample", Wanted(generator=generator)) == [
        v for v in listed if v.generator == generator
    ]
    for name in ARTIFACT_TYPES:
        chosen = [video for video in listed if name in video.artifact_types]
        assert listed_videos("sample", Wanted(artifact_type=name)) == chosen
    assert [
        video.video_id for video in listed_videos("sample", Wanted(video_id=f"{one[:-1]}?"))
    ].count(one) == 1
    assert listed_videos("sample", Wanted(video_id="no-such-*")) == []
    with pytest.raises(ReleaseError) as caught:
        listed_videos("sample", Wanted(generator="sora"))
    assert str(caught.value) == (
        "sample: no generator 'sora'. It has "
        f"{', '.join(sorted({video.generator for video in listed}))}."
    )


def test_the_table_is_aligned_and_counted() -> None:
    heading, *lines, last = table_of(listed_videos("sample")).splitlines()
    assert heading.startswith("video_id")
    assert last == f"{len(lines)} videos."
    assert {line[heading.index("split") - 2 : heading.index("split")] for line in lines} == {"  "}
    assert table_of([]).splitlines()[-1] == "0 videos."


def test_the_command_prints_a_table_or_json() -> None:
    done = CliRunner().invoke(app, ["list", "sample"], catch_exceptions=False)
    assert done.stdout == table_of(listed_videos("sample")) + "\n"
    done = CliRunner().invoke(
        app, ["list", "sample", "--label", "normal", "--json"], catch_exceptions=False
    )
    assert [video["video_id"] for video in json.loads(done.stdout)] == [
        video.video_id for video in listed_videos("sample", Wanted(label="normal"))
    ]


def test_the_command_prints_csv_of_what_was_asked_for() -> None:
    options = ["--split", "test", "--label", "broken", "--csv"]
    done = CliRunner().invoke(app, ["list", "sample", *options], catch_exceptions=False)
    wanted = listed_videos("sample", Wanted("test", "broken"))
    assert done.stdout == csv_of(wanted)
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["video_id"] for row in rows] == [video.video_id for video in wanted]
    assert rows[0]["artifact_types"].split() == list(wanted[0].artifact_types)
    done = CliRunner().invoke(app, ["list", "sample", "--csv", "--json"], env={"COLUMNS": "200"})
    assert (done.exit_code, "--csv and --json: give only one of them" in done.output) == (2, True)


def test_view_without_an_id_names_the_list() -> None:
    done = CliRunner().invoke(app, ["view", "sample"])
    assert done.exit_code == 2
    assert "give a video id. `brokenvideos list sample` lists the ids of the release" in done.output
