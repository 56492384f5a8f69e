"""A release as the Hub's cache, DVC and git-annex keep it: links into a store, and their own files
beside it.
"""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

import brokenvideos
from brokenvideos.builder import BuildOptions, build, rebuild, verify, withdraw
from brokenvideos.builder.folder_files import folder_files
from brokenvideos.card import card_files

OTHERS = {
    ".gitattributes": "*.parquet filter=lfs",
    ".cache/huggingface/download/README.md.metadata": "etag",
    ".nv-meta/split.yaml": "split_parts: {}",
    "data/.DS_Store": "",
    "data/train-00000-of-00002.parquet.dvc": "outs: []",
    "webdataset/train-000000.tar.idx": "index",
}
NOTES = [
    "note: .cache: no file of a release.",
    "note: .gitattributes: no file of a release.",
    "note: .nv-meta: no file of a release.",
    "note: data/.DS_Store: no file of a release.",
    "note: data/train-00000-of-00002.parquet.dvc: no file of a release.",
    "note: webdataset/train-000000.tar.idx: no file of a release.",
]


@pytest.fixture
def linked(release: Path, tmp_path: Path) -> Path:
    """A snapshot of the Hub's cache: relative links into a folder of blobs that nobody may
    write.
    """
    snapshot, blobs = tmp_path / "repo" / "snapshots" / "c0ffee", tmp_path / "repo" / "blobs"
    blobs.mkdir(parents=True)
    for path in sorted(path for path in release.rglob("*") if path.is_file()):
        blob = blobs / hashlib.sha256(path.read_bytes()).hexdigest()
        if not blob.exists():
            shutil.copyfile(path, blob)
            blob.chmod(0o444)
        link = snapshot / path.relative_to(release)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    for name, content in OTHERS.items():
        (snapshot / name).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / name).write_text(content)
    return snapshot


def test_it_is_verified_and_rebuilt_with_what_other_tools_left_beside_it(
    linked: Path, raw: Path
) -> None:
    report = verify(linked)
    assert report.findings == ()
    assert list(report.notes) == NOTES
    report = rebuild(linked, raw, more_files=card_files)
    assert (report.findings, report.num_files) == ((), 4 * 3 + 3)


def test_it_serves_as_a_parent_and_gives_whole_files(
    linked: Path, raw: Path, tmp_path: Path
) -> None:
    out = tmp_path / "elsewhere" / "next"
    build(raw, out, BuildOptions(data_version="1.0.1"), parent=linked, more_files=card_files)
    assert not [path for path in out.rglob("*") if path.is_symlink()]
    shards = brokenvideos.read_manifest(str(linked))["shards"]
    assert brokenvideos.read_manifest(str(out))["shards"] == shards
    shutil.rmtree(linked.parents[1])
    assert verify(out, raw=raw).findings == ()


def test_videos_are_withdrawn_from_it(linked: Path, tmp_path: Path) -> None:
    (first, *_) = brokenvideos.read_manifest(str(linked))["shards"]
    out = tmp_path / "elsewhere" / "less"
    withdraw(
        linked,
        out,
        first["video_ids"][:1],
        reason="as asked for",
        twins="keep",
        more_files=card_files,
    )
    assert not [path for path in out.rglob("*") if path.is_symlink()]
    shutil.rmtree(linked.parents[1])
    assert verify(out).findings == ()


def test_a_link_that_leads_nowhere_is_named(linked: Path) -> None:
    shard = linked / "webdataset" / "test-000000.tar"
    shard.resolve().unlink()
    found = [str(finding) for finding in verify(linked).findings]
    assert found[0] == (
        "webdataset/test-000000.tar: a broken link; SHA256SUMS lists it. Fetch its target (`git "
        "annex get`, `dvc pull`), or download this file again."
    )


def test_folders_that_are_links_are_looked_into_and_a_circle_ends(linked: Path) -> None:
    (linked.parent / "disk2").mkdir()
    (linked / "data").rename(linked.parent / "disk2" / "data")
    (linked / "data").symlink_to("../disk2/data")
    assert verify(linked).findings == ()
    (linked / "up").symlink_to(linked.parent)
    files, _ = folder_files(linked)
    assert not [path for path in files if path.startswith("up/")]
