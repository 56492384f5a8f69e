"""A published release against its own SHA256SUMS and manifest, without and with a download; the Hub
is tests/hub.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import brokenvideos
from brokenvideos.builder.manifest import manifest_bytes, read_sums, sums_bytes
from brokenvideos.builder.work import file_sha256
from brokenvideos.sampling import SourceError
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.publishing.on_hub import HubReport, verify_on_hub
from tests.hub.repository import lfs_file
from tests.hub.state import State

REPO = "someone/brokenvideos"
FIRST = brokenvideos.release.shard_paths("train", 0, 2)


@pytest.fixture
def published(hub: State, online: list[float], release: Path) -> State:
    """A Hub that holds a release at v1.0.0."""
    hub.create(REPO)
    hub.push_folder(REPO, release, tag="v1.0.0")
    return hub


@pytest.fixture
def push(hub: State, online: list[float], release: Path, tmp_path: Path) -> Callable[..., State]:
    """Publishes the release after a change to a copy; `seal`: with a SHA256SUMS that fits."""

    def push(change: Callable[[Path], object], *, seal: bool = False) -> State:
        copy = tmp_path / "copy"
        shutil.copytree(release, copy)
        change(copy)
        if seal:
            sums = read_sums((copy / "SHA256SUMS").read_text())
            (copy / "SHA256SUMS").write_bytes(
                sums_bytes({path: file_sha256(copy / path) for path in sums})
            )
        hub.create(REPO)
        hub.push_folder(REPO, copy, tag="v1.0.0")
        return hub

    return push


def check(**options: object) -> HubReport:
    return verify_on_hub(REPO, **{"revision": "v1.0.0", **options})


def findings(**options: object) -> list[str]:
    return [str(finding) for finding in check(**options).findings]


def flip(path: Path, position: int = 1000) -> None:
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)


# --- The tree -------------------------------------------------------------------------------------


def test_a_good_release_is_compared_in_a_few_calls_and_without_shards(
    published: State, release: Path
) -> None:
    report = check()
    commit = published.repository(REPO).commit_of("v1.0.0").oid
    size = sum(path.stat().st_size for path in release.rglob("*") if path.is_file())
    attributes = len(published.files(REPO)[".gitattributes"])
    assert list(report.lines()) == [
        "Checksums of large files are what the Hub says that it stores; --sample N downloads N "
        "shards and checks them.",
        f"{REPO}@v1.0.0 (commit {commit[:12]}): 16 files of {(size + attributes) / 1e6:.1f} MB "
        "compared with SHA256SUMS and manifest.json; no difference.",
    ]
    assert (report.ok, report.data_version, report.read) == (
        True,
        "1.0.0",
        ("README.md", "SHA256SUMS", "manifest.json"),
    )
    # HEAD and GET of three small files
    assert [published.count(name) for name in ("info", "tree", "resolve", "storage")] == [
        1,
        1,
        6,
        0,
    ]
    assert json.loads(json.dumps(report.to_dict()))["findings"] == []


def test_a_tree_of_many_pages(published: State) -> None:
    published.page_size = 5
    assert check().ok


def test_missing_extra_and_different_files_are_all_named(published: State, release: Path) -> None:
    tar = FIRST["webdataset"]
    other = (release / FIRST["default"]).read_bytes() + b"more"
    published.push(
        REPO,
        {
            FIRST["annotations"]: None,
            "notes.txt": b"mine",
            "README.md": b"---\n---\n",
            FIRST["default"]: other,
            tar: b"x",
        },
    )
    sums = read_sums((release / "SHA256SUMS").read_text())
    again = "Publish the release again."

    def differs(path: str, content: bytes) -> str:
        return (
            f"{path}: SHA-256 is {hashlib.sha256(content).hexdigest()} on the Hub, SHA256SUMS "
            f"says {sums[path]}. {again}"
        )

    def size_differs(path: str, content: bytes) -> str:
        size = (release / path).stat().st_size
        return f"{path}: {len(content)} bytes on the Hub, manifest.json says {size}. {again}"

    assert findings(revision="main") == [
        differs("README.md", b"---\n---\n"),
        f"{FIRST['annotations']}: missing on the Hub; SHA256SUMS lists it. {again}",
        differs(FIRST["default"], other),
        differs(tar, b"x"),
        size_differs(FIRST["default"], other),
        size_differs(tar, b"x"),
    ]
    assert findings() == []  # the tag holds what it held


def test_a_manifest_that_contradicts_the_checksums(push) -> None:
    def change(copy: Path) -> None:
        manifest = brokenvideos.read_manifest(str(copy))
        file = manifest["shards"][0]["files"][0]
        file["sha256"] = "0" * 64
        (copy / "manifest.json").write_bytes(manifest_bytes(manifest))

    push(change, seal=True)
    [finding] = findings()
    assert finding.startswith(
        f"manifest.json: {FIRST['default']} has SHA-256 {'0' * 64}, SHA256SUMS says "
    )


def test_a_tag_that_names_another_version(published: State) -> None:
    repository = published.repository(REPO)
    repository.refs["refs/tags/v1.1.0"] = repository.refs["refs/tags/v1.0.0"]
    assert findings(revision="v1.1.0") == [
        "manifest.json: its data version is v1.0.0, the tag is v1.1.0. Publish the release under "
        "its own tag."
    ]


def test_a_repository_without_checksums_or_manifest(hub: State, online: list[float]) -> None:
    hub.create(REPO)
    assert findings(revision="main") == [
        "SHA256SUMS: missing. Was this revision made by `brokenvideos publish`?",
        "manifest.json: not found. A release has one; was this folder made by `brokenvideos "
        "build`?",
    ]


def test_checksums_that_cannot_be_read(published: State) -> None:
    published.push(REPO, {"SHA256SUMS": b"nonsense\n"})
    assert findings(revision="main")[0] == (
        "SHA256SUMS: cannot be read (line 1 is 'nonsense', wanted 64 hex digits, two spaces and a "
        "path). Was this revision made by `brokenvideos publish`?"
    )


def test_a_small_file_that_arrives_other_than_the_tree_says(published: State) -> None:
    repository = published.repository(REPO)
    file = repository.commit_of("v1.0.0").files["README.md"]
    published.store.path(file.sha256).write_bytes(b"x" * file.size)
    found, *_ = findings()
    blob = hashlib.sha1(b"blob %d\0" % file.size + b"x" * file.size).hexdigest()
    assert found == f"README.md: the Hub delivered {blob}, its tree says {file.blob_id}. Try again."


# --- A sample -------------------------------------------------------------------------------------


def test_a_sample_is_chosen_by_its_seed_and_checked_row_by_row(
    published: State, release: Path
) -> None:
    report = check(sample=2, seed=3)
    assert report.sampled == check(sample=2, seed=3).sampled
    assert {check(sample=2, seed=seed).sampled for seed in range(4)} != {report.sampled}
    shards = {
        f"{s['split']} {s['index']}": s for s in brokenvideos.read_manifest(str(release))["shards"]
    }
    assert report.num_videos == sum(len(shards[name]["video_ids"]) for name in report.sampled)
    everything = check(sample=99)
    assert (everything.ok, everything.sampled, everything.num_videos) == (True, tuple(shards), 9)
    assert everything.num_masks > 0
    line = (
        f"downloaded and checked row by row (seed 0): {', '.join(shards)}; 9 videos, "
        f"{everything.num_masks} masks."
    )
    assert line in everything.lines()


def test_a_tree_that_lies_is_found_by_the_sample_alone(published: State) -> None:
    """The Hub's tree says one thing and its storage delivers another."""
    file = published.repository(REPO).commit_of("v1.0.0").files[FIRST["default"]]
    flip(published.store.path(file.sha256))
    assert check().ok
    found = findings(sample=99)
    assert found[0].startswith(f"{FIRST['default']}: the Hub delivered bytes of SHA-256 ")
    assert found[0].endswith(f", manifest.json says {file.sha256}. Publish the release again.")
    assert len(found) > 1  # the rows are not what they say either


def test_a_row_that_was_changed_under_fitting_checksums(push) -> None:
    """Everything agrees with everything in the tree; only the rows show that two shards have
    changed places.
    """

    def change(copy: Path) -> None:
        manifest = brokenvideos.read_manifest(str(copy))
        one, two = (
            FIRST["annotations"],
            brokenvideos.release.shard_paths("train", 1, 2)["annotations"],
        )
        content = {path: (copy / path).read_bytes() for path in (one, two)}
        (copy / one).write_bytes(content[two])
        (copy / two).write_bytes(content[one])
        for file in (file for shard in manifest["shards"] for file in shard["files"]):
            file["sha256"], file["bytes"] = (
                file_sha256(copy / file["path"]),
                (copy / file["path"]).stat().st_size,
            )
        (copy / "manifest.json").write_bytes(manifest_bytes(manifest))

    push(change, seal=True)
    assert findings() == []
    found = findings(sample=4)
    assert found
    assert all("annotations" in finding for finding in found)


# --- The command ----------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(
        app, ["verify", *map(str, arguments)], catch_exceptions=False
    )


def test_the_command_takes_a_repository_and_a_folder_wins(
    run, published: State, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = run(f"{REPO}@v1.0.0")
    assert (done.exit_code, done.stdout.splitlines()[-1].partition(" (")[0]) == (
        0,
        f"{REPO}@v1.0.0",
    )
    with pytest.raises(
        SourceError, match=f"For a repository on the Hub, give {REPO}@v1.0.0"
    ):  # it may be a folder that is not there
        run(REPO)
    monkeypatch.setenv("BROKENVIDEOS_REPO", REPO)
    assert run(REPO).stdout == done.stdout  # the data version of this code
    report = json.loads(run(REPO, "--sample", 1, "--json").stdout)
    assert (report["ok"], len(report["sampled"]), report["seed"]) == (True, 1, 0)
    (tmp_path / REPO).parent.mkdir()
    (tmp_path / REPO).symlink_to(release)
    assert run(REPO).stdout.startswith(f"{REPO}: 14 files, 9 videos, ")


def test_the_command_ends_with_1_when_something_differs(run, published: State) -> None:
    published.push(REPO, {"notes.txt": b"mine"})
    done = run(f"{REPO}@main")
    assert (done.exit_code, done.stdout.splitlines()[0]) == (
        0,
        "note: notes.txt: no file of a release.",
    )
    stray = "data/train-00007-of-00009.parquet"
    published.push(REPO, {stray: b"mine"})
    done = run(f"{REPO}@main")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[0] == (
        f"{stray}: not in SHA256SUMS. A release holds nothing else; remove it from the repository."
    )
    assert done.stdout.splitlines()[-1].endswith("; findings: 1.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (f"{REPO}@main", "--raw", "."),
            f"--raw: {REPO}@main is on the Hub; only a folder can be compared with raw files",
        ),
        (
            (".", "--sample", 1),
            "--sample: . is a folder, of which all shards are checked; leave it out",
        ),
    ],
)
def test_options_of_the_other_kind(arguments: tuple, message: str) -> None:
    done = CliRunner().invoke(app, ["verify", *map(str, arguments)], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


REFUSALS = [
    (
        "someone/other",
        "no such dataset repository, or a private one. Log in with `hf auth login`, or set "
        "HF_TOKEN or token=. ",
    ),
    (REPO, "the repository has no such revision. "),
]


@pytest.mark.parametrize(("repo_id", "message"), REFUSALS)
def test_what_the_hub_refuses_is_one_line(published: State, repo_id: str, message: str) -> None:
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        verify_on_hub(repo_id, revision="v9.0.0")
    assert (
        str(caught.value)
        == f"{repo_id}@v9.0.0: {message}Name a release folder, or OWNER/NAME@REVISION."
    )


def test_a_gated_repository_is_one_line(published: State) -> None:
    published.repository(REPO).gated = "auto"
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        check(token="hf_reader")
    assert str(caught.value) == (
        f"{REPO}@v1.0.0: a gated repository that you have no access to. Ask for access on the "
        "repository's page. Log in with `hf auth login`, or set HF_TOKEN or token=."
    )


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_hub_that_falters_is_asked_again(
    published: State, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr("brokenvideos.release.hub.RETRY_WAITS_S", (0, 0))
    for endpoint in ("tree", "resolve", "storage"):
        published.fault(endpoint, skip=1 if endpoint == "resolve" else 0, status=status)
    assert check(sample=1).ok


def test_a_large_file_needs_no_download(published: State, release: Path) -> None:
    """A manifest of more than 10 MB is a large file on the Hub; it is read all the same, since it
    is what is compared.
    """
    repository = published.repository(REPO)
    commit = repository.commit_of("main")
    content = (release / "manifest.json").read_bytes()
    files = {**commit.files, "manifest.json": lfs_file(published.store.put(content), len(content))}
    repository.add_commit(
        "refs/heads/main", files, title="t", author="someone", parents=(commit.oid,)
    )
    report = check(revision="main")
    assert (report.findings, "manifest.json" in report.read) == ((), True)
