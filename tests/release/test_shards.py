"""What lies in a release folder against its manifest: nothing is read from less, more or other
shards than it lists.
"""

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import datasets
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _http

import brokenvideos
from brokenvideos.release import DATA_VERSION, REPO_ID, ReleaseError, read_parquet, release_shards
from brokenvideos.sampling import clips

TRAIN = {
    "default": "data/train-00000-of-00002.parquet",
    "annotations": "annotations/train-00000-of-00002.parquet",
    "webdataset": "webdataset/train-000000.tar",
}
KINDS = list(TRAIN)
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"


@pytest.fixture
def copy(release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return Path(shutil.copytree(release, tmp_path / "release"))


def message_of(call: Callable[[], object]) -> str:
    with pytest.raises(ReleaseError) as caught:
        call()
    return str(caught.value)


def refusals_of(copy: Path, kind: str) -> set[str]:
    """What every door to a release says, before a row is read."""
    calls: list[Callable[[], object]] = [
        lambda: brokenvideos.load(kind, data_dir=copy, split="train", streaming=True),
        lambda: brokenvideos.load(kind, data_dir=copy, split="train"),
        lambda: datasets.load_dataset("brokenvideos", kind, data_dir=str(copy)),
    ]
    if kind == "default":
        calls += [lambda: clips(copy, num_frames=2), lambda: clips(str(copy), num_frames=2)]
    return {message_of(call) for call in calls}


def listed(manifest: dict, path: str) -> dict:
    return next(
        file for shard in manifest["shards"] for file in shard["files"] if file["path"] == path
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_shard(copy: Path, kind: str) -> None:
    (copy / TRAIN[kind]).unlink()
    assert refusals_of(copy, kind) == {
        f"{copy}: {TRAIN[kind]} of 4 files of config {kind!r} not found; manifest.json lists them. "
        "Where a download or a copy has stopped half-way, run it again: `hf download` fetches what "
        "is missing. To read a part of a release from the Hub, stream it."
    }
    # The others are all there.
    for other in set(KINDS) - {kind}:
        assert next(iter(brokenvideos.load(other, data_dir=copy, split="train", streaming=True)))[
            "video_id"
        ]


def test_more_than_one_missing_shard_and_links_that_lead_nowhere(copy: Path) -> None:
    for path in copy.glob("data/*"):
        path.unlink()
        path.symlink_to("nowhere")
    assert message_of(lambda: release_shards(copy)).startswith(
        f"{copy}: {TRAIN['default']} and 3 more of 4 files of config 'default' not found;"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_shard_of_another_release(copy: Path, kind: str) -> None:
    stale = TRAIN[kind].replace("00002.", "00003.").replace("000000.tar", "000002.tar")
    shutil.copy(copy / TRAIN[kind], copy / stale)
    assert refusals_of(copy, kind) == {
        f"{copy}: {stale} not in manifest.json: left over from another release? Remove what is not "
        "part of this one, or download the release into an empty folder."
    }


def test_what_is_no_shard_may_lie_beside_them(copy: Path) -> None:
    (copy / "data" / "._train-00000-of-00002.parquet").write_bytes(b"\0")
    (copy / "data" / "train-00000-of-00002 (1).parquet").write_bytes(b"")
    (copy / "webdataset" / "train-000000.tar.idx").write_bytes(b"")
    (copy / "webdataset" / ".nv-meta").mkdir()
    for kind in KINDS:
        assert list(brokenvideos.load(kind, data_dir=copy, split="test", streaming=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("content", "says"),
    [
        (lambda data: b"", "an empty file. Copy or download this file again."),
        (
            lambda data: POINTER,
            "a pointer of git-lfs, not the file itself: run `git lfs pull` there.",
        ),
        (
            lambda data: b"/annex/objects/SHA256E-s1",
            "a pointer of git-annex, not the file itself: run `git annex get` there.",
        ),
        (
            lambda data: data[:100],
            "100 bytes, manifest.json says BYTES: cut short? Copy or download this file again.",
        ),
        (
            lambda data: data + b"\0",
            "MORE bytes, manifest.json says BYTES: of another release? Copy or download this file "
            "again.",
        ),
    ],
    ids=["empty", "git-lfs", "git-annex", "cut short", "longer"],
)
def test_a_shard_that_is_not_whole(
    copy: Path, kind: str, content: Callable[[bytes], bytes], says: str
) -> None:
    path = copy / TRAIN[kind]
    data = path.read_bytes()
    path.write_bytes(content(data))
    says = says.replace("BYTES", str(len(data))).replace("MORE", str(len(data) + 1))
    assert refusals_of(copy, kind) == {f"{path}: {says}"}


@pytest.mark.parametrize("kind", KINDS)
def test_no_manifest_or_one_of_another_format(copy: Path, kind: str) -> None:
    path = copy / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"format_version": 99}))
    (refusal,) = refusals_of(copy, kind)
    assert refusal.startswith(f"{path}: format_version is 99, this package reads ")
    path.unlink()
    assert refusals_of(copy, kind) == {
        f"{path}: not found. A release has one; was this folder made by `brokenvideos build`?"
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_shard_with_another_number_of_rows(copy: Path, kind: str) -> None:
    """Of an earlier release, under the name and with the size of one of this release."""
    path = copy / "manifest.json"
    manifest = json.loads(path.read_text())
    listed(manifest, TRAIN[kind])["rows"] += 1
    path.write_text(json.dumps(manifest))
    wanted = listed(manifest, TRAIN[kind])["rows"]
    name = TRAIN[kind].rpartition("/")[2] if kind == "webdataset" else str(copy / TRAIN[kind])
    again = (
        "Build or download this shard again."
        if kind == "webdataset"
        else "Copy or download this file again."
    )
    says = f"{name}: {wanted - 1} rows, manifest.json says {wanted}: of another release? {again}"
    for streaming in (True, False):
        assert (
            message_of(
                lambda streaming=streaming: list(
                    brokenvideos.load(kind, data_dir=copy, split="train", streaming=streaming)
                )
            )
            == says
        )
    if kind == "default":
        assert message_of(lambda: clips(copy, num_frames=2)) == says
        rows = brokenvideos.load(kind, data_dir=copy, split="train", streaming=True)
        assert message_of(lambda: rows.reshard()) == says


def test_a_file_that_is_no_parquet_names_itself(tmp_path: Path) -> None:
    path = tmp_path / "shard.parquet"
    for content, says in (
        (b"", "an empty file. Copy or download this file again."),
        (POINTER, "a pointer of git-lfs, not the file itself: run `git lfs pull` there."),
        (b"PAR1" + b"x" * 100, "cut short or damaged. Copy or download this file again."),
    ):
        path.write_bytes(content)
        said = message_of(lambda: list(read_parquet(str(path))))
        assert said.startswith(f"{path}: not a readable Parquet file (")
        assert said.endswith(f"): {says}")
        with path.open("rb") as file:
            said = message_of(lambda file=file: list(read_parquet(file, name="hub/shard.parquet")))
        assert said.startswith("hub/shard.parquet: not a readable Parquet file (")
    path.unlink()
    assert message_of(lambda: list(read_parquet(str(path)))).endswith(
        "not found. Copy or download this file again."
    )


def test_damage_within_a_shard_names_it(copy: Path) -> None:
    """The size is right and the footer too."""
    path = copy / TRAIN["annotations"]
    data = bytearray(path.read_bytes())
    data[4 : len(data) // 2] = bytes(len(data) // 2 - 4)
    path.write_bytes(data)
    said = message_of(
        lambda: list(brokenvideos.load("annotations", data_dir=copy, split="train", streaming=True))
    )
    assert said.startswith(f"{path}: not a readable Parquet file (")


def test_parquet_of_other_columns(copy: Path) -> None:
    path = copy / TRAIN["annotations"]
    pq.write_table(pq.read_table(path).drop_columns(["masks", "digest"]), path)
    manifest = json.loads((copy / "manifest.json").read_text())
    data = path.read_bytes()
    listed(manifest, TRAIN["annotations"]).update(
        bytes=len(data), sha256=hashlib.sha256(data).hexdigest()
    )
    (copy / "manifest.json").write_text(json.dumps(manifest))
    said = message_of(
        lambda: list(brokenvideos.load("annotations", data_dir=copy, split="train", streaming=True))
    )
    assert said == (
        f"{path}: its rows do not fit this version (no column masks, digest). Copy or download "
        "this file again."
    )


NO_CACHE = """
import sys, brokenvideos
from brokenvideos.sampling import clips
release, = sys.argv[1:]
print(sum(1 for _ in clips(release, num_frames=2)))
print(sum(1 for _ in brokenvideos.load(data_dir=release, split="train", streaming=True)))
try:
    brokenvideos.load(data_dir=release, split="train")
except brokenvideos.ReleaseError as error:
    print(error)
try:
    brokenvideos.load(split="train", streaming=True)
except brokenvideos.ReleaseError as error:
    print(error)
"""


def test_a_cache_that_cannot_be_written_is_needed_where_it_is_needed(
    release: Path, tmp_path: Path, run_process
) -> None:
    (tmp_path / "file").write_text("")  # root may write into every folder, but not below a file
    home = tmp_path / "file" / "home"
    environment = {
        **os.environ,
        "HF_HOME": str(home),
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "HF_HUB_OFFLINE": "0",
    }
    done = run_process([sys.executable, "-c", NO_CACHE, str(release)], env=environment)
    count, same, folder, hub = done.stdout.splitlines()
    assert count == same
    assert folder == (
        f"the Hugging Face cache cannot be written (Not a directory: {home}). Set HF_HOME to a "
        "writeable folder. "
        "brokenvideos.clips and streaming=True read a local release without a cache."
    )
    assert hub.startswith(
        f"{REPO_ID} at revision v{DATA_VERSION}: the Hub cannot be reached (ConnectError: "
    )
    assert done.stderr == ""


def test_a_hub_that_is_not_there_answers_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    waits_s: list[float] = []
    monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=waits_s.append))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for endpoint, error in (
        ("http://127.0.0.1:9", "ConnectError"),
        ("nonsense", "UnsupportedProtocol"),
    ):
        monkeypatch.setattr(datasets.config, "HF_ENDPOINT", endpoint)
        start_s = time.monotonic()
        said = message_of(lambda: brokenvideos.load(split="train"))
        assert (waits_s, time.monotonic() - start_s < 30) == (
            [],
            True,
        )  # no second attempt, and no lookup that is waited for
        assert said.startswith(
            f"{REPO_ID} at revision v{DATA_VERSION}: the Hub cannot be reached ({error}: "
        )
        assert said.endswith(
            "Try again later. Name a revision with revision=, another repository with "
            "BROKENVIDEOS_REPO or brokenvideos.load(repo_id=…), or a local release with data_dir=; "
            "config 'sample' needs no Hub."
        )
