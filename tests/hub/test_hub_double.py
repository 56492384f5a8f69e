"""The Hub of the tests through the real client: huggingface_hub and hf_xet do against it what they
do against the real one.
"""

import hashlib
import random
import re
import sys
from pathlib import Path

import httpx2
import huggingface_hub
import pytest
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    HfApi,
    constants,
    hf_hub_download,
    snapshot_download,
)
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.hub.repository import Repository, regular_file, tree_oids
from tests.hub.server import ROUTES
from tests.hub.state import State

REPO = "someone/things"
CARD = b"---\nlicense: other\n---\n# Things\n"

# huggingface_hub's own way to send a file without Xet
pytestmark = pytest.mark.filterwarnings(
    "ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning"
)


@pytest.fixture(params=["xet", "lfs"])
def api(
    hub: State, online, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> HfApi:
    """The client, once with Xet and once without, and a repository that it made."""
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", request.param == "lfs")
    api = HfApi()
    api.create_repo(REPO, repo_type="dataset")
    return api


@pytest.fixture
def filled(hub: State, online) -> HfApi:
    """A client, and a repository that holds a small and a large file."""
    hub.create(REPO)
    hub.push(REPO, {"a.txt": b"small\n", "data/b.parquet": data(50_000)})
    return HfApi()


def data(num_bytes: int, *, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(num_bytes)


def upload(api: HfApi, files: dict[str, bytes], **more) -> str:
    operations = [CommitOperationAdd(path, content) for path, content in files.items()]
    return api.create_commit(REPO, operations, commit_message="m", repo_type="dataset", **more).oid


# --- Files ----------------------------------------------------------------------------------------


def test_what_is_uploaded_comes_back(hub: State, api: HfApi, tmp_path: Path) -> None:
    files = {
        "data/a.parquet": data(300_000) + b"again " * 40_000,
        "b.tar": data(70_000, seed=1),
        "README.md": CARD,
    }
    oid = upload(api, files)
    got = snapshot_download(REPO, repo_type="dataset", revision=oid, cache_dir=tmp_path / "cache")
    assert {name: (Path(got) / name).read_bytes() for name in files} == files
    assert {
        name: content for name, content in hub.files(REPO).items() if name != ".gitattributes"
    } == files
    used = hub.requests()
    assert (used["xorb"] > 0, used["reconstruct"], used["lfs-put"]) in ((True, 2, 0), (False, 0, 2))
    unknown = {exchange.path for exchange in hub.exchanges if exchange.endpoint == "unknown"}
    assert unknown <= {"/api/agent-harnesses", "/v1/telemetry"}  # of no use to us


def test_a_large_file_goes_in_parts_where_the_hub_asks_for_it(
    hub: State, api: HfApi, monkeypatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    hub.multipart_bytes = 30_000
    upload(api, {"a.parquet": data(100_000)})
    assert (hub.count("lfs-part"), hub.count("lfs-complete"), hub.count("lfs-put")) == (4, 1, 0)
    assert hub.files(REPO)["a.parquet"] == data(100_000)


def test_what_is_there_is_not_sent_again(hub: State, api: HfApi) -> None:
    first = upload(api, {"a.parquet": data(500_000)})
    before = hub.received_bytes("xorb", "lfs-put")
    upload(api, {"b.parquet": data(500_000)})
    assert hub.received_bytes("xorb", "lfs-put") == before
    assert (
        upload(api, {"a.parquet": data(500_000)}) != first
    )  # the client notices that it has not changed: no third commit
    assert hub.count("commit") == 2


def test_another_computer_learns_which_chunks_are_there(
    hub: State, run_process, tmp_path: Path
) -> None:
    """Global deduplication: its own cache is empty, so it asks."""
    script = (
        "import sys; from huggingface_hub import HfApi; api = HfApi(); "
        "api.create_repo(sys.argv[1], "
        "repo_type='dataset');api.upload_file(path_or_fileobj=sys.argv[2], "
        "path_in_repo='a.parquet', repo_id=sys.argv[1], repo_type='dataset')"
    )
    old, new = data(2_000_000), data(2_000_000)[:1_000_000] + b"new" + data(2_000_000)[1_000_000:]
    for name, content in (("old", old), ("new", new)):
        (tmp_path / name).write_bytes(content)
        before = hub.received_bytes("xorb")
        command = [sys.executable, "-c", script, f"someone/{name}", str(tmp_path / name)]
        done = run_process(
            command, env=hub.environment(tmp_path / f"home-{name}", token="hf_owner")
        )
        assert done.returncode == 0, done.stderr
    assert 0 < hub.received_bytes("xorb") - before < 400_000
    assert hub.files("someone/new")["a.parquet"] == new


def test_a_file_of_a_commit_is_read_in_ranges_from_another_host(hub: State, filled: HfApi) -> None:
    from huggingface_hub import HfFileSystem

    with HfFileSystem(endpoint=hub.url).open(
        f"datasets/{REPO}/data/b.parquet", block_size=1000
    ) as file:
        file.seek(20_000)
        assert file.read(500) == data(50_000)[20_000:20_500]
    assert hub.sent_bytes("storage") < 5_000
    assert {exchange.status for exchange in hub.exchanges if exchange.endpoint == "storage"} == {
        206
    }


def test_the_tree_gives_sha256_and_git_ids(api: HfApi, hub: State) -> None:
    upload(api, {"data/deep/a.parquet": data(50_000), "b.txt": b"hello\n"})
    hub.page_size = 2  # pages are followed
    found = {
        entry.path: entry for entry in api.list_repo_tree(REPO, repo_type="dataset", recursive=True)
    }
    assert sorted(found) == [".gitattributes", "b.txt", "data", "data/deep", "data/deep/a.parquet"]
    assert hub.count("tree") == 3
    # from `git hash-object`
    assert found["b.txt"].blob_id == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert found["data/deep/a.parquet"].lfs.sha256 == hashlib.sha256(data(50_000)).hexdigest()
    assert found["data/deep/a.parquet"].size == 50_000
    assert [entry.path for entry in api.list_repo_tree(REPO, "data", repo_type="dataset")] == [
        "data/deep"
    ]
    infos = api.get_paths_info(REPO, ["data", "b.txt", "absent"], repo_type="dataset", expand=True)
    assert [(info.path, info.last_commit.title) for info in infos] == [
        ("data", "m"),
        ("b.txt", "m"),
    ]


def test_ids_are_gits() -> None:
    files = {"a/b.txt": b"hello\n", "a.txt": b"hello\n", "a-c": b"", "a0": b"x"}
    tree = {path: regular_file(content) for path, content in files.items()}
    # From `git write-tree` and `git commit-tree` over the same files.
    assert tree_oids(tree)["a"] == "dd5a3627ad3d4a1eaa9b180972bab37891a5e101"
    assert tree_oids(tree)[""] == "65b332028f01d518c97e05d1bf8a94d2953e2454"
    commit = Repository("dataset", REPO).add_commit(
        "refs/heads/main", tree, title="title", author="o", parents=()
    )
    assert commit.oid == "ce7ff67a1f04082ed745ce15c693ab72f60ab9f1"


# --- Commits, tags, branches ----------------------------------------------------------------------


def test_a_commit_is_made_of_its_parent_only(hub: State, filled: HfApi) -> None:
    head = filled.dataset_info(REPO).sha
    delete = [CommitOperationDelete("data/b.parquet")]
    made = filled.create_commit(
        REPO, delete, commit_message="m", repo_type="dataset", parent_commit=head
    )
    assert sorted(hub.files(REPO)) == [".gitattributes", "a.txt"]
    assert hub.repository(REPO).commits[made.oid].parents == (head,)
    with pytest.raises(HfHubHTTPError, match="A commit has happened since") as caught:
        upload(filled, {"c.txt": b""}, parent_commit=head)
    assert caught.value.response.status_code == 412
    with pytest.raises(RemoteEntryNotFoundError):
        filled.create_commit(REPO, delete, commit_message="m", repo_type="dataset")
    assert [commit.title for commit in filled.list_repo_commits(REPO, repo_type="dataset")] == [
        "m",
        "By another person",
        "initial commit",
    ]


def test_a_tag_is_made_once(hub: State, filled: HfApi) -> None:
    old = filled.dataset_info(REPO).sha
    filled.create_tag(REPO, tag="v1", revision=old, repo_type="dataset")
    upload(filled, {"c.txt": b"later"})
    with pytest.raises(HfHubHTTPError) as caught:
        filled.create_tag(REPO, tag="v1", repo_type="dataset")
    assert caught.value.response.status_code == 409
    filled.create_branch(REPO, branch="a/b", revision="v1", repo_type="dataset")
    upload(filled, {"d.txt": b"on a branch"}, revision="a/b")
    refs = filled.list_repo_refs(REPO, repo_type="dataset")
    assert [(ref.name, ref.target_commit) for ref in refs.tags] == [("v1", old)]
    assert [ref.name for ref in refs.branches] == ["a/b", "main"]
    assert "d.txt" in hub.files(REPO, "a/b")
    assert "d.txt" not in hub.files(REPO)
    filled.delete_tag(REPO, tag="v1", repo_type="dataset")
    filled.delete_branch(REPO, branch="a/b", repo_type="dataset")
    with pytest.raises(RevisionNotFoundError):
        filled.dataset_info(REPO, revision="v1")


def test_a_pull_request_changes_its_branch_when_it_is_merged(hub: State, filled: HfApi) -> None:
    made = filled.create_commit(
        REPO,
        [CommitOperationAdd("c.txt", b"c")],
        commit_message="m",
        repo_type="dataset",
        create_pr=True,
    )
    assert (made.pr_num, made.pr_revision) == (1, "refs/pr/1")
    assert "c.txt" not in hub.files(REPO)
    assert "c.txt" in hub.files(REPO, "refs/pr/1")
    assert (
        filled.get_discussion_details(REPO, 1, repo_type="dataset").target_branch
        == "refs/heads/main"
    )
    filled.merge_pull_request(REPO, 1, repo_type="dataset")
    assert "c.txt" in hub.files(REPO)


# --- Who may --------------------------------------------------------------------------------------


def test_a_private_repository_is_there_for_its_owner_alone(hub: State, filled: HfApi) -> None:
    filled.update_repo_settings(REPO, private=True, repo_type="dataset")
    for token in ("hf_reader", False):
        with pytest.raises(RepositoryNotFoundError):
            HfApi(token=token).dataset_info(REPO)
    assert filled.dataset_info(REPO).private
    with pytest.raises(HfHubHTTPError, match="Invalid credentials") as caught:
        HfApi(token="hf_unknown").dataset_info(REPO)
    assert caught.value.response.status_code == 401


def test_a_gated_repository_shows_its_list_and_gives_files_to_those_let_in(
    hub: State, filled: HfApi, tmp_path
) -> None:
    filled.update_repo_settings(REPO, gated="manual", repo_type="dataset")
    assert len(HfApi(token=False).dataset_info(REPO).siblings) == 3

    def download(token: str | bool, folder: str) -> str:
        return hf_hub_download(
            REPO, "a.txt", repo_type="dataset", token=token, cache_dir=tmp_path / folder
        )

    for token, status in (("hf_reader", 403), (False, 401)):
        with pytest.raises(GatedRepoError) as caught:
            download(token, "refused")
        assert caught.value.response.status_code == status
    hub.repository(REPO).granted.add("reader")
    assert Path(download("hf_reader", "granted")).read_bytes() == b"small\n"


@pytest.mark.parametrize("token", ["hf_reader", "hf_readonly"])
def test_who_may_not_write_is_refused(hub: State, filled: HfApi, token: str) -> None:
    before = dict(hub.repository(REPO).refs)
    api = HfApi(token=token)
    for call in (
        lambda: upload(api, {"c.txt": b"c"}),
        lambda: api.create_tag(REPO, tag="v1", repo_type="dataset"),
        lambda: api.create_repo("someone/more", repo_type="dataset"),
        lambda: api.update_repo_settings(REPO, private=True, repo_type="dataset"),
    ):
        with pytest.raises(HfHubHTTPError) as caught:
            call()
        assert caught.value.response.status_code == 403
    assert hub.repository(REPO).refs == before


def test_a_storage_address_is_not_guessed(hub: State, filled: HfApi) -> None:
    sha256 = hashlib.sha256(data(50_000)).hexdigest()
    with httpx2.Client() as client:
        assert (
            client.get(f"{hub.storage_url}/storage/object/{sha256}?signature=0").status_code == 403
        )


# --- Faults ---------------------------------------------------------------------------------------


def test_the_client_tries_again_after_the_time_it_is_told(
    hub: State, filled: HfApi, online: list[float]
) -> None:
    hub.fault("tree", status=429, headers={"Retry-After": "7"}, times=2)
    hub.fault("tree", status=503, skip=2)
    assert len(list(filled.list_repo_tree(REPO, repo_type="dataset"))) == 3
    assert online == [8.0, 8.0, 4.0]


def test_a_cut_before_does_nothing_and_a_cut_after_did_it(hub: State, filled: HfApi) -> None:
    for when, commits in (("before", 2), ("after", 3)):
        hub.fault("commit", cut=when)
        with pytest.raises(httpx2.RemoteProtocolError):
            upload(filled, {"c.txt": b"c"})
        assert len(hub.repository(REPO).commits) == commits


def test_a_download_goes_on_where_it_was_cut(
    hub: State, filled: HfApi, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda seconds: None)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)  # what arrived of a chunk is lost
    hub.fault("storage", cut_after_sent=30_000)
    got = hf_hub_download(REPO, "data/b.parquet", repo_type="dataset", cache_dir=tmp_path / "cache")
    assert Path(got).read_bytes() == data(50_000)
    assert [(e.status, e.sent_bytes) for e in hub.exchanges if e.endpoint == "storage"] == [
        (200, 30_000),
        (206, 20_000),
    ]


def test_an_upload_cut_in_the_middle_leaves_nothing(hub: State, api: HfApi) -> None:
    where = "lfs-put" if constants.HF_HUB_DISABLE_XET else "xorb"
    hub.fault(where, cut_after_received=100_000, times=None)
    with pytest.raises((RuntimeError, OSError)):
        upload(api, {"a.parquet": data(2_000_000)})
    assert sorted(hub.files(REPO)) == [".gitattributes"]
    hub.faults.clear()
    upload(api, {"a.parquet": data(2_000_000)})
    assert hub.files(REPO)["a.parquet"] == data(2_000_000)


def test_someone_may_come_between(hub: State, filled: HfApi) -> None:
    head = filled.dataset_info(REPO).sha
    hub.fault("commit", do=lambda: hub.push(REPO, {"theirs.txt": b"t"}))
    with pytest.raises(HfHubHTTPError) as caught:
        upload(filled, {"c.txt": b"c"}, parent_commit=head)
    assert caught.value.response.status_code == 412


def test_a_slow_answer_is_waited_for_no_longer_than_asked(hub: State, filled: HfApi) -> None:
    hub.fault("info", delay_s=3.0)
    with pytest.raises(httpx2.ReadTimeout):
        filled.dataset_info(REPO, timeout=1.0)


# --- Fidelity -------------------------------------------------------------------------------------


def test_the_readme_names_every_endpoint_and_where_the_client_asks_for_it() -> None:
    lines = (Path(__file__).parent / "README.md").read_text().splitlines()
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.count("|") == 4
    ]
    named = {row[0]: row[1] for row in rows}
    assert {name for name, *_ in ROUTES} <= named.keys()
    places = [place for name, place in named.items() if ".py:" in place]
    assert len(places) > 30
    if huggingface_hub.__version__ != "2.4.0":
        pytest.skip(
            f"the lines are those of huggingface_hub 2.4.0, this is {huggingface_hub.__version__}"
        )
    source = Path(huggingface_hub.__file__).parent
    for place in places:
        file, line, function = re.fullmatch(r"(.+\.py):(\d+) `(\w+)`", place).groups()
        # A decorated function begins a few lines before its name.
        around = (source / file).read_text().splitlines()[int(line) - 1 : int(line) + 3]
        assert any(f"def {function}(" in text for text in around), place
