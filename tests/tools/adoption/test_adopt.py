"""A published tree becomes a raw folder that build and verify take, with a report of every file."""

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import brokenvideos
from brokenvideos.builder import build, verify
from brokenvideos.tools.adoption import AdoptOptions, AdoptReport, adopt
from brokenvideos.tools.commands.main import app
from tests.tools.adoption.published import (
    NUM_FRAMES,
    iou,
    masks_of,
    raw_masks,
    write_clip,
    write_mask,
    write_pngs,
)


@pytest.fixture(scope="module")
def adopted(
    published_tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, AdoptReport]:
    """The tree, adopted; read only."""
    raw = tmp_path_factory.mktemp("adopted") / "raw"
    return raw, adopt(str(published_tree), raw)


@pytest.fixture
def tree(published_tree: Path, tmp_path: Path) -> Path:
    """A copy of the tree, to be changed."""
    return Path(shutil.copytree(published_tree, tmp_path / "tree"))


def lines_of(raw: Path) -> dict[str, dict]:
    return {
        line["video_id"]: line
        for line in map(json.loads, (raw / "videos.jsonl").read_text().splitlines())
    }


def states(report: AdoptReport) -> dict[str, str]:
    return {outcome.pair.video_id: outcome.state for outcome in report.outcomes}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def snapshot(raw: Path) -> dict[str, tuple[bytes, int]]:
    """Content and time of change of what `build` reads."""
    files = [
        path for part in ("videos", "masks") for path in (raw / part).rglob("*") if path.is_file()
    ]
    return {
        path.relative_to(raw).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in [*files, raw / "videos.jsonl"]
    }


def test_clips_are_the_files_and_masks_are_found(
    adopted: tuple[Path, AdoptReport], published_tree: Path
) -> None:
    raw, report = adopted
    assert report.ok
    assert states(report) == dict.fromkeys(
        ["Cog5B_00000", "Cog5B_00001", "Kling1-5_00002", "Luma_00003"], "adopted"
    )
    clips = {path.name: path.read_bytes() for path in (raw / "videos").iterdir()}
    assert clips == {
        path.name.replace("Kling1.5", "Kling1-5"): path.read_bytes()
        for path in (published_tree / "videos").iterdir()
        if path.stem != "Vidu_00004"
    }
    assert iou(raw_masks(raw, "Cog5B_00000"), masks_of(0)) >= 0.95
    assert iou(raw_masks(raw, "Cog5B_00001"), masks_of(1)) >= 0.9
    assert iou(raw_masks(raw, "Kling1-5_00002"), masks_of(2)) == 1
    assert not (raw / "masks" / "Luma_00003").exists()
    assert {o.pair.video_id: o.kind for o in report.outcomes} == {
        "Cog5B_00000": "binary",
        "Cog5B_00001": "drawn",
        "Kling1-5_00002": "labels",
        "Luma_00003": "binary",
    }


@pytest.mark.parametrize("crf", [0, 23, 28])
def test_black_and_white_masks(tmp_path: Path, crf: int) -> None:
    frames = write_clip(tmp_path / "tree" / "A_0.mp4")
    write_mask(tmp_path / "tree" / "A_0_mask.mp4", frames, masks_of(), crf=crf)
    assert adopt(str(tmp_path / "tree"), tmp_path / "raw").ok
    assert iou(raw_masks(tmp_path / "raw", "A_0"), masks_of()) >= 0.95


def test_lines_say_what_is_known_and_no_more(
    adopted: tuple[Path, AdoptReport], published_tree: Path
) -> None:
    raw, _ = adopted
    line = lines_of(raw)["Cog5B_00001"]
    record = json.loads(line["source"].pop("record"))
    notes = line["source"].pop("notes")
    assert line == {
        "video_id": "Cog5B_00001",
        "generator": "CogVideoX-5B",
        "objects": [{"object_id": 1, "artifact_type": None}],
        "split": "train",
        "source": {"license": "made-up-license"},
    }
    assert notes.startswith(
        "adopted from masks/Cog5B_00001_mask.mp4: drawn over the clip in rgb(25"
    )
    assert (record["adopted_from"], record["kind"]) == ("tree", "drawn")
    assert [[entry["path"] for entry in record[part]] for part in ("clip", "mask")] == [
        ["videos/Cog5B_00001.mp4"],
        ["masks/Cog5B_00001_mask.mp4"],
    ]
    assert {key: line["generator"] for key, line in lines_of(raw).items()} == {
        "Cog5B_00000": "CogVideoX-5B",
        "Cog5B_00001": "CogVideoX-5B",
        "Kling1-5_00002": "Kling 1.5",
        "Luma_00003": "Luma",
    }
    assert str(published_tree) not in (raw / "videos.jsonl").read_text()


def test_build_verify_and_load_take_it(adopted: tuple[Path, AdoptReport], tmp_path: Path) -> None:
    raw, _ = adopted
    build(raw, tmp_path / "release")
    assert verify(tmp_path / "release", raw=raw).ok
    rows = {
        row["video_id"]: row
        for split in ("train", "test")
        for row in brokenvideos.load(data_dir=tmp_path / "release", split=split, streaming=True)
    }
    assert {key: row["label"] for key, row in rows.items()} == {
        "Cog5B_00000": 1,
        "Cog5B_00001": 1,
        "Kling1-5_00002": 1,
        "Luma_00003": 0,
    }
    assert rows["Cog5B_00001"]["artifact_types"] is None
    found = brokenvideos.decode_masks(rows["Kling1-5_00002"]) > 0
    np.testing.assert_array_equal(found, np.stack(masks_of(2)))
    listed = CliRunner().invoke(app, ["list", str(tmp_path / "release")])
    assert [line.split()[-3:] for line in listed.stdout.splitlines()[1:3]] == [
        ["type", "not", "given"]
    ] * 2


def test_the_report_has_every_file(adopted: tuple[Path, AdoptReport], published_tree: Path) -> None:
    raw, report = adopted
    rows = rows_of(raw / "adoption" / "report.csv")
    drawn = next(row for row in rows if row["video_id"] == "Cog5B_00001")
    note = drawn.pop("note")
    assert note.startswith("drawn over the clip in rgb(")
    assert drawn == {
        "state": "adopted",
        "video_id": "Cog5B_00001",
        "clip": "videos/Cog5B_00001.mp4",
        "mask": "masks/Cog5B_00001_mask.mp4",
        "how": "by id and both roles in the names",
        "kind": "drawn",
        "confidence": "0.90",
        "frames": "10",
        "mask_frames": "10",
        "width": "192",
        "height": "144",
        "marked_frames": "5",
        "generator": "CogVideoX-5B",
        "split": "train",
        "why": "",
    }
    assert [(row["clip"], row["why"]) for row in rows if row["state"] == "left over"] == [
        ("videos/Vidu_00004.mp4", "a clip without a mask")
    ]
    size = sum(path.stat().st_size for path in published_tree.rglob("*") if path.is_file())
    lines = list(report.lines())
    assert lines[0] == f"{published_tree}: 21 files, {size / 1e6:,.1f} MB, license made-up-license."
    assert lines[1] == "pairs of clip and mask: 4 (4 adopted)"
    assert "generator Kling 1.5: 1 ids Kling1-5_…" in lines
    assert (
        "list test.txt: 1 ids, split test, 1 more that the source does not have, such as "
        "Kling_09999" in lines
    )
    assert lines[-2:] == [
        "left over: videos/Vidu_00004.mp4: a clip without a mask",
        f"{raw}: 4 videos. Next: brokenvideos build {raw} release",
    ]


def test_a_dry_run_writes_the_report_alone(tree: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    result = CliRunner().invoke(app, ["adopt", str(tree), str(raw), "--dry-run", "--look", "2"])
    assert result.exit_code == 0, result.output
    assert "decoded 2 of them; kinds of mask: 1 drawn, 1 binary" in result.output.replace(
        "1 binary, 1 drawn", "1 drawn, 1 binary"
    )
    assert sorted(path.relative_to(raw).as_posix() for path in raw.rglob("*")) == [
        "adoption",
        "adoption/generators.csv",
        "adoption/pairing.csv",
        "adoption/report.csv",
    ]
    assert {row["state"] for row in rows_of(raw / "adoption" / "report.csv")} == {
        "paired",
        "left over",
    }


def test_json_for_machines(tree: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["adopt", str(tree), str(tmp_path / "raw"), "--json"])
    said = json.loads(result.stdout)
    assert (result.exit_code, said["ok"], said["states"]) == (0, True, {"adopted": 4})
    assert said["generators"] == {"Cog5B": "CogVideoX-5B", "Kling1-5": "Kling 1.5", "Luma": "Luma"}


def test_again_nothing_is_touched(tree: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    adopt(str(tree), raw)
    before = snapshot(raw)
    report = adopt(str(tree), raw, workers=2)
    assert set(states(report).values()) == {"unchanged"}
    assert snapshot(raw) == before


def test_what_changed_is_made_again_and_what_went_goes(tree: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    adopt(str(tree), raw)
    before = snapshot(raw)
    frames = write_clip(tree / "videos" / "Cog5B_00000.mp4", seed=11)
    write_mask(tree / "masks" / "Cog5B_00000_mask.mp4", frames, masks_of(9))
    (tree / "masks" / "Luma_00003_mask.mp4").unlink()
    write_mask(tree / "masks" / "Vidu_00004_mask.mp4", frames, masks_of(4))
    report = adopt(str(tree), raw)
    assert states(report) == {
        "Cog5B_00000": "adopted",
        "Cog5B_00001": "unchanged",
        "Kling1-5_00002": "unchanged",
        "Vidu_00004": "adopted",
    }
    assert report.removed == ("Luma_00003",)
    assert iou(raw_masks(raw, "Cog5B_00000"), masks_of(9)) >= 0.95
    after = snapshot(raw)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert {name.split("/")[1].split(".")[0] for name in changed if "/" in name} == {
        "Cog5B_00000",
        "Luma_00003",
        "Vidu_00004",
    }
    assert sorted(lines_of(raw)) == ["Cog5B_00000", "Cog5B_00001", "Kling1-5_00002", "Vidu_00004"]
    build(raw, tmp_path / "release")


def test_what_people_changed_in_the_raw_folder_stays(tree: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    adopt(str(tree), raw)
    lines = lines_of(raw)
    lines["Cog5B_00001"]["objects"] = [{"object_id": 1, "artifact_type": "blur"}]
    own = {"video_id": "own_1", "generator": "x", "objects": []}
    text = "".join(json.dumps(line) + "\n" for line in [*lines.values(), own])
    (raw / "videos.jsonl").write_text(text)
    shutil.copy(raw / "videos" / "Cog5B_00000.mp4", raw / "videos" / "own_1.mp4")
    (raw / "masks" / "Cog5B_00000" / "00003.png").unlink()
    write_mask(tree / "masks" / "Cog5B_00000_mask.mp4", write_clip(tmp_path / "x.mp4"), masks_of(9))
    report = adopt(str(tree), raw)
    assert states(report)["Cog5B_00000"] == "kept"
    assert report.outcomes[0].why == (
        f"changed in the source, but its masks were changed in {raw} too; remove masks/Cog5B_00000 "
        "there to take the source's masks"
    )
    assert report.edited == ("Cog5B_00001",)
    assert lines_of(raw)["Cog5B_00001"]["objects"][0]["artifact_type"] == "blur"
    assert lines_of(raw)["own_1"] == own
    shutil.rmtree(raw / "masks" / "Cog5B_00000")
    assert states(adopt(str(tree), raw))["Cog5B_00000"] == "adopted"
    assert iou(raw_masks(raw, "Cog5B_00000"), masks_of(9)) >= 0.95


def test_a_run_that_was_stopped_goes_on(tree: Path, tmp_path: Path) -> None:
    raw, seen = tmp_path / "raw", []

    def stop(step: str, done: int, total: int) -> None:
        seen.append((step, done, total))
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        adopt(str(tree), raw, on_progress=stop)
    assert not (raw / "videos.jsonl").exists()
    report = adopt(str(tree), raw)
    assert sorted(states(report).values()) == ["adopted", "adopted", "unchanged", "unchanged"]
    assert len(lines_of(raw)) == 4


def test_a_run_that_was_killed_between_two_files_goes_on(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "raw"

    def killed(folder: Path) -> str:
        raise KeyboardInterrupt

    for seed in (0, 12):  # at the first run, and at one that replaces a video
        frames = write_clip(tree / "videos" / "Cog5B_00000.mp4", seed=seed)
        write_mask(tree / "masks" / "Cog5B_00000_mask.mp4", frames, masks_of(seed))
        with monkeypatch.context() as patch:
            patch.setattr("brokenvideos.tools.adoption.task.masks_digest", killed)
            with pytest.raises(KeyboardInterrupt):
                adopt(str(tree), raw)
        assert states(adopt(str(tree), raw))["Cog5B_00000"] == "adopted"
        assert iou(raw_masks(raw, "Cog5B_00000"), masks_of(seed)) >= 0.95


def test_what_fails_stays_as_it_was(tree: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    adopt(str(tree), raw)
    before = snapshot(raw)
    (tree / "masks" / "Cog5B_00000_mask.mp4").write_bytes(b"cut off")
    report = adopt(str(tree), raw)
    assert (states(report)["Cog5B_00000"], report.removed) == ("failed", ())
    assert snapshot(raw) == before


@pytest.mark.slow
def test_the_number_of_workers_changes_nothing(
    adopted: tuple[Path, AdoptReport], published_tree: Path, tmp_path: Path
) -> None:
    adopt(str(published_tree), tmp_path / "raw", workers=2)
    assert {name: content for name, (content, _) in snapshot(tmp_path / "raw").items()} == {
        name: content for name, (content, _) in snapshot(adopted[0]).items()
    }


def test_a_table_of_generators_goes_first(tree: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    adopt(str(tree), raw)
    assert rows_of(raw / "adoption" / "generators.csv")[0] == {
        "prefix": "Cog5B",
        "generator": "CogVideoX-5B",
    }
    (tmp_path / "table.csv").write_text("prefix,generator\ncog-5b,My Model\n")
    masks = {path: path.stat().st_mtime_ns for path in (raw / "masks").rglob("*.png")}
    report = adopt(
        str(tree), raw, AdoptOptions(generators=tmp_path / "table.csv", license="CC-BY-4.0")
    )
    assert set(states(report).values()) == {"unchanged"}
    line = lines_of(raw)["Cog5B_00000"]
    assert (line["generator"], line["source"]["license"], line["split"]) == (
        "My Model",
        "CC-BY-4.0",
        "train",
    )
    adopt(str(tree), raw, AdoptOptions(splits=False))
    assert "split" not in lines_of(raw)["Cog5B_00000"]
    assert {path: path.stat().st_mtime_ns for path in (raw / "masks").rglob("*.png")} == masks


def test_clips_that_come_as_images(tmp_path: Path) -> None:
    tree, raw = tmp_path / "tree", tmp_path / "raw"
    frames = write_clip(tmp_path / "clip.mp4")
    from PIL import Image

    (tree / "JPEGImages" / "A_0").mkdir(parents=True)
    for number, rgb in enumerate(frames):
        Image.fromarray(rgb).save(tree / "JPEGImages" / "A_0" / f"{number:05d}.jpg", quality=95)
    write_pngs(tree / "Annotations" / "A_0", masks_of())
    (outcome,) = adopt(str(tree), raw).outcomes
    assert (outcome.state, outcome.why) == (
        "doubtful",
        "the clip is a folder of images; give --fps to have it encoded",
    )
    (outcome,) = adopt(str(tree), raw, AdoptOptions(fps=8)).outcomes
    assert (outcome.state, outcome.num_frames) == ("adopted", NUM_FRAMES)
    assert (
        "the clip was 10 images, encoded once at 8 fps" in lines_of(raw)["A_0"]["source"]["notes"]
    )
    build(raw, tmp_path / "release")


def test_links_that_lead_out_are_left_over(tree: Path, tmp_path: Path) -> None:
    write_clip(tmp_path / "elsewhere.mp4")
    os.symlink(tmp_path / "elsewhere.mp4", tree / "videos" / "Luma_00009.mp4")
    os.symlink(tmp_path, tree / "more")
    left = {one.path: one.why for one in adopt(str(tree), tmp_path / "raw").leftover}
    assert left["videos/Luma_00009.mp4"] == (
        "a link that leads out of the folder; copy what it points to, or adopt that folder"
    )
    assert "more" in left
