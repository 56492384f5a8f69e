"""The same tree as a folder, in archives of every kind, and on the Hub; what is downloaded, and
what is refused.
"""

import io
import json
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from huggingface_hub import constants
from typer.testing import CliRunner

from brokenvideos.release import ReleaseError
from brokenvideos.tools.adoption import AdoptError, AdoptReport, adopt
from brokenvideos.tools.commands.main import app
from tests.hub.state import State
from tests.tools.adoption.published import README, iou, masks_of, raw_masks, write_clip, write_mask

REPO = "someone/videos"
ADOPTED = dict.fromkeys(["Cog5B_00000", "Cog5B_00001", "Kling1-5_00002", "Luma_00003"], "adopted")


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setattr("brokenvideos.release.hub.RETRY_WAITS_S", (0, 0, 0, 0, 0))


@pytest.fixture
def online_tree(hub: State, online: list[float], published_tree: Path) -> State:
    """A Hub that holds the tree."""
    hub.create(REPO)
    hub.push_folder(REPO, published_tree)
    return hub


def states(report: AdoptReport) -> dict[str, str]:
    return {outcome.pair.video_id: outcome.state for outcome in report.outcomes}


def require_masks(raw: Path) -> None:
    assert iou(raw_masks(raw, "Cog5B_00000"), masks_of(0)) >= 0.95
    assert iou(raw_masks(raw, "Cog5B_00001"), masks_of(1)) >= 0.9
    assert iou(raw_masks(raw, "Kling1-5_00002"), masks_of(2)) == 1


def zipped(folder: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder.parent))


# --- Archives -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
def test_an_archive_of_the_tree(published_tree: Path, tmp_path: Path, suffix: str) -> None:
    kind = {".zip": "zip", ".tar": "tar", ".tar.gz": "gztar"}[suffix]
    made = shutil.make_archive(str(tmp_path / "all"), kind, published_tree.parent, "tree")
    assert made.endswith(suffix)
    raw = tmp_path / "raw"
    report = adopt(made, raw)
    assert states(report) == ADOPTED
    require_masks(raw)
    assert report.outcomes[0].pair.clip.name == "tree/videos/Cog5B_00000.mp4"
    assert [path.name for path in (raw / "adoption").iterdir() if path.name.startswith(".")] == []
    assert set(states(adopt(made, raw)).values()) == {"unchanged"}


def test_archives_in_a_folder(published_tree: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    zipped(published_tree / "videos", source / "videos.zip")
    shutil.make_archive(str(source / "masks"), "tar", published_tree, "masks")
    report = adopt(str(source), tmp_path / "raw")
    assert states(report) == ADOPTED
    require_masks(tmp_path / "raw")
    record = json.loads(
        (tmp_path / "raw" / "adoption" / "records" / "Cog5B_00000.json").read_text()
    )
    clip, mask = (
        json.loads(record["line"]["source"]["record"])[part][0] for part in ("clip", "mask")
    )
    assert clip["path"] == "videos.zip/videos/Cog5B_00000.mp4"
    assert mask["path"] == "masks.tar/masks/Cog5B_00000_mask.mp4"
    assert (clip["content"][:6], mask["content"][:7]) == ("crc32:", "sha256:")


def test_what_archives_hold_that_is_not_read(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    write_clip(tmp_path / "A_0.mp4")
    clip = (tmp_path / "A_0.mp4").read_bytes()
    with zipfile.ZipFile(source / "a.zip", "w") as archive:
        archive.writestr("../A_1.mp4", clip)
        archive.writestr("/A_2.mp4", clip)
        archive.writestr("inner.zip", b"")
        archive.writestr("__MACOSX/._A_0.mp4", b"")
        archive.writestr("A_0.mp4", clip)
    with tarfile.open(source / "b.tar", "w") as tar:
        for name in ("../B_1.mp4", "B_0.mp4"):
            member = tarfile.TarInfo(name)
            member.size = len(clip)
            tar.addfile(member, io.BytesIO(clip))
        link = tarfile.TarInfo("B_2.mp4")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    (source / "c.zip").write_bytes(b"no zip")
    (source / "d.rar").write_bytes(b"")
    report = adopt(str(source), tmp_path / "raw")
    assert [(left.path, left.why) for left in report.leftover] == [
        ("a.zip/../A_1.mp4", "its path leads out of the archive; it is not read"),
        ("a.zip/A_0.mp4", "a clip without a mask"),
        ("a.zip/A_2.mp4", "its path leads out of the archive; it is not read"),
        (
            "a.zip/inner.zip",
            "an archive inside an archive, which is not opened; unpack the outer one and adopt the "
            "folder",
        ),
        ("b.tar/../B_1.mp4", "its path leads out of the archive; it is not read"),
        ("b.tar/B_0.mp4", "a clip without a mask"),
        ("b.tar/B_2.mp4", "a link or a device, which is not followed"),
        (
            "c.zip",
            "cannot be read as an archive (File is not a zip file); copy it again, or unpack it.",
        ),
        (
            "d.rar",
            "an archive, or a part of one, that is not opened; unpack it and adopt the folder",
        ),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A_0.mp4", "raw", "source"]


# --- The Hub --------------------------------------------------------------------------------------


def test_a_repository(online_tree: State, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    report = adopt(REPO, raw)
    commit = online_tree.repository(REPO).commit_of("main").oid
    assert (states(report), report.commit) == (ADOPTED, commit)
    require_masks(raw)
    lines = {
        line["video_id"]: line
        for line in map(json.loads, (raw / "videos.jsonl").read_text().splitlines())
    }
    source = lines["Cog5B_00001"]["source"]
    assert (
        source["url"] == f"{online_tree.url}/datasets/{REPO}/blob/{commit}/videos/Cog5B_00001.mp4"
    )
    assert source["license"] == "made-up-license"
    record = json.loads(source["record"])
    file = online_tree.repository(REPO).commit_of("main").files["videos/Cog5B_00001.mp4"]
    assert (record["adopted_from"], record["commit"]) == (REPO, commit)
    assert record["clip"] == [
        {"path": "videos/Cog5B_00001.mp4", "bytes": file.size, "content": f"sha256:{file.sha256}"}
    ]
    asked = [exchange.path for exchange in online_tree.exchanges if exchange.endpoint == "resolve"]
    assert not any("Vidu_00004" in path for path in asked)
    lines_of_report = list(report.lines())
    assert lines_of_report[0].startswith(f"{REPO} at commit {commit}: 21 files, ")


def test_a_newer_commit_fetches_only_what_changed(online_tree: State, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    adopt(REPO, raw)
    first = online_tree.repository(REPO).commit_of("main").oid
    before = {
        path: path.stat().st_mtime_ns for path in raw.rglob("*.*") if path.parent.name != "adoption"
    }
    frames = write_clip(tmp_path / "new.mp4", seed=5)
    write_mask(tmp_path / "mask.mp4", frames, masks_of(8))
    new = {
        "videos/Vidu_00004.mp4": (tmp_path / "new.mp4").read_bytes(),
        "masks/Vidu_00004.mp4": (tmp_path / "mask.mp4").read_bytes(),
    }
    online_tree.push(REPO, new)
    online_tree.exchanges.clear()
    report = adopt(REPO, raw)
    assert states(report) == {**dict.fromkeys(ADOPTED, "unchanged"), "Vidu_00004": "adopted"}
    asked = {
        exchange.path.partition("/resolve/")[2].partition("/")[2]
        for exchange in online_tree.exchanges
        if exchange.endpoint == "resolve"
    }
    assert asked - {"README.md", "train.txt", "test.txt"} == set(new)
    after = {
        path: path.stat().st_mtime_ns for path in raw.rglob("*.*") if path.parent.name != "adoption"
    }
    assert {path.name for path in after.keys() - before.keys()} >= {
        "Vidu_00004.mp4",
        "Vidu_00004.json",
    }
    assert {path.name for path in before if after[path] != before[path]} == {"videos.jsonl"}
    lines = {
        line["video_id"]: line
        for line in map(json.loads, (raw / "videos.jsonl").read_text().splitlines())
    }
    assert first in lines["Cog5B_00000"]["source"]["url"]
    assert report.commit in lines["Vidu_00004"]["source"]["url"]
    pinned = adopt(f"{REPO}@{first}", raw)
    assert pinned.removed == ("Vidu_00004",)


def test_a_download_that_ends_goes_on(online_tree: State, tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    online_tree.fault("resolve", skip=6, times=None, status=403)
    failed = adopt(REPO, raw)
    assert not failed.ok
    assert "failed" in states(failed).values()
    online_tree.faults.clear()
    assert set(states(adopt(REPO, raw)).values()) <= {"adopted", "unchanged"}
    require_masks(raw)


def test_archives_on_the_hub_are_looked_into_where_they_lie(
    hub: State, online: list[float], published_tree: Path, tmp_path: Path
) -> None:
    hub.create(REPO)
    zipped(published_tree / "videos", tmp_path / "videos.zip")
    zipped(published_tree / "masks", tmp_path / "masks.zip")
    with zipfile.ZipFile(tmp_path / "videos.zip", "a") as archive:
        archive.writestr("filler.bin", bytes(2**20) + published_tree.name.encode())
    hub.push(
        REPO,
        {name: (tmp_path / name).read_bytes() for name in ("videos.zip", "masks.zip")}
        | {"README.md": README},
    )
    result = CliRunner().invoke(
        app, ["adopt", REPO, str(tmp_path / "raw"), "--dry-run", "--look", "1"]
    )
    assert result.exit_code == 0, result.output
    assert "pairs of clip and mask: 4 (4 paired)" in result.output
    assert "decoded 1 of them" in result.output
    assert states(adopt(REPO, tmp_path / "raw")) == ADOPTED
    require_masks(tmp_path / "raw")


def test_repositories_that_give_nothing(
    hub: State, online: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in = "Log in with `hf auth login`, or set HF_TOKEN or token=."
    argument = "Give a folder, a zip or tar, or OWNER/NAME[@REVISION]."
    with pytest.raises(ReleaseError) as caught:
        adopt("someone/gone", tmp_path / "raw")
    assert (
        str(caught.value)
        == f"someone/gone: no such dataset repository, or a private one. {log_in} {argument}"
    )
    hub.create(REPO, private=True)
    with pytest.raises(ReleaseError) as caught:
        adopt(f"{REPO}@v9", tmp_path / "raw")
    assert str(caught.value) == f"{REPO}@v9: the repository has no such revision. {argument}"
    with pytest.raises(AdoptError) as caught:
        adopt(REPO, tmp_path / "raw")
    assert str(caught.value) == f"{REPO}: has no files. {argument}"
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(ReleaseError) as caught:
        adopt(REPO, tmp_path / "raw")
    assert (
        str(caught.value)
        == f"{REPO}: no such dataset repository, or a private one. {log_in} {argument}"
    )
