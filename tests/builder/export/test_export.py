"""Release out to a raw folder and in again: nothing is lost, or it is refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import brokenvideos
from brokenvideos.builder import BuildOptions, build
from brokenvideos.builder.export import EXPORT_LAYOUTS, ExportError, export
from brokenvideos.builder.layouts import detect, read_layout
from brokenvideos.frames import encode_video
from brokenvideos.masks import encode

HEIGHT, WIDTH, FRAMES = 16, 24, 9


def rows_of(release: Path) -> dict[str, tuple[str, dict]]:
    found = {}
    for path in sorted((release / "data").iterdir()):
        rows = pa.concat_tables(brokenvideos.release.read_parquet(str(path))).to_pylist()
        found |= {row["video_id"]: (path.name.partition("-")[0], row) for row in rows}
    return found


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def mask(rows: slice, columns: slice) -> np.ndarray:
    bitmap = np.zeros((HEIGHT, WIDTH), np.uint8)
    bitmap[rows, columns] = 1
    return bitmap


def rle(bitmap: np.ndarray) -> dict:
    return {"size": [HEIGHT, WIDTH], "counts": encode(bitmap[None])[0]}


LEFT, TOP, CORNER = mask(slice(2, 13), slice(1, 9)), mask(slice(0, 5), slice(3, 20)), mask(slice(14, 16), slice(22, 24))


@pytest.fixture(scope="module")
def overlapping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release from SA-V files: objects that overlap, one with a large id, one out of sight; a normal video; an unseen one."""
    raw = tmp_path_factory.mktemp("sav")
    (raw / "videos").mkdir()
    (raw / "annotations").mkdir()
    for video_id in ("a", "b", "c"):
        rng = np.random.default_rng(ord(video_id))
        frames = [rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(FRAMES)]
        encode_video(raw / "videos" / f"{video_id}.mp4", frames, fps=8)
    none = rle(mask(slice(0, 0), slice(0, 0)))
    content = {
        "a": ([0, 6, 299], [[rle(LEFT), rle(TOP), none], [rle(LEFT), none, none], [none, none, rle(CORNER)]]),
        "b": ([], [[], []]),
    }
    for video_id, (ids, masklet) in content.items():
        annotation = {"video_id": video_id, "video_frame_count": float(FRAMES), "masklet_id": ids, "masklet": masklet}
        (raw / "annotations" / f"{video_id}_manual.json").write_text(json.dumps(annotation))
    objects = [{"object_id": i, "artifact_type": kind} for i, kind in ((1, "blur"), (7, "motion"), (300, "blur"))]
    lines = [
        {"video_id": "a", "generator": "Kling", "prompt": "ein Hund läuft", "objects": objects, "split": "test"},
        {"video_id": "b", "generator": "Vidu", "label": "normal", "source": {"license": "CC0-1.0"}},
        {"video_id": "c", "generator": "Vidu", "label": "normal"},
    ]
    (raw / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    out = tmp_path_factory.mktemp("overlapping") / "release"
    build(raw, out)
    return out


def assert_same(before: Path, after: Path, *, layout: str) -> None:
    old, new = rows_of(before), rows_of(after)
    assert old.keys() == new.keys()
    for video_id, (split, row) in old.items():
        again_split, again = new[video_id]
        assert again_split == split
        assert again["source"]["layout"] == layout
        again["source"] |= {"layout": row["source"]["layout"]}
        if layout == "sav":
            again["source"] |= {"annotator": row["source"]["annotator"]}
        assert again == row


@pytest.mark.parametrize("layout", ["own", "davis", "coco"])
def test_export_and_import_give_the_same_rows(release: Path, tmp_path: Path, layout: str) -> None:
    report = export(release, tmp_path / "raw", layout=layout, videos=True)
    rows = rows_of(release)
    assert report.num_videos == len(rows)
    assert report.num_masks == sum(len(row["masks"]["counts"]) for _, row in rows.values())
    assert report.losses == ()
    assert detect(tmp_path / "raw") == layout
    build(tmp_path / "raw", tmp_path / "again", BuildOptions(num_shards={"train": 2}))
    assert_same(release, tmp_path / "again", layout=layout)


@pytest.mark.parametrize("layout", ["own", "sav", "coco"])
def test_objects_that_overlap_go_through_layouts_with_a_mask_each(
    overlapping: Path, tmp_path: Path, layout: str
) -> None:
    only = tmp_path / "only"
    shutil.copytree(overlapping, only)
    if layout == "sav":  # video c is annotated in every frame, which SA-V cannot say
        drop(only, "c")
    export(only, tmp_path / "raw", layout=layout, videos=True)
    build(tmp_path / "raw", tmp_path / "again")
    assert_same(only, tmp_path / "again", layout=layout)


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
def test_what_a_layout_cannot_carry_is_refused_whole(overlapping: Path, tmp_path: Path, layout: str) -> None:
    with pytest.raises(ExportError) as caught:
        export(overlapping, tmp_path / "raw", layout=layout)
    head = (
        f"{overlapping}: {layout} cannot carry everything, nothing was written. Choose another layout, or give --lossy."
    )
    assert str(caught.value).splitlines() == [head, *LOSSES[layout]]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", LOSSES)
def test_lossy_writes_the_rest_and_it_builds(overlapping: Path, tmp_path: Path, layout: str) -> None:
    report = export(overlapping, tmp_path / "raw", layout=layout, videos=True, lossy=True)
    assert list(report.losses) == LOSSES[layout]
    build(tmp_path / "raw", tmp_path / "again")
    _, row = rows_of(tmp_path / "again")["a"]
    assert row["objects"]["object_id"] == {"davis": [1, 7], "sav": [1, 7, 300]}[layout]


def test_a_davis_palette_holds_ids_as_indices_and_the_colours_of_davis(release: Path, tmp_path: Path) -> None:
    export(release, tmp_path / "raw", layout="davis")
    path = sorted((tmp_path / "raw" / "Annotations").rglob("*.png"))[0]
    with Image.open(path) as image:
        assert image.mode == "P"
        assert image.getpalette()[:12] == [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools
def test_coco_is_what_pycocotools_reads(overlapping: Path, tmp_path: Path) -> None:
    from pycocotools import mask as coco

    export(overlapping, tmp_path / "raw", layout="coco")
    content = json.loads((tmp_path / "raw" / "instances.json").read_text())
    assert [c["name"] for c in content["categories"]] == ["motion", "deformation", "blur"]
    video = next(v for v in content["videos"] if v["file_names"][0].startswith("a/"))
    assert video["file_names"] == ["a/00000.jpg", "a/00004.jpg", "a/00008.jpg"]
    first, second, third = [a for a in content["annotations"] if a["video_id"] == video["id"]]
    assert [a["object_id"] for a in (first, second, third)] == [1, 7, 300]
    assert [a["category_id"] for a in (first, second, third)] == [3, 1, 3]
    assert np.array_equal(coco.decode(first["segmentations"][0]), LEFT)
    assert np.array_equal(coco.decode(second["segmentations"][0]), TOP)
    assert [s is None for s in third["segmentations"]] == [True, True, False]
    assert not (tmp_path / "raw" / "videos").exists()


def test_the_same_release_gives_the_same_files(release: Path, tmp_path: Path) -> None:
    for layout in ("own", "coco"):
        for name in ("one", "two"):
            export(release, tmp_path / layout / name, layout=layout)
        assert contents(tmp_path / layout / "one") == contents(tmp_path / layout / "two")


def test_an_own_export_is_the_raw_folder_that_was_built(raw: Path, release: Path, tmp_path: Path) -> None:
    export(release, tmp_path / "raw", layout="own")
    old, new = contents(raw), contents(tmp_path / "raw")
    assert {name for name in old if name.startswith("videos/")} == {name for name in new if name.startswith("videos/")}
    assert all(old[name] == new[name] for name in old if name.startswith("videos/"))
    (before, _), (after, problems) = read_layout(raw), read_layout(tmp_path / "raw")
    assert problems == []
    for one, two in zip(before, after, strict=True):
        assert (one.video_id, one.objects, one.label, one.prompt) == (two.video_id, two.objects, two.label, two.prompt)
        assert (one.generator, one.annotated_frames) == (two.generator, two.annotated_frames)
        marked = [
            {f.frame_index: f.planes[0].tolist() for f in r.masks.read() if f.planes[0].any()} for r in (one, two)
        ]
        assert marked[0] == marked[1]


def test_an_unknown_layout(release: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError) as caught:
        export(release, tmp_path / "raw", layout="mask-video")
    assert str(caught.value) == "layout 'mask-video' cannot be exported; wanted own, davis, sav or coco"
    assert EXPORT_LAYOUTS == ("own", "davis", "sav", "coco")


def test_out_must_be_new(release: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError) as caught:
        export(release, tmp_path, layout="own")
    assert str(caught.value) == f"{tmp_path}: exists and is not empty. Name a new folder, or remove this one."


def test_the_command(release: Path, tmp_path: Path, run_process) -> None:
    script = "import brokenvideos.tools.commands.main as c; c.main()"
    command = [sys.executable, "-c", script, "export", str(release), "raw", "--layout", "coco", "--videos"]
    done: subprocess.CompletedProcess[str] = run_process(command, cwd=tmp_path)
    masks = sum(len(row["masks"]["counts"]) for _, row in rows_of(release).values())
    assert (done.returncode, done.stdout) == (0, f"raw: 9 videos, {masks} masks. Next: brokenvideos build raw OUT\n")
    done = run_process(command, cwd=tmp_path)
    message = "brokenvideos: raw: exists and is not empty. Name a new folder, or remove this one.\n"
    assert (done.returncode, done.stderr) == (1, message)
