"""Each kind of damage is found by the path that can see it, and named by its place."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

import brokenvideos
from brokenvideos.builder import verify
from brokenvideos.builder.manifest import manifest_bytes, read_sums, sums_bytes
from brokenvideos.builder.work import file_sha256
from brokenvideos.masks import area, decode, encode


@pytest.fixture
def copy(release: Path, tmp_path: Path) -> Path:
    shutil.copytree(release, tmp_path / "release")
    return tmp_path / "release"


def findings(release: Path, **options) -> list[str]:
    return [str(finding) for finding in verify(release, **options).findings]


def broken_place(release: Path) -> tuple[str, str]:
    """A train shard and a video in it that has masks."""
    for shard in brokenvideos.read_manifest(str(release))["shards"]:
        path = brokenvideos.release.shard_paths(
            shard["split"], shard["index"], shard["num_shards"]
        )["default"]
        for table in brokenvideos.release.read_parquet(str(release / path)):
            for row in table.to_pylist():
                if len(row["masks"]["counts"]) > 2:
                    return path, row["video_id"]
    raise AssertionError("the release has no broken video")


def rewrite(release: Path, path: str, change: Callable[[list[dict]], None]) -> None:
    """Rewrites one Parquet shard with changed rows and makes SHA256SUMS and the manifest agree with
    it.
    """
    table = pa.concat_tables(list(brokenvideos.release.read_parquet(str(release / path))))
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), release / path)
    seal(release)


def seal(release: Path) -> None:
    manifest = brokenvideos.read_manifest(str(release))
    for shard in manifest["shards"]:
        for file in shard["files"]:
            file["sha256"] = file_sha256(release / file["path"])
    (release / "manifest.json").write_bytes(manifest_bytes(manifest))
    sums = read_sums((release / "SHA256SUMS").read_text())
    (release / "SHA256SUMS").write_bytes(
        sums_bytes({name: file_sha256(release / name) for name in sums})
    )


def flip(path: Path, position: int) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


def test_a_good_release_has_no_finding(release: Path, raw: Path) -> None:
    report = verify(release, raw=raw)
    assert report.ok
    assert report.num_videos == 9
    assert report.num_masks > 0
    assert report.compared_with_raw
    assert json.loads(json.dumps(report.to_dict()))["findings"] == []


def test_two_processes_find_the_same(copy: Path) -> None:
    path, _ = broken_place(copy)
    flip(copy / path, 5000)
    assert findings(copy, workers=2) == findings(copy)


def test_a_flipped_byte_in_a_video_inside_a_parquet_is_named(copy: Path) -> None:
    path, video_id = broken_place(copy)
    row = next(
        r
        for t in brokenvideos.release.read_parquet(str(copy / path))
        for r in t.to_pylist()
        if r["video_id"] == video_id
    )
    content = (copy / path).read_bytes()
    flip(copy / path, content.index(row["video"]["bytes"]) + len(row["video"]["bytes"]) // 2)
    found = findings(copy)
    assert any(line.startswith(f"{path}: SHA-256 is ") for line in found)
    assert (
        sum(
            line.startswith(f"{path} video {video_id}: the video's bytes have SHA-256 ")
            for line in found
        )
        == 2
    )


def test_a_flipped_byte_anywhere_in_a_parquet_is_found(copy: Path) -> None:
    path, _ = broken_place(copy)
    size = (copy / path).stat().st_size
    for position in np.linspace(0, size - 1, 12).astype(int):
        flip(copy / path, int(position))
        assert any(line.startswith(f"{path}: SHA-256 is ") for line in findings(copy))
        flip(copy / path, int(position))
    assert findings(copy) == []


def test_a_flipped_byte_in_a_tar_is_found_by_its_sum_and_named_without_it(copy: Path) -> None:
    path = copy / "webdataset" / "train-000000.tar"
    content = path.read_bytes()
    flip(path, content.index(b'"prompt":"') + 10)
    (found, named) = findings(copy)
    assert found.startswith("webdataset/train-000000.tar: SHA-256 is ")
    assert named.endswith("column prompt differs from the Parquet's. Build this shard again.")
    seal(copy)
    assert findings(copy) == [named]


def test_a_cut_tar_is_found(copy: Path) -> None:
    path = copy / "webdataset" / "train-000000.tar"
    path.write_bytes(path.read_bytes()[:3000])
    seal(copy)
    assert any(
        line.startswith("webdataset/train-000000.tar: cannot be read further (")
        for line in findings(copy)
    )


def change_one_run(rows: list[dict], video_id: str) -> tuple[int, int]:
    """Moves one pixel of a mask's outline by hand, leaving a canonical string."""
    row = next(row for row in rows if row["video_id"] == video_id)
    bitmap = decode(row["masks"]["counts"][1:2], height=row["height"], width=row["width"]).copy()
    y, x = np.argwhere(bitmap[0])[0]
    bitmap[0, y, x] = 0
    row["masks"]["counts"][1] = encode(bitmap)[0]
    return row["masks"]["frame_index"][1], row["masks"]["object_id"][1]


def test_one_changed_run_is_found_by_the_fingerprint(copy: Path) -> None:
    path, video_id = broken_place(copy)
    places = []
    rewrite(copy, path, lambda rows: places.append(change_one_run(rows, video_id)))
    frame, object_id = places[0]
    found = findings(copy)
    start = (
        f"{path} video {video_id} frame {frame} object {object_id}: the decoded mask has "
        "fingerprint 0x"
    )
    assert sum(line.startswith(start) for line in found) == 1
    assert any(
        f"video {video_id} object {object_id}: the object's digest is " in line for line in found
    )
    assert any(f"video {video_id}: the masks give digest " in line for line in found)
    assert sum("column masks differs from the Parquet's" in line for line in found) == 2


def test_two_swapped_masks_of_equal_area_are_found(copy: Path) -> None:
    path, video_id = broken_place(copy)
    swapped = []

    def swap(rows: list[dict]) -> None:
        row = next(row for row in rows if row["video_id"] == video_id)
        counts = row["masks"]["counts"]
        square = np.zeros((2, row["height"], row["width"]), np.uint8)
        square[0, 2:7, 3:9] = 1
        square[1, 3:9, 2:7] = 1
        counts[0], counts[1] = encode(square)
        assert len(set(area(counts[:2], height=row["height"], width=row["width"]))) == 1
        from brokenvideos.masks import fingerprint_bitmaps

        right = [int(value) for value in fingerprint_bitmaps(square)]
        row["masks"]["fingerprint"][:2] = right
        counts[0], counts[1] = counts[1], counts[0]
        swapped.extend(
            zip(row["masks"]["frame_index"][:2], row["masks"]["object_id"][:2], strict=True)
        )

    rewrite(copy, path, swap)
    found = findings(copy)
    for frame, object_id in swapped:
        start = (
            f"{path} video {video_id} frame {frame} object {object_id}: the decoded mask has "
            "fingerprint 0x"
        )
        assert sum(line.startswith(start) for line in found) == 1


def test_a_string_that_is_no_rle_is_named_and_the_others_still_checked(copy: Path) -> None:
    path, video_id = broken_place(copy)

    def spoil(rows: list[dict]) -> None:
        masks = next(row for row in rows if row["video_id"] == video_id)["masks"]
        masks["counts"][0] = "~"
        masks["fingerprint"][2] ^= 1

    rewrite(copy, path, spoil)
    found = findings(copy)
    assert sum(": counts is not a canonical COCO RLE: " in line for line in found) == 1
    assert sum(": the decoded mask has fingerprint 0x" in line for line in found) == 1


def test_frame_times_that_are_not_the_video_s_are_found(copy: Path) -> None:
    path, video_id = broken_place(copy)

    def shift(rows: list[dict]) -> None:
        row = next(row for row in rows if row["video_id"] == video_id)
        row["frame_pts"][3] += 1
        row["packets"]["offset"][2] += 1

    rewrite(copy, path, shift)
    found = findings(copy)
    assert (
        f"{path} video {video_id}: packets.offset differs from a demux of the bytes. Rebuild this "
        "video's shard." in found
    )
    assert any(
        line.startswith(f"{path} video {video_id}: frame_pts holds 12 times that are not the 12 ")
        for line in found
    )


def edit_manifest(release: Path, change: Callable[[dict], None]) -> None:
    manifest = brokenvideos.read_manifest(str(release))
    change(manifest)
    (release / "manifest.json").write_bytes(manifest_bytes(manifest))
    sums = read_sums((release / "SHA256SUMS").read_text()) | {
        "manifest.json": file_sha256(release / "manifest.json")
    }
    (release / "SHA256SUMS").write_bytes(sums_bytes(sums))


def test_one_manifest_entry_is_found(copy: Path) -> None:
    path, video_id = broken_place(copy)
    digest = brokenvideos.read_manifest(str(copy))["videos"][video_id]["digest"]
    edit_manifest(copy, lambda manifest: manifest["videos"][video_id].update(digest="0" * 64))
    assert findings(copy) == [
        f"{path} video {video_id}: digest is {digest}, manifest.json says {'0' * 64}. "
        "If it changed on purpose, cut a new release."
    ]


def test_a_row_that_the_manifest_does_not_know_is_found(copy: Path) -> None:
    path, video_id = broken_place(copy)
    digest = brokenvideos.read_manifest(str(copy))["videos"][video_id]["row_digest"]
    edit_manifest(copy, lambda manifest: manifest["videos"][video_id].update(row_digest="0" * 64))
    assert findings(copy) == [
        f"{path} video {video_id}: the row has digest {digest}, manifest.json says {'0' * 64}. "
        "Rebuild this video's shard."
    ]


def test_an_edited_manifest_is_found_by_its_sum(copy: Path) -> None:
    text = (copy / "manifest.json").read_text()
    (copy / "manifest.json").write_text(
        text.replace('"data_version": "1.0.0"', '"data_version": "1.0.1"')
    )
    (line,) = findings(copy)
    assert line.startswith("manifest.json: SHA-256 is ")


def test_missing_and_foreign_files_are_found(copy: Path) -> None:
    (copy / "webdataset" / "train-000001.tar").unlink()
    (copy / "data" / "notes.txt").write_text("mine")
    found = findings(copy)
    assert (
        "webdataset/train-000001.tar: missing; SHA256SUMS lists it. Download or build this file "
        "again." in found
    )
    assert "data/notes.txt: not in SHA256SUMS. A release holds nothing else; remove it." in found


def test_no_manifest_and_no_sums(tmp_path: Path) -> None:
    found = findings(tmp_path)
    assert found[0].startswith("SHA256SUMS: cannot be read (")
    assert found[1].startswith("manifest.json: ")
    assert len(found) == 2


def test_a_mask_that_changed_in_the_raw_folder_is_found(
    copy: Path, raw: Path, tmp_path: Path
) -> None:
    path, video_id = broken_place(copy)
    changed = tmp_path / "raw"
    shutil.copytree(raw, changed)
    png = min((changed / "masks" / video_id).glob("*.png"))
    labels = np.array(Image.open(png), np.uint8)
    object_id = int(labels.max())
    labels[:, 1:], labels[:, 0] = labels[:, :-1].copy(), 0  # the same shape, one pixel to the right
    Image.fromarray(labels).save(png)
    place = f"{path} video {video_id} frame {int(png.stem)} object {object_id}"
    wanted = f"{place}: the decoded mask differs from the raw folder. Build the release again."
    assert wanted in findings(copy, raw=changed)


def test_a_video_that_left_the_raw_folder_is_found(copy: Path, raw: Path, tmp_path: Path) -> None:
    changed = tmp_path / "raw"
    shutil.copytree(raw, changed)
    lines = (changed / "videos.jsonl").read_text().splitlines()
    gone = json.loads(lines[0])["video_id"]
    (changed / "videos.jsonl").write_text("\n".join(lines[1:]) + "\n")
    shutil.rmtree(changed / "masks" / gone, ignore_errors=True)
    (changed / "videos" / f"{gone}.mp4").unlink()
    assert findings(copy, raw=changed) == [
        f"manifest.json video {gone}: in the release, not in the raw folder. Build the release "
        "again."
    ]
