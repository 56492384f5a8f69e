"""The next release: what it sends, and that the old tag still gives the old rows. benchmarks/publish.py does it larger."""

import json
import random
import shutil
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
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning")


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))


def pad(video: Path, num_bytes: int) -> None:
    """An MP4 box of noise that readers pass over."""
    with video.open("ab") as file:
        file.write((num_bytes + 8).to_bytes(4, "big") + b"free" + random.Random(video.name).randbytes(num_bytes))


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
    withdraw(new, fewer, [first], reason="asked for", twins="keep", more_files=card_files)  # added_0 looks like it

    publish(old, repo_id=REPO)
    for release in (new, fewer):
        size = sum(path.stat().st_size for path in release.rglob("*") if path.suffix in (".parquet", ".tar"))
        before = hub.received_bytes(*UPLOADS)
        publish(release, repo_id=REPO)
        assert 0 < hub.received_bytes(*UPLOADS) - before <= 0.06 * size
    for tag, name, release in (("v1.0.0", "default", old), ("v1.0.0", "webdataset", old), ("v2.0.0", "default", fewer)):
        rows = brokenvideos.load(name, repo_id=REPO, revision=tag, split="train", streaming=True)
        assert list(rows) == list(brokenvideos.load(name, data_dir=release, split="train", streaming=True))
