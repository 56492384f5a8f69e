"""A release without some of its videos: nothing else changes, nothing brings them back, and the
manifest says why.
"""

import json
import os
import shutil
from importlib import import_module
from pathlib import Path

import pytest

import brokenvideos
from brokenvideos.builder import BuildOptions, RawError, build, diff, rebuild, verify, withdraw
from brokenvideos.builder.manifest import library_versions, manifest_bytes
from brokenvideos.card import card_files

REASON = "the rights of its source are disputed"


def shard_files(release: Path) -> dict[str, Path]:
    folders = (release / name for name in ("data", "annotations", "webdataset"))
    return {
        path.relative_to(release).as_posix(): path
        for folder in folders
        for path in folder.iterdir()
    }


def shards(release: Path) -> list[dict]:
    return brokenvideos.read_manifest(str(release))["shards"]


def erratum(data_version: str, video_id: str, reason: str, *, before: Path) -> dict:
    facts = brokenvideos.read_manifest(str(before))["videos"][video_id]
    hashes = {name: facts[name] for name in ("video_sha256", "perceptual_hash")}
    return {
        "data_version": data_version,
        "video_ids": [video_id],
        "reason": reason,
        "videos": {video_id: hashes},
    }


def rename_in_raw(raw: Path, old: str, new: str, *, keep: bool = False) -> None:
    """Gives a video another id, or a copy of it with `keep`."""
    lines = [json.loads(line) for line in (raw / "videos.jsonl").read_text().splitlines()]
    (row,) = (line for line in lines if line["video_id"] == old)
    kept = lines if keep else [line for line in lines if line is not row]
    lines = [*kept, {**row, "video_id": new}]
    (raw / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for path in (raw / "videos" / f"{old}.mp4", raw / "masks" / old):
        if path.exists():
            there = path.with_name(new + path.suffix)
            (shutil.copytree if path.is_dir() else shutil.copy)(
                path, there
            ) if keep else path.rename(there)


def remove_from_raw(raw: Path, gone: set[str]) -> None:
    lines = (raw / "videos.jsonl").read_text().splitlines(keepends=True)
    (raw / "videos.jsonl").write_text(
        "".join(line for line in lines if json.loads(line)["video_id"] not in gone)
    )
    for path in [*(raw / "videos").iterdir(), *(raw / "masks").iterdir()]:
        if path.stem in gone:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture
def gone(release: Path) -> str:
    """A video of the first shard, which holds others too."""
    (first, *_) = shards(release)
    assert len(first["video_ids"]) > 1
    return first["video_ids"][1]


def test_its_rows_go_and_everything_else_stays(
    release: Path, raw_copy: Path, tmp_path: Path, gone: str
) -> None:
    out = tmp_path / "out"
    manifest = withdraw(release, out, [gone, gone], reason=f" {REASON} ", more_files=card_files)
    assert manifest == brokenvideos.read_manifest(str(out))
    assert (manifest["data_version"], manifest["parent_version"]) == ("2.0.0", "1.0.0")
    assert manifest["errata"] == [erratum("2.0.0", gone, REASON, before=release)]
    remove_from_raw(raw_copy, {gone})
    assert verify(out, raw=raw_copy).findings == ()
    for name in ("default", "annotations", "webdataset"):
        rows, left = (
            brokenvideos.load(name, data_dir=path, streaming=True) for path in (release, out)
        )
        for split in rows:
            assert list(left[split]) == [row for row in rows[split] if row["video_id"] != gone]
    touched = set(brokenvideos.release.shard_paths("train", 0, 2).values())
    before, after = shard_files(release), shard_files(out)
    assert before.keys() == after.keys()
    for path in before:
        assert os.path.samefile(before[path], after[path]) == (path not in touched)
    assert gone not in (out / "SHA256SUMS").read_text() + (out / "README.md").read_text().replace(
        REASON, ""
    )
    found = diff(release, out)
    assert (found.removed, found.added, found.changed, found.step, found.version_ok) == (
        (gone,),
        (),
        (),
        "major",
        True,
    )
    # From the raw folder the same bytes come, to the last file.
    assert rebuild(out, raw_copy, more_files=card_files).findings == ()


def test_no_file_of_the_new_release_holds_a_byte_of_the_video(
    release: Path, raw: Path, tmp_path: Path, gone: str
) -> None:
    out = tmp_path / "out"
    withdraw(release, out, [gone], reason=REASON, data_version="3.0.0")
    video = (raw / "videos" / f"{gone}.mp4").read_bytes()
    middle = video[len(video) // 2 :][:200]
    assert any(middle in path.read_bytes() for path in shard_files(release).values())
    assert not any(middle in path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert brokenvideos.read_manifest(str(out))["data_version"] == "3.0.0"


def test_a_shard_may_become_empty_and_a_split_may_go(release: Path, tmp_path: Path) -> None:
    empty, test = (
        shards(release)[0]["video_ids"],
        [i for s in shards(release) if s["split"] == "test" for i in s["video_ids"]],
    )
    out = tmp_path / "out"
    withdraw(release, out, [*empty, *test], reason=REASON, more_files=card_files)
    assert [shard["split"] for shard in shards(out)] == ["train", "train", "validation"]
    assert verify(out).findings == ()
    assert list(brokenvideos.load(data_dir=out, streaming=True)) == ["train", "validation"]


def test_later_releases_carry_the_errata_on_and_do_not_bring_the_video_back(
    release: Path, raw_copy: Path, tmp_path: Path, gone: str
) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    withdraw(release, first, [gone], reason=REASON, more_files=card_files)
    other = shards(first)[-1]["video_ids"][0]
    withdraw(first, second, [other], reason="as asked for", more_files=card_files)
    errata = [
        erratum("2.0.0", gone, REASON, before=release),
        erratum("3.0.0", other, "as asked for", before=release),
    ]
    assert brokenvideos.read_manifest(str(second))["errata"] == errata
    options = BuildOptions(data_version="3.0.1")
    with pytest.raises(RawError) as caught:
        build(raw_copy, third, options, parent=second)
    ending = "Remove it from the raw folder; to publish it after all, give --bring-back"
    lines = [
        f"video {gone}: withdrawn in 2.0.0 ({REASON}). {ending} {gone}.",
        f"video {other}: withdrawn in 3.0.0 (as asked for). {ending} {other}.",
    ]
    head, *found, _ = str(caught.value).splitlines()
    assert (head, found) == (f"{raw_copy}: 2 problems, no release was written.", sorted(lines))
    remove_from_raw(raw_copy, {gone, other})
    manifest = build(raw_copy, third, options, parent=second, more_files=card_files)
    assert manifest["errata"] == errata
    assert diff(second, third).rewritten_bytes == 0
    assert rebuild(third, raw_copy, more_files=card_files).findings == ()


def test_a_renamed_copy_comes_back_on_purpose_alone(
    release: Path, raw_copy: Path, tmp_path: Path, gone: str
) -> None:
    fewer, out, later = (tmp_path / name for name in ("fewer", "out", "later"))
    withdraw(release, fewer, [gone], reason=REASON)
    rename_in_raw(raw_copy, gone, "renamed")
    options = BuildOptions(data_version="2.1.0")
    with pytest.raises(RawError) as caught:
        build(raw_copy, out, options, parent=fewer)
    assert str(caught.value).splitlines()[1] == (
        f"video renamed: has the bytes of {gone}, withdrawn in 2.0.0 ({REASON}). Remove it from "
        "the raw folder; to publish it after all, give --bring-back renamed."
    )
    with (raw_copy / "videos" / "renamed.mp4").open(
        "ab"
    ) as video:  # other bytes, the same pictures
        video.write((16).to_bytes(4, "big") + b"free" + bytes(8))
    with pytest.raises(RawError, match=f"video renamed: looks like {gone}, withdrawn in 2.0.0"):
        build(raw_copy, out, options, parent=fewer)
    manifest = build(
        raw_copy, out, options, parent=fewer, bring_back=["renamed"], more_files=card_files
    )
    assert "renamed" in manifest["videos"]
    # It was decided on: neither a rebuild nor the next build asks again.
    assert rebuild(out, raw_copy, more_files=card_files).findings == ()
    build(raw_copy, later, BuildOptions(data_version="2.1.1"), parent=out)


def test_errata_without_hashes_know_ids_alone(
    release: Path, raw_copy: Path, tmp_path: Path, gone: str
) -> None:
    fewer, out = tmp_path / "fewer", tmp_path / "out"
    manifest = withdraw(release, fewer, [gone], reason=REASON)
    del manifest["errata"][0]["videos"]
    (fewer / "manifest.json").write_bytes(manifest_bytes(manifest))
    with pytest.raises(RawError, match=f"video {gone}: withdrawn in 2.0.0"):
        build(raw_copy, out, BuildOptions(data_version="2.1.0"), parent=fewer)
    rename_in_raw(raw_copy, gone, "renamed")
    assert (
        "renamed"
        in build(raw_copy, out, BuildOptions(data_version="2.1.0"), parent=fewer)["videos"]
    )


def test_twins_need_a_decision(raw_copy: Path, tmp_path: Path, gone: str) -> None:
    before, out, kept = (tmp_path / name for name in ("before", "out", "kept"))
    rename_in_raw(raw_copy, gone, "a_twin", keep=True)
    rename_in_raw(raw_copy, gone, "look_alike", keep=True)
    with (raw_copy / "videos" / "look_alike.mp4").open("ab") as video:
        video.write((16).to_bytes(4, "big") + b"free" + bytes(8))
    build(raw_copy, before)
    with pytest.raises(ValueError) as caught:
        withdraw(before, out, [gone], reason=REASON)
    assert str(caught.value) == (
        f"{before}: a_twin, look_alike: same bytes as a withdrawn video, or a near-duplicate of "
        "one; nothing was written. Look at them, then give --twins withdraw to take them down too, "
        "or --twins keep."
    )
    assert not out.exists()
    manifest = withdraw(before, out, [gone], reason=REASON, twins="withdraw")
    assert manifest["errata"][0]["video_ids"] == sorted([gone, "a_twin", "look_alike"])
    assert manifest["videos"].keys().isdisjoint(manifest["errata"][0]["video_ids"])
    manifest = withdraw(before, kept, [gone], reason=REASON, twins="keep")
    assert manifest["errata"][0]["video_ids"] == [gone]
    assert {"a_twin", "look_alike"} <= manifest["videos"].keys()
    remove_from_raw(raw_copy, {gone})
    build(raw_copy, tmp_path / "next", BuildOptions(data_version="2.0.1"), parent=kept)


def test_other_versions_are_stated_beside_those_of_the_kept_files(
    release: Path, raw_copy: Path, tmp_path: Path, gone: str
) -> None:
    old, out, later = (tmp_path / name for name in ("old", "out", "later"))
    shutil.copytree(release, old)
    manifest = brokenvideos.read_manifest(str(old))
    manifest["built_with"] |= {"numpy": "1.0"}
    (old / "manifest.json").write_bytes(manifest_bytes(manifest))
    withdraw(old, out, [gone], reason=REASON)
    now = library_versions()
    assert brokenvideos.read_manifest(str(out))["built_with"] == now | {
        "numpy": f"1.0, {now['numpy']}"
    }
    # The next build does not take the kept files for ones of its own versions.
    remove_from_raw(raw_copy, {gone})
    written: list[int] = []
    tasks = import_module("brokenvideos.builder.tasks")
    with pytest.MonkeyPatch.context() as patch:
        write_shard = tasks.write_shard
        patch.setattr(tasks, "write_shard", lambda *args: written.append(1) or write_shard(*args))
        build(raw_copy, later, BuildOptions(data_version="2.0.1"), parent=out)
    assert len(written) == 4


BAD = [
    (
        ["nobody", "none"],
        {},
        "{release}: no video nobody, none; nothing was written. Look the ids up in the release's "
        "manifest.json.",
    ),
    ([], {}, "{release}: no video named. Name the ids to withdraw."),
    (None, {}, "{release}: no video would be left. Delete the repository instead."),
    (
        ...,
        {"reason": " "},
        "reason ' ': wanted one line of text that says why, without names of persons.",
    ),
    (
        ...,
        {"reason": "a\nb"},
        "reason 'a\\nb': wanted one line of text that says why, without names of persons.",
    ),
    (
        ...,
        {"data_version": "1.1.0"},
        "data version 1.1.0: a release without videos that 1.0.0 has is a major step. Give 2.0.0 "
        "or later.",
    ),
    (..., {"data_version": "two"}, "data version 'two': wanted MAJOR.MINOR.PATCH, as in 1.0.0."),
]


@pytest.mark.parametrize(("video_ids", "options", "message"), BAD)
def test_what_cannot_be_done_leaves_nothing(
    release: Path, tmp_path: Path, gone: str, video_ids, options: dict, message: str
) -> None:
    everything = list(brokenvideos.read_manifest(str(release))["videos"])
    ids = [gone] if video_ids is ... else everything if video_ids is None else video_ids
    with pytest.raises(ValueError) as caught:
        withdraw(release, tmp_path / "out", ids, **({"reason": REASON} | options))
    assert str(caught.value) == message.format(release=release)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [0, 1])  # a shard that is written, one that is kept
def test_a_damaged_release_is_refused(
    release: Path, tmp_path: Path, gone: str, number: int
) -> None:
    copy = tmp_path / "release"
    shutil.copytree(release, copy)
    path = copy / brokenvideos.release.shard_paths("train", number, 2)["default"]
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        withdraw(copy, tmp_path / "out", [gone], reason=REASON)
    assert str(caught.value).startswith(f"{path}: SHA-256 is ")
    assert str(caught.value).endswith("Download or build it again.")
    assert not (tmp_path / "out").exists()
