"""The next release: what it sends, and that the old tag still gives the old rows.
benchmarks/publish.py does it larger.
"""

import json
import random
import shutil
import sys
from pathlib import Path

import datasets
import pytest
from huggingface_hub import constants

import brokenvideos
from brokenvideos.builder import BuildOptions, build, withdraw
from brokenvideos.card import card_files
from brokenvideos.tools.publishing.publish import publish
from brokenvideos.tools.synthetic.sample import write_sample
from tests.hub.state import State

REPO = "someone/brokenvideos"
UPLOADS = ("xorb", "shard", "commit", "preupload", "lfs-put", "lfs-part")

# huggingface_hub's own way to send a file without Xet
pytestmark = pytest.mark.filterwarnings(
    "ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning"
)


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))


def pad(video: Path, num_bytes: int) -> None:
    """An MP4 box of noise that readers pass over."""
    with video.open("ab") as file:
        file.write(
            (num_bytes + 8).to_bytes(4, "big")
            + b"free"
            + random.Random(video.name).randbytes(num_bytes)
        )


def add_video(raw: Path, video_id: str, like: str) -> None:
    lines = [json.loads(line) for line in (raw / "videos.jsonl").read_text().splitlines()]
    (described,) = (line for line in lines if line["video_id"] == like)
    lines.append(described | {"video_id": video_id, "prompt": None})
    (raw / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    shutil.copy(raw / "videos" / f"{like}.mp4", raw / "videos" / f"{video_id}.mp4")
    pad(raw / "videos" / f"{video_id}.mp4", 200_000)
    if (raw / "masks" / like).exists():
        shutil.copytree(raw / "masks" / like, raw / "masks" / video_id)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_percent_of_new_videos_send_few_bytes_and_old_tags_stay(
    hub: State, online: list[float], tmp_path: Path
) -> None:
    raw, old, new, fewer = (tmp_path / name for name in ("raw", "old", "new", "fewer"))
    write_sample(raw, videos=50, num_frames=8, height=48, width=64)
    for path in (raw / "videos").iterdir():
        pad(path, 200_000)
    build(raw, old, BuildOptions(num_shards={"train": 2}), more_files=card_files)
    first = min(brokenvideos.read_manifest(str(old))["videos"])
    add_video(raw, "added_0", like=first)
    build(raw, new, BuildOptions(data_version="1.1.0"), parent=old, more_files=card_files)
    # added_0 looks like it
    withdraw(new, fewer, [first], reason="asked for", twins="keep", more_files=card_files)

    publish(old, repo_id=REPO)
    for release in (new, fewer):
        size = sum(
            path.stat().st_size
            for path in release.rglob("*")
            if path.suffix in (".parquet", ".tar")
        )
        before = hub.received_bytes(*UPLOADS)
        publish(release, repo_id=REPO)
        assert 0 < hub.received_bytes(*UPLOADS) - before <= 0.06 * size
    for tag, name, release in (
        ("v1.0.0", "default", old),
        ("v1.0.0", "webdataset", old),
        ("v2.0.0", "default", fewer),
    ):
        rows = brokenvideos.load(name, repo_id=REPO, revision=tag, split="train", streaming=True)
        assert list(rows) == list(
            brokenvideos.load(name, data_dir=release, split="train", streaming=True)
        )


# On a machine of its own; without verifying first, which would take most of the time.
PUBLISH = """
import sys
from importlib import import_module
from pathlib import Path

module = import_module("brokenvideos.tools.publishing.publish")
module._verified = lambda *release, **options: None
module.publish(Path(sys.argv[1]), repo_id=sys.argv[2])
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_machine_that_knows_nothing_sends_what_is_new(
    hub: State, run_process, tmp_path: Path
) -> None:
    raw = write_sample(tmp_path / "raw", videos=30, num_frames=8, height=48, width=64)
    for path in (raw / "videos").iterdir():
        pad(path, 300_000)
    # Every shard begins otherwise than before: without its first video.
    old, new = tmp_path / "old", tmp_path / "new"
    build(raw, old, BuildOptions(), more_files=card_files)
    first = [min(shard["video_ids"]) for shard in brokenvideos.read_manifest(str(old))["shards"]]
    withdraw(old, new, first, reason="asked for", more_files=card_files)
    sent = []
    for release in (old, new):
        before = hub.received_bytes(*UPLOADS)
        env = hub.environment(tmp_path / f"home-of-{release.name}", token="hf_owner")
        done = run_process(
            [sys.executable, "-c", PUBLISH, str(release), REPO], env=env, timeout_s=280
        )
        assert done.returncode == 0, done.stderr
        sent.append(hub.received_bytes(*UPLOADS) - before)
    assert sent[0] > sum(path.stat().st_size for path in old.rglob("*.tar"))
    # What follows the first chunk of each predecessor is sent in vain: at most 128 KiB a file.
    assert sent[1] < 0.08 * sum(path.stat().st_size for path in new.rglob("*") if path.is_file())
    assert {
        path: len(content)
        for path, content in hub.files(REPO, "v2.0.0").items()
        if path != ".gitattributes"
    } == {
        path.relative_to(new).as_posix(): path.stat().st_size
        for path in new.rglob("*")
        if path.is_file()
    }


def test_a_beginning_that_the_hub_refuses_is_passed_over(
    hub: State, online: list[float], releases: tuple[Path, Path]
) -> None:
    old, new = releases
    publish(old, repo_id=REPO)
    manifest = hub.count("resolve")
    hub.fault("resolve", status=403, skip=2, times=None)  # after HEAD and GET of the manifest
    publish(new, repo_id=REPO)
    assert hub.count("resolve") > manifest + 2
    assert {path for path in hub.files(REPO, "v1.1.0") if path.endswith(".tar")} == {
        path.relative_to(new).as_posix() for path in new.rglob("*.tar")
    }
