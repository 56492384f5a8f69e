"""A release that grows from another: splits stay, unchanged files are the very same, and the
version may not lie.
"""

import json
import os
import shutil
from importlib import import_module
from pathlib import Path

import pytest

import brokenvideos
from brokenvideos.builder import BuildOptions, build, tasks, verify
from brokenvideos.card import card_files


def described(raw: Path) -> dict[str, dict]:
    return {
        v["video_id"]: v for v in map(json.loads, (raw / "videos.jsonl").read_text().splitlines())
    }


def describe(raw: Path, videos: dict[str, dict]) -> None:
    (raw / "videos.jsonl").write_text(
        "".join(json.dumps(video) + "\n" for video in videos.values())
    )


def add(raw: Path, video_id: str, like: str, **changes: object) -> None:
    """A further video: a copy of another."""
    videos = described(raw)
    shutil.copy(raw / "videos" / f"{like}.mp4", raw / "videos" / f"{video_id}.mp4")
    if (raw / "masks" / like).exists():
        shutil.copytree(raw / "masks" / like, raw / "masks" / video_id)
    describe(raw, videos | {video_id: videos[like] | {"video_id": video_id} | changes})


def splits_of(release: Path) -> dict[str, str]:
    manifest = brokenvideos.read_manifest(str(release))
    return {
        video_id: shard["split"] for shard in manifest["shards"] for video_id in shard["video_ids"]
    }


def shard_files(release: Path) -> dict[str, Path]:
    folders = (release / name for name in ("data", "annotations", "webdataset"))
    return {
        path.relative_to(release).as_posix(): path
        for folder in folders
        for path in folder.iterdir()
    }


def test_added_videos_change_their_shards_only(
    release: Path, raw_copy: Path, tmp_path: Path
) -> None:
    for number in range(3):
        add(
            raw_copy,
            f"new_{number}",
            like=min(described(raw_copy)),
            prompt=f"a new prompt {number}",
        )
    out = tmp_path / "out"
    # No shard count is given: it is the parent's.
    manifest = build(
        raw_copy, out, BuildOptions(data_version="1.1.0"), parent=release, more_files=card_files
    )
    assert manifest["parent_version"] == "1.0.0"
    assert "A video of the parent release stays in its split" in manifest["split_rule"]["text"]
    splits = splits_of(out)
    assert {
        video_id: split for video_id, split in splits.items() if "new" not in video_id
    } == splits_of(release)
    touched = {
        path
        for number in range(3)
        for split in [splits[f"new_{number}"]]
        for shards in [2 if split == "train" else 1]
        for path in brokenvideos.release.shard_paths(
            split, brokenvideos.release.shard_of(f"new_{number}", shards), shards
        ).values()
    }
    before, after = shard_files(release), shard_files(out)
    assert before.keys() == after.keys()
    for path in before:
        assert os.path.samefile(before[path], after[path]) == (path not in touched)
    assert verify(out, raw=raw_copy).findings == ()


def test_files_are_copied_where_they_cannot_be_linked(
    release: Path, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, path: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    out = tmp_path / "out"
    build(raw, out, BuildOptions(data_version="1.0.1"), parent=release)
    for path, file in shard_files(out).items():
        assert file.read_bytes() == (release / path).read_bytes()
        assert not os.path.samefile(file, release / path)


def test_a_damaged_file_of_the_parent_is_written_anew(
    release: Path, raw: Path, tmp_path: Path
) -> None:
    parent, out = tmp_path / "parent", tmp_path / "out"
    shutil.copytree(release, parent)
    damaged = parent / "data" / "train-00000-of-00002.parquet"
    content = bytearray(damaged.read_bytes())
    content[1000] ^= 1
    damaged.write_bytes(content)
    build(raw, out, BuildOptions(data_version="1.0.1"), parent=parent, more_files=card_files)
    assert (out / "data" / damaged.name).read_bytes() == (
        release / "data" / damaged.name
    ).read_bytes()
    assert os.path.samefile(
        parent / "webdataset/train-000000.tar", out / "webdataset/train-000000.tar"
    )
    assert verify(out).findings == ()


def test_under_other_versions_shards_are_written_and_equal_files_kept(
    release: Path, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []
    write_shard, versions = tasks.write_shard, tasks.library_versions() | {"numpy": "0"}
    monkeypatch.setattr(tasks, "write_shard", lambda *args: written.append(1) or write_shard(*args))
    for module in ("tasks", "building", "parent"):
        monkeypatch.setattr(
            import_module(f"brokenvideos.builder.{module}"), "library_versions", lambda: versions
        )
    out = tmp_path / "out"
    build(raw, out, BuildOptions(data_version="1.0.1"), parent=release)
    assert len(written) == 4
    assert all(os.path.samefile(file, release / path) for path, file in shard_files(out).items())


@pytest.mark.parametrize("version", ["1.0.0", "0.9.0"])
def test_a_version_that_is_no_later_is_refused_before_anything_is_decoded(
    release: Path, raw: Path, tmp_path: Path, version: str
) -> None:
    with pytest.raises(ValueError) as caught:
        build(raw, tmp_path / "out", BuildOptions(data_version=version), parent=release)
    assert str(caught.value) == (
        f"data version {version}: the parent {release} is 1.0.0. Give a later --data-version."
    )
    assert not list(tmp_path.iterdir())


def test_a_smaller_step_than_the_changes_demand_is_refused(
    release: Path, raw_copy: Path, tmp_path: Path
) -> None:
    out, first = tmp_path / "out", min(described(raw_copy))
    add(raw_copy, "new_0", like=first, prompt=None)
    with pytest.raises(ValueError) as caught:
        build(raw_copy, out, BuildOptions(data_version="1.0.1"), parent=release)
    assert str(caught.value) == (
        "data version 1.0.1: 1 videos were added, 0 removed and 0 changed since 1.0.0, which needs "
        "a minor step. Give --data-version 1.1.0 or later."
    )
    videos = described(raw_copy)
    describe(raw_copy, videos | {first: videos[first] | {"generator": "another"}})
    with pytest.raises(ValueError) as caught:
        build(raw_copy, out, BuildOptions(data_version="1.1.0"), parent=release)
    assert str(caught.value) == (
        "data version 1.1.0: 1 videos were added, 0 removed and 1 changed since 1.0.0, which needs "
        "a major step. Give --data-version 2.0.0 or later."
    )
    assert not out.exists()
    build(raw_copy, out, BuildOptions(data_version="2.0.0"), parent=release)


def test_a_parent_that_is_no_release(raw: Path, tmp_path: Path) -> None:
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        build(raw, tmp_path / "out", BuildOptions(data_version="1.1.0"), parent=tmp_path / "none")
    assert str(caught.value) == (
        f"{tmp_path}/none/manifest.json: not found. A release has one; was this folder made by "
        "`brokenvideos build`?"
    )
