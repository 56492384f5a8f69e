"""A release follows from its raw folder, byte for byte; what does not is named."""

import json
import shutil
from pathlib import Path

import pytest

import brokenvideos
from brokenvideos.builder import BuildOptions, RawError, build, rebuild
from brokenvideos.builder.manifest import library_versions, manifest_bytes
from brokenvideos.builder.plan import FILLED, STRATIFIED
from brokenvideos.card import card_files
from brokenvideos.tools.synthetic import write_sample


@pytest.fixture
def copy(release: Path, tmp_path: Path) -> Path:
    """A release to spoil."""
    shutil.copytree(release, tmp_path / "release")
    return tmp_path / "release"


def findings(release: Path, raw: Path) -> list[str]:
    return [str(finding) for finding in rebuild(release, raw, more_files=card_files).findings]


def edit_manifest(release: Path, **changes: object) -> None:
    manifest = brokenvideos.read_manifest(str(release))
    (release / "manifest.json").write_bytes(manifest_bytes(manifest | changes))


def test_a_good_release(release: Path, raw: Path) -> None:
    report = rebuild(release, raw, more_files=card_files)
    assert report.ok
    assert report.num_files == 4 * 3 + 3
    assert list(report.lines()) == [
        f"{release} (1.0.0): rebuilt, 15 files byte by byte compared; no difference."
    ]
    assert json.loads(json.dumps(report.to_dict()))["findings"] == []


def test_a_release_that_grew_is_rebuilt_without_its_parent(
    release: Path, raw: Path, tmp_path: Path
) -> None:
    # Another seed: without the parent its videos would come into other splits.
    options = BuildOptions(data_version="1.0.1", seed=5)
    build(raw, tmp_path / "out", options, parent=release, more_files=card_files)
    assert findings(tmp_path / "out", raw) == []


def test_changed_missing_and_foreign_files_are_named(copy: Path, raw: Path) -> None:
    card = (copy / "README.md").read_text()
    (copy / "README.md").write_text(card + "more")
    tar = copy / "webdataset" / "train-000001.tar"
    content = bytearray(tar.read_bytes())
    content[1234] ^= 1
    tar.write_bytes(content)
    (copy / "data" / "test-00000-of-00001.parquet").unlink()
    (copy / "notes.txt").write_text("mine")
    assert findings(copy, raw) == [
        f"README.md: differs from byte {len(card.encode())} on. Build the release again.",
        "data/test-00000-of-00001.parquet: missing in the release. Download or build it again.",
        "notes.txt: in the release, not made by a build. If it was added by hand, SHA256SUMS "
        "differs too.",
        "webdataset/train-000001.tar: differs from byte 1234 on. Build the release again.",
    ]


def test_another_raw_folder_is_told_by_video(release: Path, raw: Path, tmp_path: Path) -> None:
    changed = tmp_path / "raw"
    shutil.copytree(raw, changed)
    videos = [json.loads(line) for line in (changed / "videos.jsonl").read_text().splitlines()]
    gone, other = videos.pop(0), videos[0]
    was = brokenvideos.read_manifest(str(release))["videos"][other["video_id"]]["row_digest"]
    other["source"]["license"] = "another"
    (changed / "videos.jsonl").write_text("".join(json.dumps(video) + "\n" for video in videos))
    shutil.rmtree(changed / "masks" / gone["video_id"], ignore_errors=True)
    (changed / "videos" / f"{gone['video_id']}.mp4").unlink()
    found = findings(release, changed)
    assert (
        f"manifest.json video {gone['video_id']}: in the release, not in the raw folder." in found
    )
    assert any(
        line.startswith(f"manifest.json video {other['video_id']}: row_digest is {was}, the raw ")
        for line in found
    )
    assert any(line.startswith("data/train-0000") for line in found)


def test_under_other_versions_the_content_is_compared(copy: Path, raw: Path) -> None:
    now = library_versions()
    edit_manifest(
        copy,
        built_with={name: v for name, v in now.items() if name != "av"}
        | {"pyarrow": "1.0", "old": "2"},
    )
    report = rebuild(copy, raw, more_files=card_files)
    assert report.ok
    assert report.num_files == 0
    assert list(report.lines()) == [
        f"built with av unknown, here is {now['av']}",
        "built with old 2, here is none",
        f"built with pyarrow 1.0, here is {now['pyarrow']}",
        "The bytes may differ for this reason, so the content is compared by digests: splits, "
        "masks, videos and rows.",
        f"{copy} (1.0.0): rebuilt, 9 videos by content compared; no difference.",
    ]
    manifest = brokenvideos.read_manifest(str(copy))
    video_id = min(manifest["videos"])
    digest = manifest["videos"][video_id]["digest"]
    edit_manifest(
        copy,
        videos=manifest["videos"] | {video_id: manifest["videos"][video_id] | {"digest": "0" * 64}},
    )
    assert findings(copy, raw) == [
        f"manifest.json video {video_id}: digest is {'0' * 64}, the raw folder gives {digest}."
    ]


def test_another_split_rule_is_refused(copy: Path, raw: Path) -> None:
    edit_manifest(copy, split_rule={"name": "by hand", "seed": 0})
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        rebuild(copy, raw)
    assert str(caught.value) == (
        f"{copy}/manifest.json: this version does not know its split_rule, so the splits cannot be "
        "assigned again. Install the version of brokenvideos that wrote it."
    )


def test_a_raw_folder_with_problems(release: Path, tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    with pytest.raises(RawError):
        rebuild(release, tmp_path / "raw")


@pytest.mark.parametrize(("rule", "num_splits"), [(STRATIFIED, 2), (FILLED, 3)])
def test_a_small_release_is_rebuilt_by_the_rule_that_it_names(
    tmp_path: Path, rule: str, num_splits: int
) -> None:
    write_sample(tmp_path / "raw", videos=5, num_frames=8, height=48, width=64)
    manifest = build(tmp_path / "raw", tmp_path / "release", BuildOptions(split_rule=rule))
    assert manifest["split_rule"]["name"] == rule
    assert len({shard["split"] for shard in manifest["shards"]}) == num_splits
    assert rebuild(tmp_path / "release", tmp_path / "raw").ok


def test_a_release_without_an_empty_split_names_the_rule_that_it_had_before(release: Path) -> None:
    assert brokenvideos.read_manifest(str(release))["split_rule"]["name"] == STRATIFIED


def test_an_unknown_rule_is_refused(raw: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError) as caught:
        build(raw, tmp_path / "out", BuildOptions(split_rule="by hand"))
    assert (
        str(caught.value)
        == "split rule 'by hand': wanted one of stratified-deficit/2, stratified-deficit/3."
    )
