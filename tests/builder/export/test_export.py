"""Release out to a raw folder and in again: nothing is lost, or it is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import brokenvideos
from brokenvideos.builder import BuildOptions, build
from brokenvideos.builder.export import ExportError, ExportOptions, export
from brokenvideos.builder.layouts import detect, read_layout
from brokenvideos.frames import VideoError
from tests.builder.export.rows_in import READ_AS, assert_same, rows_of


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("layout", ["own", "davis", "cvat"])
def test_export_and_import_give_the_same_rows(release: Path, tmp_path: Path, layout: str) -> None:
    report = export(release, tmp_path / "raw", layout=layout, videos=True)
    rows = rows_of(release)
    assert report.num_videos == len(rows)
    assert report.num_masks == sum(len(row["masks"]["counts"]) for _, row in rows.values())
    assert report.losses == ()
    assert detect(tmp_path / "raw") == READ_AS.get(layout, layout)
    build(tmp_path / "raw", tmp_path / "again", BuildOptions(num_shards={"train": 2}))
    assert_same(release, tmp_path / "again", layout=layout)


@pytest.mark.parametrize(
    "layout", ["own", "sav", "ytvis", "coco", "cvat", "label-studio", "labelme"]
)
def test_objects_that_overlap_go_through_layouts_with_a_mask_each(
    overlapping: Path, tmp_path: Path, layout: str
) -> None:
    only = tmp_path / "only"
    shutil.copytree(overlapping, only)
    if layout == "sav":  # video c is annotated in every frame, which SA-V cannot say
        drop(only, "c")
    report = export(only, tmp_path / "raw", layout=layout, videos=True)
    assert (report.losses, report.build_options) == ((), ())
    assert detect(tmp_path / "raw") == READ_AS.get(layout, layout)
    build(tmp_path / "raw", tmp_path / "again")
    assert_same(only, tmp_path / "again", layout=layout)
    assert len(list((tmp_path / "raw" / "videos").iterdir())) == report.num_videos
    pictures = [path for path in (tmp_path / "raw").rglob("*.*") if path.suffix in (".png", ".jpg")]
    kind = {"own": ".png", "coco": ".jpg", "label-studio": ".png", "labelme": ".png"}.get(layout)
    assert {path.suffix for path in pictures} == ({kind} if kind else set())


def drop(release: Path, video_id: str) -> None:
    for path in [*(release / "data").iterdir(), *(release / "annotations").iterdir()]:
        table = pq.read_table(path)
        pq.write_table(table.filter(pa.compute.field("video_id") != video_id), path)


LOSSES = {
    "davis": [
        "video a: objects [300] have ids over 254; a palette holds no more.",
        "video a: objects overlap in frame 0; a label map holds one per pixel.",
    ],
    "sav": ["video c: 6 annotated frames, the first 1; SA-V holds frames 0, 4, 8 and so on."],
}


@pytest.mark.parametrize("layout", LOSSES)
def test_what_a_layout_cannot_carry_is_refused_whole(
    overlapping: Path, tmp_path: Path, layout: str
) -> None:
    with pytest.raises(ExportError) as caught:
        export(overlapping, tmp_path / "raw", layout=layout)
    head = (
        f"{overlapping}: {layout} cannot hold everything, nothing was written. Choose another "
        "layout, or give --lossy."
    )
    assert str(caught.value).splitlines() == [head, *LOSSES[layout]]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", LOSSES)
def test_lossy_writes_the_rest_and_it_builds(
    overlapping: Path, tmp_path: Path, layout: str
) -> None:
    report = export(overlapping, tmp_path / "raw", layout=layout, videos=True, lossy=True)
    assert list(report.losses) == LOSSES[layout]
    build(tmp_path / "raw", tmp_path / "again")
    _, row = rows_of(tmp_path / "again")["a"]
    assert row["objects"]["object_id"] == {"davis": [1, 7], "sav": [1, 7, 300]}[layout]


def test_the_same_release_gives_the_same_files(release: Path, tmp_path: Path) -> None:
    for layout in ("own", "ytvis"):
        for name in ("one", "two"):
            export(release, tmp_path / layout / name, layout=layout)
        assert contents(tmp_path / layout / "one") == contents(tmp_path / layout / "two")


def test_an_own_export_is_the_raw_folder_that_was_built(
    raw: Path, release: Path, tmp_path: Path
) -> None:
    export(release, tmp_path / "raw", layout="own")
    old, new = contents(raw), contents(tmp_path / "raw")
    assert {name for name in old if name.startswith("videos/")} == {
        name for name in new if name.startswith("videos/")
    }
    assert all(old[name] == new[name] for name in old if name.startswith("videos/"))
    (before, _), (after, problems) = read_layout(raw), read_layout(tmp_path / "raw")
    assert problems == []
    for one, two in zip(before, after, strict=True):
        assert (one.video_id, one.objects, one.label, one.prompt) == (
            two.video_id,
            two.objects,
            two.label,
            two.prompt,
        )
        assert (one.generator, one.annotated_frames) == (two.generator, two.annotated_frames)
        marked = [
            {f.frame_index: f.planes[0].tolist() for f in r.masks.read() if f.planes[0].any()}
            for r in (one, two)
        ]
        assert marked[0] == marked[1]


WISHES = {
    "unknown layout": (
        {"layout": "mask-video"},
        "layout 'mask-video' cannot be exported; wanted chat, coco, cvat, davis, label-studio, "
        "labelme, own, sav or ytvis",
    ),
    "not of the layout": (
        {"layout": "own", "options": ExportOptions(frames="png")},
        "--frames png is for chat, coco, davis, label-studio, labelme, ytvis, this is own; leave "
        "it out",
    ),
    "counts": (
        {"layout": "davis", "options": ExportOptions(counts="list")},
        "--counts list is for coco, ytvis, this is davis; leave it out",
    ),
    "unknown value": (
        {"layout": "ytvis", "options": ExportOptions(frames="gif")},
        "--frames gif is unknown; wanted png or jpg",
    ),
}


@pytest.mark.parametrize("name", WISHES)
def test_a_wish_that_cannot_be_met(release: Path, tmp_path: Path, name: str) -> None:
    wishes, message = WISHES[name]
    with pytest.raises(ExportError) as caught:
        export(release, tmp_path / "raw", **wishes)
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_a_split_alone(release: Path, tmp_path: Path) -> None:
    report = export(release, tmp_path / "raw", layout="own", split="test")
    lines = (tmp_path / "raw" / "videos.jsonl").read_text().splitlines()
    assert report.num_videos == len(lines)
    assert {json.loads(line)["split"] for line in lines} == {"test"}
    with pytest.raises(ExportError) as caught:
        export(release, tmp_path / "other", layout="own", split="holdout")
    assert str(caught.value) == f"{release}: has no split 'holdout'; it has test, train, validation"


def test_out_must_be_new(release: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError) as caught:
        export(release, tmp_path, layout="own")
    assert (
        str(caught.value)
        == f"{tmp_path}: exists and is not empty. Name a new folder, or remove this one."
    )


def test_the_command(release: Path, tmp_path: Path, run_warm) -> None:
    script = "import brokenvideos.tools.commands.main as c; c.main()"
    command = [
        sys.executable,
        "-c",
        script,
        "export",
        str(release),
        "raw",
        "--layout",
        "ytvis",
        "--videos",
    ]
    done: subprocess.CompletedProcess[str] = run_warm(command, cwd=tmp_path)
    masks = sum(len(row["masks"]["counts"]) for _, row in rows_of(release).values())
    assert (done.returncode, done.stdout) == (
        0,
        f"raw: 9 videos, {masks} masks. Next: brokenvideos build raw OUT\n",
    )
    done = run_warm(command, cwd=tmp_path)
    message = "brokenvideos: raw: exists and is not empty. Name a new folder, or remove this one.\n"
    assert (done.returncode, done.stderr) == (1, message)


BYTES = {
    None: (
        brokenvideos.ReleaseError,
        "video d: no bytes, or path 'd.mp4' of another kind. Build it again.",
    ),
    b"not a video": (
        VideoError,
        "video d: not a video file that FFmpeg can open, or cut off before its index. Copy it "
        "again from its source.",
    ),
}


@pytest.mark.parametrize("video_bytes", BYTES, ids=["none", "no video"])
def test_frames_of_a_video_that_is_none(
    overlapping: Path, tmp_path: Path, video_bytes: bytes | None
) -> None:
    release = tmp_path / "release"
    shutil.copytree(overlapping, release)
    for path in (release / "data").iterdir():
        table = pq.read_table(path)
        rows = [
            row | {"video": row["video"] | {"bytes": video_bytes}}
            if row["video_id"] == "d"
            else row
            for row in table.to_pylist()
        ]
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    error, message = BYTES[video_bytes]
    with pytest.raises(error) as caught:
        export(release, tmp_path / "out", layout="labelme")
    assert str(caught.value) == message
    assert [path.name for path in tmp_path.iterdir()] == ["release"]
