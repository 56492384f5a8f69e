"""The loader against a Hub (tests/hub): pinned versions, access, faults on the way, the cache
without a Hub, bytes on the wire.
"""

import random
import shutil
import sys
from pathlib import Path
from typing import Any

import datasets
import pytest
from datasets import load_dataset
from huggingface_hub import constants

import brokenvideos
from brokenvideos.builder import build, withdraw
from brokenvideos.card import card_files
from brokenvideos.release import FilterError
from tests.hub.state import State

REPO = "someone/brokenvideos"
INSTEAD = (
    "Name a revision with revision=, another repository with BROKENVIDEOS_REPO or "
    "brokenvideos.load(repo_id=…), or a local release with data_dir=; config 'sample' needs no Hub."
)
LOG_IN = "Log in with `hf auth login`, or set HF_TOKEN or token=."


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setattr("brokenvideos.release.hub.RETRY_WAITS_S", (0, 0, 0, 0, 0))
    monkeypatch.setenv("BROKENVIDEOS_REPO", REPO)


@pytest.fixture
def published(hub: State, online: list[float], release: Path) -> State:
    """A Hub that holds a release at v1.0.0."""
    hub.create(REPO)
    hub.push_folder(REPO, release, tag="v1.0.0")
    return hub


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No token."""
    monkeypatch.delenv("HF_TOKEN")


def ids(rows: Any) -> list[str]:
    return [row["video_id"] for row in rows]


def manifest_ids(release: Path, split: str = "train") -> list[str]:
    shards = brokenvideos.read_manifest(str(release))["shards"]
    return [
        video_id for shard in shards if shard["split"] == split for video_id in shard["video_ids"]
    ]


def error_of(**arguments: Any) -> str:
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        list(brokenvideos.load(split="train", **arguments))
    return str(caught.value)


# --- Versions -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["default", "annotations", "webdataset"])
@pytest.mark.parametrize("streaming", [True, False])
def test_the_hub_gives_the_rows_of_the_release(
    published: State, release: Path, name: str, streaming: bool
) -> None:
    rows = load_dataset("brokenvideos", name, revision="v1.0.0", split="train", streaming=streaming)
    assert list(rows) == list(
        brokenvideos.load(name, data_dir=release, split="train", streaming=True)
    )


@pytest.mark.parametrize("streaming", [True, False])
def test_the_default_is_the_data_version_of_this_code_and_not_the_newest(
    published: State, release: Path, tmp_path: Path, streaming: bool
) -> None:
    old, newer = manifest_ids(release), tmp_path / "newer"
    withdraw(release, newer, [old[0]], reason="asked for", more_files=card_files)
    published.push_folder(REPO, newer, tag="v2.0.0")
    assert ids(brokenvideos.load(split="train", streaming=streaming)) == old
    for revision in ("v2.0.0", "main"):
        assert (
            ids(brokenvideos.load(split="train", streaming=streaming, revision=revision)) == old[1:]
        )
    commit = published.repository(REPO).commit_of("v1.0.0").oid
    assert ids(brokenvideos.load(split="train", streaming=streaming, revision=commit)) == old


def test_an_argument_names_the_repository(
    published: State, release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BROKENVIDEOS_REPO")
    rows = brokenvideos.load("annotations", split="train", streaming=True, repo_id=REPO)
    assert ids(rows) == manifest_ids(release)


NO_RELEASE = (
    "someone/other: reached, but it holds no release of BrokenVideos, at revision {revision} or on "
    "its main branch.\n"
    "It holds {held}.\n"
    "Make a release of it: `brokenvideos adopt someone/other raw`, `brokenvideos build raw "
    "release`, then "
    'load_dataset("brokenvideos", data_dir="release").'
)


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("revision", [None, "main"])
def test_a_repository_that_holds_no_release(
    published: State, revision: str | None, streaming: bool
) -> None:
    published.create("someone/other")
    files = {f"videos/Cog5B_{number:05d}.mp4": b"clip" for number in range(3)}
    files |= {f"masks/Cog5B_{number:05d}_mask.mp4": b"mask" for number in range(3)}
    published.push(
        "someone/other",
        {**files, "README.md": b"#", "a/list": b"1", "b/c/d.json": b"1", "e.txt": b"1"},
    )
    assert error_of(
        repo_id="someone/other", revision=revision, streaming=streaming
    ) == NO_RELEASE.format(
        revision=revision or "v1.0.0",
        held="10 files: 3 .mp4 in masks/, 3 .mp4 in videos/, 1 .md, 1 .txt and 2 others",
    )


def test_a_repository_that_holds_nothing(published: State, monkeypatch: pytest.MonkeyPatch) -> None:
    published.create("someone/other")
    monkeypatch.setenv("BROKENVIDEOS_REPO", "someone/other")
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        load_dataset("brokenvideos")
    assert str(caught.value) == NO_RELEASE.format(revision="v1.0.0", held="no file")


def test_a_repository_that_cannot_be_listed_says_what_is_missing(published: State) -> None:
    published.create("someone/other")
    published.fault("tree", status=403)
    assert error_of(repo_id="someone/other", revision="main", streaming=True) == (
        "someone/other at revision main: manifest.json is missing, so it is not a release. "
        f"{INSTEAD}"
    )


def test_a_revision_that_is_not_there(published: State) -> None:
    assert error_of(revision="v9.0.0") == (
        f"{REPO} at revision v9.0.0: the repository has no such revision. {INSTEAD}"
    )


# --- Access ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [True, False])
def test_a_private_repository_wants_a_token(
    published: State, release: Path, nobody: None, streaming: bool
) -> None:
    published.repository(REPO).private = True
    refused = (
        f"{REPO} at revision v1.0.0: no such dataset repository, or a private one. {LOG_IN} "
        f"{INSTEAD}"
    )
    assert error_of(streaming=streaming) == refused
    assert error_of(streaming=streaming, token="hf_reader") == refused
    rows = brokenvideos.load(split="train", streaming=streaming, token="hf_owner")
    assert ids(rows) == manifest_ids(release)


@pytest.mark.parametrize("streaming", [True, False])
def test_a_gated_repository_lets_in_who_was_granted_access(
    published: State, release: Path, streaming: bool
) -> None:
    published.repository(REPO).gated = "manual"
    assert error_of(streaming=streaming, token="hf_reader") == (
        f"{REPO} at revision v1.0.0: a gated repository that you have no access to. "
        f"Ask for access on the repository's page. {LOG_IN}"
    )
    published.repository(REPO).granted = {"reader"}
    assert ids(
        brokenvideos.load(split="train", streaming=streaming, token="hf_reader")
    ) == manifest_ids(release)


def test_access_that_is_taken_back_while_a_stream_is_read(published: State, nobody: None) -> None:
    rows = iter(
        brokenvideos.load(split="train", streaming=True, columns=["video_id"], token="hf_owner")
    )
    next(rows)
    published.repository(REPO).private = True
    published.users.pop("hf_owner")
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        list(rows)
    commit = published.repository(REPO).commit_of("v1.0.0").oid
    path = brokenvideos.release.shard_paths("train", 1, 2)["default"]
    assert str(caught.value) == (
        f"hf://datasets/{REPO}@{commit}/{path}: the Hub answered 401 (Invalid credentials in "
        f"Authorization header). {LOG_IN}"
    )


# --- Faults ---------------------------------------------------------------------------------------

FAULTS = [
    {"status": 429, "headers": {"Retry-After": "7"}},
    {"status": 503},
    {"status": 500, "times": 3},
    {"cut": "before"},
    {"cut_after_sent": 5000},
]


@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize("how", FAULTS, ids=str)
def test_a_hub_that_falters_is_asked_again(
    published: State, online: list[float], release: Path, how: dict[str, Any], streaming: bool
) -> None:
    wanted = list(brokenvideos.load(data_dir=release, split="train", streaming=True))
    endpoints = ("storage",) if "cut_after_sent" in how else ("resolve", "storage")
    faults = [published.fault(endpoint, skip=1, **how) for endpoint in endpoints]
    assert list(brokenvideos.load(split="train", streaming=streaming)) == wanted
    assert all(fault.num_hits == how.get("times", 1) for fault in faults)
    if how.get("status") == 429:
        assert 8 in online  # Retry-After, and a second for rounding


def test_a_hub_that_stays_down_is_one_line(published: State) -> None:
    published.fault("*", times=None, status=503, message="Down for maintenance")
    assert error_of(streaming=True) == (
        f"{REPO} at revision v1.0.0: the Hub answered 503 (Down for maintenance). Try again later."
    )


# --- Without a Hub --------------------------------------------------------------------------------


@pytest.fixture
def go_offline(published: State, monkeypatch: pytest.MonkeyPatch):
    def go() -> None:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
        published.exchanges.clear()

    return go


@pytest.mark.parametrize("name", ["default", "webdataset"])
def test_offline_a_warm_cache_gives_the_rows(
    published: State, release: Path, go_offline, tmp_path, name: str
) -> None:
    rows = list(brokenvideos.load(name, split="train"))
    go_offline()
    assert list(brokenvideos.load(name, split="train")) == rows
    shutil.rmtree(tmp_path / "cache")  # the Arrow files; what was downloaded is there
    assert list(brokenvideos.load(name, split="train")) == rows
    assert list(brokenvideos.load(name, split="train", streaming=True)) == rows
    assert published.count() == 0


def test_offline_the_annotations_alone_do_not_stand_in_for_the_videos(
    published: State, go_offline
) -> None:
    rows = list(brokenvideos.load("annotations", split="train"))
    go_offline()
    assert list(brokenvideos.load("annotations", split="train", streaming=True)) == rows
    commit = published.repository(REPO).commit_of("v1.0.0").oid
    path = brokenvideos.release.shard_paths("train", 0, 2)["default"]
    assert error_of(streaming=True) == (
        f"hf://datasets/{REPO}@{commit}/{path}: HF_HUB_OFFLINE is set and the cache does not hold "
        "it."
    )


def test_offline_an_empty_cache_is_one_line() -> None:
    assert (
        error_of()
        == f"{REPO} at revision v1.0.0: HF_HUB_OFFLINE is set and the cache does not hold it. "
        f"{INSTEAD}"
    )


# --- Bytes ----------------------------------------------------------------------------------------


@pytest.fixture
def large(hub: State, online: list[float], raw: Path, tmp_path: Path) -> Path:
    """A release on the Hub whose videos are 300 kB each, as an MP4 box that readers pass over makes
    them.
    """
    shutil.copytree(raw, tmp_path / "raw")
    for path in (tmp_path / "raw" / "videos").iterdir():
        with path.open("ab") as file:
            file.write(
                (300_008).to_bytes(4, "big") + b"free" + random.Random(path.name).randbytes(300_000)
            )
    build(tmp_path / "raw", tmp_path / "large")
    hub.create(REPO)
    hub.push_folder(REPO, tmp_path / "large", tag="v1.0.0")
    return tmp_path / "large"


def fetched(hub: State, **arguments: Any) -> tuple[int, int, list[dict[str, Any]]]:
    """Bytes and requests of shards, and the rows."""
    hub.exchanges.clear()
    rows = list(brokenvideos.load(split="train", streaming=True, **arguments))
    return hub.sent_bytes("storage"), hub.count("storage"), rows


def test_columns_that_are_left_out_are_not_fetched(
    hub: State, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = (large / brokenvideos.release.shard_paths("train", 0, 1)["default"]).stat().st_size
    everything, requests, rows = fetched(hub)
    # The footer is read first: 64 kB, or what a smaller file has.
    assert size <= everything <= size + 2**17
    assert requests <= 4
    few, requests, some = fetched(hub, columns=["video_id", "label"])
    assert few < 2**16 + 5000
    assert requests <= 4
    assert some == [{"video_id": row["video_id"], "label": row["label"]} for row in rows]
    without, requests, some = fetched(
        hub, columns=[name for name in brokenvideos.FEATURES if name != "video"]
    )
    assert without < size / 10
    assert requests <= 4
    assert some == [{name: value for name, value in row.items() if name != "video"} for row in rows]
    # A row group of which a filter wants nothing has its videos left where they are.
    hub.exchanges.clear()
    with pytest.raises(FilterError):
        fetched(hub, filters=[("generator", "==", "nobody")])
    assert hub.sent_bytes("storage") < size / 10


# --- Processes ------------------------------------------------------------------------------------

EARLY = """
import brokenvideos
print(next(iter(brokenvideos.load(split="train", streaming=True, repo_id="someone/brokenvideos")))["video_id"])
"""
ALONE = """
import sys
sys.modules["brokenvideos"] = None  # not importable
from datasets import load_dataset
for name in ("default", "annotations"):
    rows = load_dataset("someone/brokenvideos", name, split="train", revision="v1.0.0", streaming=sys.argv[1] == "stream")
    print(*[f"{row['video_id']}:{row['digest']}:{len(row.get('video', {}).get('bytes', b''))}" for row in rows])
"""


@pytest.fixture
def outside(hub: State, release: Path, tmp_path: Path) -> dict[str, str]:
    """What another process needs to meet a Hub that holds the release."""
    hub.create(REPO)
    hub.push_folder(REPO, release, tag="v1.0.0")
    return hub.environment(tmp_path / "home", token=None)


def test_a_stream_that_is_left_early_ends_the_process_well(
    outside, release: Path, run_process
) -> None:
    done = run_process([sys.executable, "-c", EARLY], env=outside)
    assert (done.returncode, done.stdout.strip()) == (0, manifest_ids(release)[0]), done.stderr


@pytest.mark.parametrize("how", ["stream", "map"])
def test_datasets_alone_gives_the_same_rows(outside, release: Path, run_process, how: str) -> None:
    done = run_process([sys.executable, "-W", "error", "-c", ALONE, how], env=outside)
    assert done.returncode == 0, done.stderr
    rows = list(brokenvideos.load(data_dir=release, split="train", streaming=True))
    wanted = [
        [f"{r['video_id']}:{r['digest']}:{n(r)}" for r in rows]
        for n in (lambda r: len(r["video"]["bytes"]), lambda r: 0)
    ]
    assert done.stdout.splitlines() == [" ".join(line) for line in wanted]
