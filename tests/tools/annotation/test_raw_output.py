"""What people do, as a raw folder that is up to date at any moment: built, compared, corrected,
agreed on.
"""

import json

import numpy as np
import pytest

from brokenvideos.builder import BuildOptions, RawError, build, diff
from brokenvideos.builder.layouts import read_layout
from brokenvideos.masks import decode, encode
from brokenvideos.release import read_parquet, shard_paths
from brokenvideos.tools.annotation.proposals import find_proposals
from brokenvideos.tools.annotation.raw_output import RawFolder, line_of, output_of
from brokenvideos.tools.annotation.reducer import fold
from brokenvideos.tools.synthetic import write_sample
from tests.tools.annotation.events_in import (
    BAR,
    NOTHING,
    SQUARE,
    drawn,
    log,
    masks,
    new_object,
    plain,
    seen,
)
from tests.tools.annotation.running import FRAMES, HEIGHT, WIDTH


def lines(raw):
    return {
        line["video_id"]: line
        for line in map(json.loads, (raw / "videos.jsonl").read_text().splitlines())
    }


def rows_of(release):
    manifest = json.loads((release / "manifest.json").read_text())
    rows = {}
    for shard in manifest["shards"]:
        path = (
            release
            / shard_paths(shard["split"], shard["index"], shard["num_shards"])["annotations"]
        )
        for table in read_parquet(str(path)):
            rows |= {row["video_id"]: row for row in table.to_pylist()}
    return rows


# --- One state ------------------------------------------------------------------------------------


def test_only_what_was_looked_at_leaves_the_house():
    state = fold(
        log(
            new_object(),
            new_object(2, None),
            seen(0, 3),
            drawn(1, 2),
            drawn(1, 3, NOTHING),
            drawn(2, 2, BAR),
            masks("propagated", (1, 4, SQUARE)),
        )
    )
    assert output_of(state) == {2: {1: SQUARE, 2: BAR}}
    assert line_of("a", state) == {
        "video_id": "a",
        "generator": "Kling",
        "objects": [
            {"object_id": 1, "artifact_type": "motion"},
            {"object_id": 2, "artifact_type": None},
        ],
        "source": {"annotator": "Ada"},
        "label": "broken",
        "review": "unreviewed",
        "annotated_frames": [0, 1, 2, 3],
    }


def test_what_the_folder_said_and_subtypes_are_carried():
    about = {
        "generator": "Kling",
        "prompt": "p",
        "split": "test",
        "review": None,
        "source": {"notes": "night"},
    }
    state = fold(log(new_object(subtype="flicker"), drawn(1, 2), seen(), start={"about": about}))
    line = line_of("a", state)
    assert line["objects"] == [{"object_id": 1, "artifact_type": "motion", "subtype": "flicker"}]
    assert line["source"] == {"notes": "night", "annotator": "Ada"}
    assert (line["prompt"], line["split"], "annotated_frames" in line) == ("p", "test", False)


def test_files_follow_the_state_and_nothing_stale_stays(tmp_path):
    events = [new_object(), new_object(2), drawn(1, 2), drawn(2, 2, BAR), drawn(1, 5), seen()]
    folder = RawFolder(tmp_path)
    folder.write("a", fold(log(*events)))
    home = tmp_path / "masks/a"
    assert sorted(path.name for path in home.iterdir()) == ["00002.2.png", "00002.png", "00005.png"]
    for restarted in (False, True):
        apart = [
            *events,
            plain("delete", object_id=2, scope="frame", frame_index=2),
            plain("delete", object_id=1, scope="frame", frame_index=5),
        ]
        (RawFolder(tmp_path) if restarted else folder).write("a", fold(log(*apart)))
        assert sorted(path.name for path in home.iterdir()) == ["00002.png"]
        RawFolder(tmp_path).write("a", fold(log(*events)))
        folder = RawFolder(tmp_path)
        folder.write("a", fold(log(*events)))
        assert sorted(path.name for path in home.iterdir()) == [
            "00002.2.png",
            "00002.png",
            "00005.png",
        ]
    assert folder.revision("a") == 7
    assert folder.revision("b") == 0


def test_an_approved_video_leaves_before_its_masks_change(tmp_path, monkeypatch):
    work = [
        new_object(),
        drawn(1, 2),
        seen(),
        plain("submit"),
        plain("approve", user="Ben", note=None),
    ]
    folder = RawFolder(tmp_path)
    folder.write("a", fold(log(*work)))
    assert lines(tmp_path)["a"]["review"] == "approved"
    seen_reviews = []
    unlink = type(tmp_path).unlink

    def watch(path, **options):
        if path.suffix == ".png":
            seen_reviews.append(lines(tmp_path)["a"]["review"])
        unlink(path, **options)

    monkeypatch.setattr(type(tmp_path), "unlink", watch)
    folder.write(
        "a",
        fold(
            log(*work, plain("reopen"), plain("delete", object_id=1, scope="frame", frame_index=2))
        ),
    )
    assert "unreviewed" in seen_reviews
    assert "approved" not in seen_reviews


# --- Built ----------------------------------------------------------------------------------------


def annotate(server, person, video_id, *, frames=(3, 5), box=(4, 4, 10, 12)):
    """One object in two frames, everything seen, submitted."""
    person.open(video_id)
    person.do("add-object", artifact_type="motion", subtype=None)
    person.box(1, frames[0], *box)
    person.propagate(1, *frames)
    person.do("seen", ranges=[[0, FRAMES - 1]])
    person.do("submit")
    person.post(f"api/video/{video_id}/unlock")


def test_a_release_holds_the_approved_videos_at_any_moment(serve, clips, tmp_path):
    server = serve(clips)
    ada, ben = server.person("Ada"), server.person("Ben")
    annotate(server, ada, "a")
    with pytest.raises(RawError, match="none of 1 videos is approved"):
        build(server.written(), tmp_path / "early")
    ben.open("a")
    ben.do("approve", note=None)
    build(server.written(), tmp_path / "one")
    row = rows_of(tmp_path / "one")["a"]
    assert row["annotated_frames"] == list(range(FRAMES))
    assert row["masks"]["frame_index"] == [3, 4, 5]
    truth = np.zeros((HEIGHT, WIDTH), bool)
    truth[4:12, 4:10] = True
    assert all(
        (decode([c], height=HEIGHT, width=WIDTH)[0] > 0).tolist() == truth.tolist()
        for c in row["masks"]["counts"]
    )
    assert row["source"]["annotator"] == "Ada"
    ada.open("b")
    ada.do("normal")
    everything = build(server.written(), tmp_path / "all", BuildOptions(include="unreviewed"))
    assert sorted(everything["videos"]) == ["a", "b"]
    assert rows_of(tmp_path / "all")["b"]["label"] == 0


def test_a_release_is_corrected_and_only_the_corrected_masks_differ(serve, tmp_path):
    raw = write_sample(tmp_path / "raw", videos=3, height=48, width=64, num_frames=8, fps=8)
    build(raw, tmp_path / "before")
    server = serve(tmp_path / "before")
    before = rows_of(tmp_path / "before")
    video_id = next(video_id for video_id, row in before.items() if row["label"] == 1)
    ada, ben = server.person("Ada", video_id), server.person("Ben")
    object_id, frame, mask = ada.state["masks"][0]
    assert (mask["from"], ada.state["status"], ada.state["seen"]) == (
        "imported",
        "untouched",
        [[0, 7]],
    )
    new = np.zeros((1, 48, 64), np.uint8)
    new[0, 2:9, 3:8] = 1
    counts = encode(new)[0]
    ada.do(
        "draw", object_id=object_id, frame_index=frame, counts=counts, tool="brush", geometry=None
    )
    assert lines(server.written())[video_id]["review"] == "unreviewed"
    assert video_id not in build(server.raw, tmp_path / "meanwhile")["videos"]
    ada.do("submit")
    ada.post(f"api/video/{video_id}/unlock")
    ben.open(video_id)
    ben.do("approve", note="fine now")
    build(server.written(), tmp_path / "after", BuildOptions(data_version="2.0.0"))
    found = diff(tmp_path / "before", tmp_path / "after")
    assert [change.video_id for change in found.changed if change.masks] == [video_id]
    (change,) = [change for change in found.changed if change.masks]
    assert [(mask.object_id, mask.frame_index, mask.new_pixels) for mask in change.masks] == [
        (object_id, frame, 35)
    ]
    assert (found.added, found.removed) == ((), ())
    after = rows_of(tmp_path / "after")[video_id]
    assert (after["source"]["annotator"], after["prompt"]) == ("Ada", before[video_id]["prompt"])


def test_predictions_are_proposals_until_a_person_accepts_them(serve, clips, tmp_path):
    from PIL import Image

    folder = tmp_path / "predictions/a"
    folder.mkdir(parents=True)
    found = np.zeros((HEIGHT, WIDTH), np.uint8)
    found[2:6, 2:8] = 255
    for frame in (2, 3):
        Image.fromarray(found).save(folder / f"{frame:05d}.png")
    Image.fromarray(found[:4]).save(folder / "00004.png")
    proposals = find_proposals(tmp_path / "predictions")
    assert proposals.notices(["a", "b"]) == [
        f"{tmp_path / 'predictions'}: no predictions for 1 of 2 videos: b"
    ]
    ada = serve(clips, proposals=proposals).person("Ada", "a")
    assert {frame: mask["from"] for (_, frame), mask in ada.masks().items()} == {
        2: "proposal",
        3: "proposal",
    }
    assert len(ada.state["notices"]) == 1
    ada.do("seen", ranges=[[0, FRAMES - 1]])
    refused = ada.try_to("submit")
    assert refused.error == (
        422,
        "refused",
        "a model's proposals are still open: accept or delete them",
    )
    ada.do("change-object", object_id=1, artifact_type="blur", subtype=None)
    ada.do("accept", object_id=1, first=0, last=2)
    ada.do("delete", object_id=1, scope="frame", frame_index=3)
    ada.do("submit")
    assert lines(ada.server.written())["a"]["label"] == "broken"
    (video,), problems = read_layout(ada.server.raw)
    assert problems == []
    assert [frame.frame_index for frame in video.masks.read()] == [2]


# --- Reliability ----------------------------------------------------------------------------------


def test_independent_people_see_only_their_own_work_and_are_compared(serve, clips):
    from brokenvideos.tools.agreement import agree, apart

    server = serve(clips, mode="independent")
    ada, ben = server.person("Ada"), server.person("Ben")
    annotate(server, ada, "a", box=(4, 4, 10, 12))
    ben.open("a")
    assert (ben.state["masks"], ben.state["status"]) == ([], "untouched")
    ben.post("api/video/a/unlock")
    annotate(server, ben, "a", box=(4, 4, 12, 12))
    assert len(ada.look("a")["masks"]) == 3
    assert not ada.get("api/project").json["videos"][0]["can_review"]
    raw = server.written()
    assert sorted(path.name for path in (raw / "people").iterdir()) == ["ada", "ben"]
    found = agree(apart([raw]))
    assert found.annotators == ("ada", "ben")
    assert 0.5 < found.active_ceiling.value < 1


def doubled(person):
    """The only video that goes to two people."""
    (video_id,) = [
        line["video_id"] for line in person.get("api/project").json["videos"] if line["double"]
    ]
    return video_id


def test_a_tenth_goes_to_two_people_and_neither_sees_the_other(serve, clips):
    from brokenvideos.tools.agreement import agree, apart

    server = serve(clips, mode="double", double_percent=50)
    ada, ben, eve = server.person("Ada"), server.person("Ben"), server.person("Eve")
    video_id = doubled(ada)
    annotate(server, ada, video_id, box=(4, 4, 10, 12))
    ben.open(video_id)
    assert (ben.state["masks"], ben.state["status"]) == ([], "untouched")
    ben.post(f"api/video/{video_id}/unlock")
    annotate(server, ben, video_id, box=(4, 4, 12, 12))
    assert [found["annotator"] for found in (ada.look(video_id), eve.look(video_id))] == [
        "Ada",
        "Ada",
    ]
    ben.open(video_id)  # the own copy is handed in: now the other one may be reviewed
    ben.do("approve", note=None)
    raw = server.written()
    assert list(lines(raw)) == list(lines(raw / "second")) == [video_id]
    found = agree(apart([raw]))
    assert (found.annotators, found.num_videos) == (("clips-raw", "second"), 1)


def test_a_page_keeps_the_annotation_that_it_holds_when_both_are_handed_in(serve, clips):
    server = serve(clips, mode="double", double_percent=50)
    ada, ben = server.person("Ada"), server.person("Ben")
    video_id = doubled(ada)
    annotate(server, ada, video_id)
    ben.open(video_id)
    ben.do("seen", ranges=[[0, FRAMES - 1]])
    with server.listening(ben) as told:
        ben.do("normal")
        ben.do("withdraw")
        ben.do("normal")
        ben.post(f"api/video/{video_id}/unlock")
    about = [message["annotation"] for message in told if message["type"] in ("changes", "lock")]
    assert about == ["second"] * 4
    assert server.service.sessions.held() == {}
    assert (ben.look()["annotation"], ben.state["annotator"]) == (".", "Ada")
