"""`brokenvideos publish` against the Hub of the tests, when all goes well and when it has to
refuse.
"""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from huggingface_hub import HfApi, constants
from typer.testing import CliRunner

from brokenvideos.builder import read_sums, sums_bytes, withdraw
from brokenvideos.builder.manifest import manifest_bytes
from brokenvideos.card import card_files
from brokenvideos.release import read_manifest
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
    return {
        path: content
        for path, content in hub.files(REPO, revision).items()
        if path != ".gitattributes"
    }


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def refused(*arguments, **more) -> str:
    with pytest.raises(PublishError) as caught:
        publish(*arguments, **more)
    return str(caught.value)


# --- What it does ---------------------------------------------------------------------------------


@pytest.mark.parametrize("xet", [True, False])
def test_a_release_becomes_one_commit_and_a_tag(
    hub: State, old: Path, monkeypatch, xet: bool
) -> None:
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
        file.lfs
        for path, file in repository.commit_of("main").files.items()
        if path.endswith((".parquet", ".tar"))
    ]
    assert large == [True] * 9


def test_the_next_release_sends_what_changed_and_deletes_what_is_gone(
    published: State, old: Path, new: Path
) -> None:
    published.push(
        REPO,
        {
            "notes.txt": b"of another person",
            "data/train-00000-of-00009.parquet": b"of another release",
        },
    )
    done = publish(new, repo_id=REPO)
    assert release_of(published, "v1.1.0") == files_of(new) | {"notes.txt": b"of another person"}
    assert release_of(published, "v1.0.0") == files_of(old)
    assert done.plan.leaves == ("notes.txt",)
    assert "notes.txt" not in done.plan.deletes
    assert "data/train-00000-of-00009.parquet" in done.plan.deletes
    assert "data/train-00000-of-00002.parquet" in done.plan.deletes
    assert "data/test-00000-of-00001.parquet" in done.plan.keeps
    asked = [
        json.dumps(exchange.path)
        for exchange in published.exchanges
        if exchange.endpoint == "preupload"
    ]
    assert len(asked) == 1
    kept = [path for path, content in files_of(new).items() if files_of(old).get(path) == content]
    assert sorted(done.plan.keeps) == sorted(kept)


def test_published_again_it_says_so_and_does_nothing(
    published: State, old: Path, new: Path
) -> None:
    published.push_folder(REPO, new, tag="v1.1.0")
    refs = dict(published.repository(REPO).refs)
    done = publish(old, repo_id=REPO)
    assert (done.status, done.commit) == ("already published", refs["refs/tags/v1.0.0"])
    assert published.repository(REPO).refs == refs
    assert {exchange.method for exchange in published.exchanges} == {"GET"}


def test_a_dry_run_changes_nothing_and_counts_the_bytes(
    published: State, new: Path, monkeypatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    planned = publish(new, repo_id=REPO, dry_run=True)
    assert planned.status == "planned"
    assert {exchange.method for exchange in published.exchanges} <= {"GET", "HEAD"}
    assert planned.plan.num_bytes == sum((new / path).stat().st_size for path in planned.plan.adds)
    monkeypatch.setenv("HF_TOKEN", "hf_owner")
    assert publish(new, repo_id=REPO).plan == planned.plan
    assert published.received_bytes("xorb") < planned.plan.num_bytes


NO_TOKEN = "no Hugging Face token was found. Log in with `hf auth login`, or set HF_TOKEN."
OTHER_TOKEN = (
    "Use a token that may write to this repository (`hf auth login`), or --create-pr, "
    "and run the same command again."
)


@pytest.mark.parametrize(
    ("token", "repo", "create_pr", "wanted"),
    [
        ("hf_owner", REPO, False, None),
        ("hf_owner", "someone/another", False, None),
        ("hf_reader", REPO, True, None),
        (None, REPO, False, NO_TOKEN),
        (
            "hf_reader",
            REPO,
            False,
            "the Hub answered 403 (Forbidden: pass `create_pr=1` as a query parameter to create a "
            "Pull Request). " + OTHER_TOKEN,
        ),
        (
            "hf_readonly",
            REPO,
            False,
            "the Hub answered 403 (Forbidden: you must use a write token to upload to a "
            "repository). " + OTHER_TOKEN,
        ),
        ("hf_readonly", REPO, True, "the token of someone may only read. " + OTHER_TOKEN),
        (
            "hf_readonly",
            "someone/another",
            False,
            "the token of someone may only read. " + OTHER_TOKEN,
        ),
        (
            "hf_owner",
            "else/new",
            False,
            "someone is not else and belongs to no organization of that name. " + OTHER_TOKEN,
        ),
    ],
)
def test_a_dry_run_says_what_the_token_lacks(
    published: State,
    new: Path,
    monkeypatch,
    token: str | None,
    repo: str,
    create_pr: bool,
    wanted: str | None,
) -> None:
    monkeypatch.setenv("HF_TOKEN", token) if token else monkeypatch.delenv("HF_TOKEN")
    planned = publish(new, repo_id=repo, create_pr=create_pr, dry_run=True)
    assert planned.lacks == wanted
    assert (f"The Hub would refuse it: {wanted}" in list(planned.lines())) == (wanted is not None)


def test_private_and_gated_are_set_before_anything_is_sent(hub: State, old: Path) -> None:
    seen = []
    hub.fault(
        "preupload",
        do=lambda: seen.append((hub.repository(REPO).private, hub.repository(REPO).gated)),
    )
    publish(old, repo_id=REPO, private=True, gated=True)
    assert seen == [(True, "auto")]


def test_an_existing_repository_is_made_private_and_stays_so(published: State, new: Path) -> None:
    assert publish(new, repo_id=REPO, private=True, dry_run=True).plan.private
    assert not published.repository(REPO).private
    publish(new, repo_id=REPO, private=True)
    assert published.repository(REPO).private
    publish(new, repo_id=REPO)
    assert published.repository(REPO).private


def test_another_branch_is_published_on_and_main_stays(
    published: State, old: Path, new: Path
) -> None:
    HfApi().create_branch(REPO, branch="next", repo_type="dataset")
    publish(new, repo_id=REPO, revision="next")
    assert release_of(published, "next") == release_of(published, "v1.1.0") == files_of(new)
    assert release_of(published, "main") == files_of(old)


def test_a_pull_request_is_proposed_once_and_tagged_after_the_merge(
    published: State, old: Path, new: Path
) -> None:
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
        done = CliRunner().invoke(
            app, ["publish", str(release), "--repo", REPO, *options], catch_exceptions=False
        )
        assert done.exit_code == 0
        return done.stdout.splitlines()

    planned = run(old, "--dry-run", "--gated")
    megabytes = sum(map(len, files_of(old).values())) / 1e6
    assert planned[:2] == [f"make {REPO}", "make it gated"]
    assert planned[-2:] == [
        f"{REPO} main -> v1.0.0: 12 to add, 0 kept, 0 to delete; {megabytes:.1f} MB to send at "
        "most.",
        "Nothing was changed: a dry run.",
    ]
    assert (REPO, "dataset") not in hub.repositories
    published = run(old)
    commit = hub.repository(REPO).refs["refs/tags/v1.0.0"]
    assert published == [
        f"{REPO}: published v1.0.0 (commit {commit[:12]}): 12 files added ({megabytes:.1f} MB), 0 "
        f"kept, 0 deleted. Next: brokenvideos verify {REPO}@v1.0.0"
    ]
    assert run(old) == [
        f"{REPO}: already published; v1.0.0 (commit {commit[:12]}) holds exactly this release."
    ]
    report = json.loads("\n".join(run(new, "--create-pr", "--json")))
    assert (report["status"], report["plan"]["tag"], report["plan"]["head"]) == (
        "proposed",
        "v1.1.0",
        commit,
    )


def test_files_of_no_release_are_named_and_deleted_when_told(published: State, new: Path) -> None:
    published.push(REPO, {"notes.txt": b"of another person", "papers/one.pdf": b"%PDF"})
    named = ["leave  notes.txt", "leave  papers/one.pdf"]
    advice = "These files belong to no release and stay; --delete-others deletes them."
    planned = list(publish(new, repo_id=REPO, dry_run=True).lines())
    assert planned[-5:-2] == [*named, advice]
    planned = list(publish(new, repo_id=REPO, dry_run=True, delete_others=True).lines())
    assert {"delete notes.txt", "delete papers/one.pdf"} <= set(planned)
    done = publish(new, repo_id=REPO, delete_others=True)
    assert done.plan.leaves == ()
    assert release_of(published, "main") == files_of(new)


# --- What it refuses ------------------------------------------------------------------------------


def test_a_release_with_findings_is_not_published(hub: State, old: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    shutil.copytree(old, release)
    (release / "README.md").write_bytes(b"changed")
    message = refused(release, repo_id=REPO)
    assert message.startswith(
        f"{release}: not published, it has 1 findings; the first: README.md: SHA-256 is "
    )
    assert message.endswith(f"All of them: brokenvideos verify {release}")
    assert not hub.repositories


def test_a_version_that_is_there_with_other_content_stays(published: State, old: Path) -> None:
    published.push(REPO, {"README.md": b"another card"})
    published.repository(REPO).refs["refs/tags/v1.0.0"] = published.repository(REPO).refs[
        "refs/heads/main"
    ]
    refs = dict(published.repository(REPO).refs)
    assert refused(old, repo_id=REPO) == (
        f"{REPO}: v1.0.0 exists already with other files (1 files differ, the first is README.md). "
        "A published version stays as it is: build the release again with a later --data-version."
    )
    assert published.repository(REPO).refs == refs


def test_a_branch_that_is_not_there(published: State, new: Path) -> None:
    assert refused(new, repo_id=REPO, revision="next") == (
        f"{REPO}: it has no branch 'next', only main. Give one of them with --revision, or make it "
        "on the Hub first."
    )


def test_a_folder_that_is_no_release(tmp_path: Path, old: Path) -> None:
    (tmp_path / "manifest.json").write_bytes((old / "manifest.json").read_bytes())
    assert refused(tmp_path, repo_id=REPO) == (
        f"{tmp_path / 'SHA256SUMS'}: no such file or directory. "
        "Publish a folder that `brokenvideos build` made and `brokenvideos verify` accepts."
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
        f"{REPO}: no such repository, so a change to it cannot be proposed. Leave out --create-pr."
    )


# --- What would undo what was published -----------------------------------------------------------


@pytest.fixture(scope="module")
def fewer(old: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2.0.0: 1.0.0 without its first video."""
    out = tmp_path_factory.mktemp("fewer") / "2.0.0"
    withdraw(old, out, [first_of(old)], reason="asked for", more_files=card_files)
    return out


def first_of(release: Path) -> str:
    return min(read_manifest(str(release))["videos"])


def only(hub: State, release: Path) -> dict[str, str]:
    """A Hub whose main holds one release and has no tags, as after a take-down; its refs."""
    hub.create(REPO)
    hub.push_folder(REPO, release)
    return dict(hub.repository(REPO).refs)


HOW = pytest.mark.parametrize(
    "how", [{}, {"dry_run": True}, {"create_pr": True}], ids=["publish", "dry-run", "create-pr"]
)


@HOW
def test_an_older_version_is_refused(hub: State, old: Path, new: Path, how: dict) -> None:
    refs = only(hub, new)
    assert refused(old, repo_id=REPO, **how) == (
        f"{REPO}@main holds 1.1.0, and 1.0.0 is older. If you want this, give --roll-back."
    )
    assert hub.repository(REPO).refs == refs
    assert {exchange.method for exchange in hub.exchanges} <= {"GET", "HEAD"}
    assert publish(old, repo_id=REPO, roll_back=True, **how).status in (
        "published",
        "planned",
        "proposed",
    )


@HOW
def test_a_withdrawn_video_does_not_come_back(
    hub: State, old: Path, fewer: Path, tmp_path: Path, how: dict
) -> None:
    refs, gone, again = only(hub, fewer), first_of(old), tmp_path / "again"
    shutil.copytree(old, again)
    # Even as a later version that knows of no errata, and beside --roll-back.
    for release, ending in ((old, "older"), (again, None)):
        manifest = read_manifest(str(release))
        if ending is None:
            manifest["data_version"] = "2.1.0"
            rewrite(release, manifest)
        message = (
            f"{REPO}@main: video {gone}: withdrawn in 2.0.0 (asked for). Withdraw it from this "
            f"release too, or, if it is to be public again, give --bring-back {gone}."
        )
        assert message in refused(release, repo_id=REPO, **how).splitlines()
        assert refused(release, repo_id=REPO, roll_back=True, **how) == message
    assert hub.repository(REPO).refs == refs
    done = publish(old, repo_id=REPO, roll_back=True, bring_back=[gone], **how)
    assert done.status in ("published", "planned", "proposed")


def test_a_withdrawn_video_does_not_come_back_under_another_id(
    hub: State, old: Path, fewer: Path, tmp_path: Path
) -> None:
    only(hub, fewer)
    gone, renamed = first_of(old), tmp_path / "renamed"
    shutil.copytree(old, renamed)
    text = (renamed / "manifest.json").read_text().replace(f'"{gone}"', '"renamed"')
    rewrite(renamed, json.loads(text) | {"data_version": "2.1.0"})
    assert refused(renamed, repo_id=REPO, roll_back=True) == (
        f"{REPO}@main: video renamed: has the bytes of {gone}, withdrawn in 2.0.0 (asked for). "
        "Withdraw it from this release too, or, if it is to be public again, give --bring-back "
        "renamed."
    )


def test_another_branch_is_held_against_what_main_has_withdrawn(
    hub: State, old: Path, fewer: Path
) -> None:
    only(hub, old)
    HfApi().create_branch(REPO, branch="next", repo_type="dataset")
    hub.push_folder(REPO, fewer)
    assert publish(
        old, repo_id=REPO, revision="next", dry_run=True, bring_back=[first_of(old)], roll_back=True
    )
    message = refused(old, repo_id=REPO, revision="next")
    assert message.splitlines()[0].startswith(
        f"{REPO}@main: video {first_of(old)}: withdrawn in 2.0.0"
    )


def test_a_version_from_beside_is_refused(
    hub: State, old: Path, new: Path, fewer: Path, tmp_path: Path
) -> None:
    only(hub, new)
    assert refused(fewer, repo_id=REPO) == (
        f"{REPO}@main holds 1.1.0, and 2.0.0 was made from 1.0.0: what changed in between would be "
        "undone. Build it again with 1.1.0 as its --parent. If you want this, give --roll-back."
    )
    same = tmp_path / "same"
    shutil.copytree(old, same)
    rewrite(same, read_manifest(str(same)) | {"data_version": "1.1.0"})
    assert refused(same, repo_id=REPO) == (
        f"{REPO}@main holds another 1.1.0 than this. Build the release again with a later "
        "--data-version. If you want this, give --roll-back."
    )
    assert publish(fewer, repo_id=REPO, roll_back=True).status == "published"


def test_errata_are_not_dropped(hub: State, old: Path, fewer: Path, tmp_path: Path) -> None:
    only(hub, fewer)
    later = tmp_path / "later"
    shutil.copytree(fewer, later)
    manifest = read_manifest(str(later)) | {"data_version": "2.1.0", "parent_version": "2.0.0"}
    del manifest["errata"]
    rewrite(later, manifest)
    assert refused(later, repo_id=REPO) == (
        f"{REPO}@main: its errata say that {first_of(old)} was withdrawn, and this release's do "
        "not. Build it again with what is published as its --parent. If they are to be dropped, "
        "give --roll-back."
    )


def test_a_manifest_that_cannot_be_compared(hub: State, old: Path) -> None:
    only(hub, old)
    hub.push(REPO, {"manifest.json": b"{"})
    message = refused(old, repo_id=REPO)
    assert message.startswith(f"{REPO}@main/manifest.json: not JSON (")
    assert message.endswith("So it cannot be compared. Give --roll-back to replace it anyway.")
    assert publish(old, repo_id=REPO, roll_back=True).status == "published"


def test_the_command_has_these_flags(hub: State, old: Path, fewer: Path) -> None:
    only(hub, fewer)
    call = ["publish", str(old), "--repo", REPO, "--dry-run"]
    done = CliRunner().invoke(
        app, [*call, "--roll-back", "--bring-back", first_of(old), "--delete-others"]
    )
    assert done.exit_code == 0, done.output
    assert isinstance(CliRunner().invoke(app, [*call, "--roll-back"]).exception, PublishError)


def rewrite(release: Path, manifest: dict) -> None:
    """Another manifest in a copy of a release, whose SHA256SUMS fit."""
    content = manifest_bytes(manifest)
    (release / "manifest.json").write_bytes(content)
    sums = read_sums((release / "SHA256SUMS").read_text())
    sums["manifest.json"] = hashlib.sha256(content).hexdigest()
    (release / "SHA256SUMS").write_bytes(sums_bytes(sums))
