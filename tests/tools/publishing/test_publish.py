"""`brokenvideos publish` against the Hub of the tests, when all goes well and when it has to refuse."""

import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants
from typer.testing import CliRunner

from brokenvideos.tools.commands.main import app
from brokenvideos.tools.publishing.publish import publish
from brokenvideos.tools.publishing.trouble import PublishError
from tests.hub.state import State, User

REPO = "someone/brokenvideos"

pytestmark = [
    pytest.mark.usefixtures("online"),
    # huggingface_hub's own way to send a file without Xet
    pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning"),
]


def release_of(hub: State, revision: str) -> dict[str, bytes]:
    """A revision without what the Hub itself keeps in it."""
    return {path: content for path, content in hub.files(REPO, revision).items() if path != ".gitattributes"}


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(*arguments, **more) -> str:
    with pytest.raises(PublishError) as caught:
        publish(*arguments, **more)
    return str(caught.value)


# --- What it does ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("xet", [True, False])
def test_a_release_becomes_one_commit_and_a_tag(hub: State, old: Path, monkeypatch, xet: bool) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", not xet)
    seen = []
    hub.fault("create-tag", do=lambda: seen.append(set(hub.repository(REPO).refs)))
    done = publish(old, repo_id=REPO)
    assert seen == [{"refs/heads/main"}]  # nothing under the tag before all of it
    repository = hub.repository(REPO)
    assert (done.status, done.commit) == ("published", repository.refs["refs/tags/v1.0.0"])
    assert release_of(hub, "v1.0.0") == files_of(old)
    assert [commit.title for commit in repository.history(repository.commit_of("v1.0.0"))] == [
        "Release v1.0.0",
        "initial commit",
    ]
    large = [
        file.lfs for path, file in repository.commit_of("main").files.items() if path.endswith((".parquet", ".tar"))
    ]
    assert large == [True] * 9


def test_the_next_release_sends_what_changed_and_deletes_what_is_gone(published: State, old: Path, new: Path) -> None:
    published.push(REPO, {"notes.txt": b"of another person"})
    done = publish(new, repo_id=REPO)
    assert release_of(published, "v1.1.0") == files_of(new)
    assert release_of(published, "v1.0.0") == files_of(old)
    assert "notes.txt" in done.plan.deletes
    assert "data/train-00000-of-00002.parquet" in done.plan.deletes
    assert "data/test-00000-of-00001.parquet" in done.plan.keeps
    asked = [json.dumps(exchange.path) for exchange in published.exchanges if exchange.endpoint == "preupload"]
    assert len(asked) == 1
    kept = [path for path, content in files_of(new).items() if files_of(old).get(path) == content]
    assert sorted(done.plan.keeps) == sorted(kept)


def test_published_again_it_says_so_and_does_nothing(published: State, old: Path, new: Path) -> None:
    published.push_folder(REPO, new, tag="v1.1.0")
    refs = dict(published.repository(REPO).refs)
    done = publish(old, repo_id=REPO)
    assert (done.status, done.commit) == ("already published", refs["refs/tags/v1.0.0"])
    assert published.repository(REPO).refs == refs
    assert {exchange.method for exchange in published.exchanges} == {"GET"}


def test_a_dry_run_changes_nothing_and_counts_the_bytes(published: State, new: Path, monkeypatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    planned = publish(new, repo_id=REPO, dry_run=True)
    assert planned.status == "planned"
    assert {exchange.method for exchange in published.exchanges} == {"GET"}
    assert planned.plan.num_bytes == sum((new / path).stat().st_size for path in planned.plan.adds)
    monkeypatch.setenv("HF_TOKEN", "hf_owner")
    assert publish(new, repo_id=REPO).plan == planned.plan
    assert published.received_bytes("xorb") < planned.plan.num_bytes


def test_private_and_gated_are_set_before_anything_is_sent(hub: State, old: Path) -> None:
    seen = []
    hub.fault("preupload", do=lambda: seen.append((hub.repository(REPO).private, hub.repository(REPO).gated)))
    publish(old, repo_id=REPO, private=True, gated=True)
    assert seen == [(True, "auto")]


def test_an_existing_repository_is_made_private_and_stays_so(published: State, new: Path) -> None:
    assert publish(new, repo_id=REPO, private=True, dry_run=True).plan.private
    assert not published.repository(REPO).private
    publish(new, repo_id=REPO, private=True)
    assert published.repository(REPO).private
    publish(new, repo_id=REPO)
    assert published.repository(REPO).private


def test_another_branch_is_published_on_and_main_stays(published: State, old: Path, new: Path) -> None:
    HfApi().create_branch(REPO, branch="next", repo_type="dataset")
    publish(new, repo_id=REPO, revision="next")
    assert release_of(published, "next") == release_of(published, "v1.1.0") == files_of(new)
    assert release_of(published, "main") == files_of(old)


def test_a_pull_request_is_proposed_once_and_tagged_after_the_merge(published: State, old: Path, new: Path) -> None:
    published.users["hf_reader"] = User("reader")
    first = publish(new, repo_id=REPO, create_pr=True)
    assert first.pull_request == f"{published.url}/datasets/{REPO}/discussions/1"
    assert release_of(published, "refs/pr/1") == files_of(new)
    assert release_of(published, "main") == files_of(old)
    assert publish(new, repo_id=REPO, create_pr=True).pull_request == first.pull_request
    HfApi().merge_pull_request(REPO, 1, repo_type="dataset")
    assert publish(new, repo_id=REPO, create_pr=True).status == "not tagged"
    assert "refs/tags/v1.1.0" not in published.repository(REPO).refs
    commits = len(published.repository(REPO).commits)
    assert publish(new, repo_id=REPO).status == "published"
    assert release_of(published, "v1.1.0") == files_of(new)
    assert len(published.repository(REPO).commits) == commits


def test_who_may_only_read_can_propose(published: State, new: Path, monkeypatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    assert publish(new, repo_id=REPO, create_pr=True).status == "proposed"
    assert release_of(published, "refs/pr/1") == files_of(new)


def test_the_command_says_what_it_did(hub: State, old: Path, new: Path) -> None:
    def run(release: Path, *options: str) -> list[str]:
        done = CliRunner().invoke(app, ["publish", str(release), "--repo", REPO, *options], catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout.splitlines()

    planned = run(old, "--dry-run", "--gated")
    megabytes = sum(map(len, files_of(old).values())) / 1e6
    assert planned[:2] == [f"make {REPO}", "make it gated"]
    assert planned[-2:] == [
        f"{REPO} main -> v1.0.0: 12 to add, 0 kept, 0 to delete; {megabytes:.1f} MB to send at most.",
        "Nothing was changed: a dry run.",
    ]
    assert (REPO, "dataset") not in hub.repositories
    published = run(old)
    commit = hub.repository(REPO).refs["refs/tags/v1.0.0"]
    assert published == [
        f"{REPO}: published v1.0.0 (commit {commit[:12]}): 12 files added ({megabytes:.1f} MB), 0 kept, 0 deleted. "
        f"Next: brokenvideos verify {REPO}@v1.0.0"
    ]
    assert run(old) == [f"{REPO}: already published; v1.0.0 (commit {commit[:12]}) holds exactly this release."]
    report = json.loads("\n".join(run(new, "--create-pr", "--json")))
    assert (report["status"], report["plan"]["tag"], report["plan"]["head"]) == ("proposed", "v1.1.0", commit)


# --- What it refuses ------------------------------------------------------------------------------------------------


def test_a_release_with_findings_is_not_published(hub: State, old: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    shutil.copytree(old, release)
    (release / "README.md").write_bytes(b"changed")
    message = refused(release, repo_id=REPO)
    assert message.startswith(f"{release}: not published, it has 1 findings; the first: README.md: SHA-256 is ")
    assert message.endswith(f"All of them: brokenvideos verify {release}")
    assert not hub.repositories


def test_a_version_that_is_there_with_other_content_stays(published: State, old: Path) -> None:
    published.push(REPO, {"README.md": b"another card"})
    published.repository(REPO).refs["refs/tags/v1.0.0"] = published.repository(REPO).refs["refs/heads/main"]
    refs = dict(published.repository(REPO).refs)
    assert refused(old, repo_id=REPO) == (
        f"{REPO}: v1.0.0 is there already and holds something else (1 files differ, the first is README.md). "
        "A published version stays as it is: build the release again with a later --data-version."
    )
    assert published.repository(REPO).refs == refs


def test_a_branch_that_is_not_there(published: State, new: Path) -> None:
    assert refused(new, repo_id=REPO, revision="next") == (
        f"{REPO}: it has no branch 'next', only main. Name one of them with --revision, or make it on the Hub first."
    )


def test_a_folder_that_is_no_release(tmp_path: Path, old: Path) -> None:
    (tmp_path / "manifest.json").write_bytes((old / "manifest.json").read_bytes())
    assert refused(tmp_path, repo_id=REPO) == (
        f"{tmp_path / 'SHA256SUMS'}: [Errno 2] No such file or directory: '{tmp_path / 'SHA256SUMS'}'. "
        "Publish a folder that `brokenvideos build` made and `brokenvideos verify` finds right."
    )


def test_a_name_that_is_none(old: Path) -> None:
    assert refused(old, repo_id="brokenvideos") == (
        "repository 'brokenvideos': wanted OWNER/NAME, as in Luuu213u/broken_video_dataset."
    )


def test_nobody_publishes_nothing(hub: State, old: Path, monkeypatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert refused(old, repo_id=REPO) == (
        f"{REPO}: no Hugging Face token was found. Log in with `hf auth login`, or set HF_TOKEN."
    )
    assert hub.count() == 0


def test_there_is_nothing_to_propose_a_change_to(hub: State, old: Path) -> None:
    assert refused(old, repo_id=REPO, create_pr=True) == (
        f"{REPO}: no such repository, so nothing to propose a change to. Leave out --create-pr."
    )
