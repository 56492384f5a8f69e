"""Whatever goes wrong on the way, it is one line, nothing half is under the tag, and the same
command goes on to the same end.
"""

import os
import shutil
import signal
import sys
from collections import Counter
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest

from brokenvideos.tools.publishing.publish import publish
from brokenvideos.tools.publishing.trouble import ADVICE, AGAIN, PublishError
from tests.hub.client import meeting
from tests.hub.server import serving
from tests.hub.state import State
from tests.hub.traffic import Fault

REPO = "someone/brokenvideos"
BROKENVIDEOS = str(Path(sys.executable).parent / "brokenvideos")

pytestmark = [
    pytest.mark.usefixtures("online"),
    pytest.mark.slow,  # cut-off publishes, one after the other
]


def check_the_end(hub: State, release: Path) -> None:
    """As after an undisturbed publish: one commit more, the tag at it, all files in it."""
    wanted = {
        path.relative_to(release).as_posix(): path.read_bytes()
        for path in release.rglob("*")
        if path.is_file()
    }
    repository = hub.repository(REPO)
    assert {
        path: content
        for path, content in hub.files(REPO, "v1.0.0").items()
        if path != ".gitattributes"
    } == wanted
    assert repository.refs == dict.fromkeys(
        ("refs/heads/main", "refs/tags/v1.0.0"), repository.refs["refs/heads/main"]
    )
    assert [commit.title for commit in repository.commits.values()] == [
        "initial commit",
        "Release v1.0.0",
    ]


def check_nothing_half(hub: State, release: Path) -> None:
    """Either no tag or all of the release under it."""
    repository = hub.repositories.get(("dataset", REPO))
    if repository is not None and "refs/tags/v1.0.0" in repository.refs:
        check_the_end(hub, release)


def trouble(release: Path) -> str:
    with pytest.raises(PublishError) as caught:
        publish(release, repo_id=REPO)
    return str(caught.value)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("when", ["before", "after"])
def test_cut_off_at_any_request_the_next_run_gets_to_the_same_end(
    old: Path, tmp_path: Path, monkeypatch, when: str
) -> None:
    """From some request on there is no connection, as after a power cut; "after": the Hub still
    does what it is asked.
    """

    def run(hub: State) -> str | None:
        try:
            publish(old, repo_id=REPO)
        except PublishError as error:
            return str(error)
        return None

    with serving(tmp_path / "undisturbed") as hub, meeting(hub, monkeypatch):
        assert run(hub) is None
        check_the_end(hub, old)
        asked = Counter(
            exchange.endpoint for exchange in hub.exchanges if exchange.endpoint != "unknown"
        )
    assert len(asked) > 10
    # hf_xet asks for many chunks and does without the answers: once is enough.
    places = [
        (name, n)
        for name, times in asked.items()
        for n in range(1 if name == "find-chunk" else times)
    ]
    for name, n in places:
        with serving(tmp_path / f"cut-{name}-{n}") as hub, meeting(hub, monkeypatch):
            everything = Fault("*", times=None, cut=when)
            cut = hub.fault(name, skip=n, cut=when, do=partial(hub.faults.append, everything))
            problem = run(hub)
            assert cut.num_hits
            check_nothing_half(hub, old)
            hub.faults.clear()
            if problem is not None:
                assert (
                    problem.startswith(f"{REPO}, "),
                    problem.endswith(AGAIN),
                    "\n" in problem,
                ) == (
                    True,
                    True,
                    False,
                )
                assert run(hub) is None
            check_the_end(hub, old)


STEPS = {
    "info": "looking it up",
    "create-repo": "making it",
    "refs": "looking it up",
    "tree": "looking it up",
    "preupload": "sending README.md and 11 more",
    "commit": "committing to main",
    "create-tag": "tagging commit ",
}


@pytest.mark.parametrize("endpoint", STEPS)
@pytest.mark.parametrize("status", [403, 503])
def test_a_refusal_is_one_line_that_says_where_and_what_to_do(
    hub: State, old: Path, endpoint: str, status: int
) -> None:
    hub.fault(endpoint, times=None, status=status, message="because.\nof this")
    said = trouble(old)
    assert said.startswith(f"{REPO}, {STEPS[endpoint]}")
    assert said.endswith(
        f": the Hub answered {status} (because. of this). {ADVICE.get(status, AGAIN)}"
    )
    check_nothing_half(hub, old)
    hub.faults.clear()
    publish(old, repo_id=REPO)
    check_the_end(hub, old)


LINES = {
    400: "The Hub refused the request. Read its answer, correct the cause and run the same command "
    "again.",
    401: "Log in with `hf auth login`, or set HF_TOKEN, and run the same command again.",
    403: "Use a token that may write to this repository (`hf auth login`), or --create-pr, and run "
    "the same command again.",
    404: "Is the name right, and may your token see it? Then run the same command again.",
    409: "Somebody else has made it in the meantime. Run the same command again: it checks again.",
    412: "Somebody else has changed the branch; none of your files is visible. Run the same "
    "command again: it makes a new plan.",
    413: "None of the files is visible. Build the release with fewer shards (--split-shards) and "
    "publish that.",
    429: "Wait as long as it says, or a few minutes. Then run the same command again: it continues "
    "from here.",
    500: "Run the same command again: it continues from here.",
    504: "Run the same command again: it continues from here.",
}


def test_what_to_do_follows_from_the_status(hub: State, old: Path) -> None:
    """At the commit, which huggingface_hub does not try again."""
    for status, advice in LINES.items():
        headers = {"Retry-After": "7"} if status == 429 else {}
        hub.fault("commit", status=status, message="No", headers=headers)
        wait = ", wait 7 s" if headers else ""
        assert (
            trouble(old)
            == f"{REPO}, committing to main: the Hub answered {status} (No{wait}). {advice}"
        )
        assert [commit.title for commit in hub.repository(REPO).commits.values()] == [
            "initial commit"
        ]
    sent = hub.received_bytes("xorb")
    publish(old, repo_id=REPO)
    check_the_end(hub, old)
    assert hub.received_bytes("xorb") == sent  # once, in the first run


@pytest.mark.parametrize("long", [{"Retry-After": "3600"}, {"ratelimit": '"api";r=0;t=3600'}])
def test_the_hub_may_ask_for_some_patience_and_not_for_much(
    hub: State, old: Path, online: list[float], long
) -> None:
    hub.fault("preupload", status=429, headers={"Retry-After": "20"})
    hub.fault("preupload", status=429, headers=long, skip=1)
    assert trouble(old) == (
        f"{REPO}, sending README.md and 11 more: the Hub has had too many requests and it asks to "
        "wait 3600 s. Wait that long and run the same command again."
    )
    assert online == [21.0]
    publish(old, repo_id=REPO)
    check_the_end(hub, old)


@pytest.mark.parametrize("endpoint", ["info", "tree"])
def test_a_silent_hub_is_not_waited_for_for_ever(
    hub: State, old: Path, monkeypatch, endpoint: str
) -> None:
    monkeypatch.setattr("brokenvideos.tools.publishing.trouble.LONGEST_SILENCE_S", 0.2)
    hub.create(REPO)
    hub.fault(endpoint, times=None, delay_s=1.0)
    assert (
        trouble(old)
        == f"{REPO}, looking it up: the connection failed (ReadTimeout: timed out). {AGAIN}"
    )


@pytest.mark.parametrize("when", ["create-repo", "preupload", "xet-token"])
def test_a_shard_that_vanishes_while_it_is_sent_is_named(
    hub: State, old: Path, tmp_path: Path, when: str
) -> None:
    shard = tmp_path / "release" / "data" / "train-00001-of-00002.parquet"
    shutil.copytree(old, tmp_path / "release")
    gone = hub.fault(when, do=partial(shard.unlink, missing_ok=True))
    said = trouble(tmp_path / "release")
    assert gone.num_hits
    assert said == (
        f"{shard}: missing since the release was verified. Nothing is visible. Build or download "
        "the release again, then publish it."
    )
    check_nothing_half(hub, old)


def test_who_changes_the_branch_meanwhile_is_not_overwritten(hub: State, old: Path) -> None:
    hub.create(REPO)
    hub.fault("commit", do=lambda: hub.push(REPO, {"theirs.txt": b"theirs"}))
    assert trouble(old) == (
        f"{REPO}, committing to main: the Hub answered 412 (A commit has happened since. Please "
        f"refresh and try again). {ADVICE[412]}"
    )
    assert sorted(hub.files(REPO)) == [".gitattributes", "theirs.txt"]
    assert publish(old, repo_id=REPO).plan.leaves == ("theirs.txt",)


def test_who_changes_the_branch_after_the_commit_does_not_get_the_tag(
    hub: State, old: Path
) -> None:
    hub.create(REPO)
    hub.fault("create-tag", do=lambda: hub.push(REPO, {"theirs.txt": b"theirs"}))
    publish(old, repo_id=REPO)
    assert "theirs.txt" in hub.files(REPO)
    assert "theirs.txt" not in hub.files(REPO, "v1.0.0")


@pytest.mark.parametrize(
    ("endpoint", "status"), [("xorb", 503), ("shard", 500), ("xet-token", 503)]
)
def test_the_store_refuses(hub: State, old: Path, endpoint: str, status: int) -> None:
    hub.fault(endpoint, times=None, status=status, message="No")
    said = trouble(old)
    assert said.startswith(f"{REPO}, sending README.md and 11 more: ")
    assert said.endswith(AGAIN)
    assert str(status) in said
    hub.faults.clear()
    publish(old, repo_id=REPO)
    check_the_end(hub, old)


def test_an_upload_is_cut_in_the_middle(hub: State, old: Path) -> None:
    hub.fault("xorb", times=None, cut_after_received=1000)
    assert trouble(old).endswith(AGAIN)
    hub.faults.clear()
    publish(old, repo_id=REPO)
    check_the_end(hub, old)


def test_batches_that_arrived_are_not_sent_again(hub: State, old: Path, monkeypatch) -> None:
    publishing = import_module("brokenvideos.tools.publishing.publish")
    monkeypatch.setattr(publishing, "BATCH_BYTES", 1)  # a file each
    large = [path for path in sorted(old.rglob("*")) if path.suffix in (".parquet", ".tar")]
    hub.fault("shard", times=None, skip=4, cut="before")
    assert trouble(old).startswith(f"{REPO}, sending {large[4].relative_to(old)}: ")
    first = hub.received_bytes("xorb")
    hub.faults.clear()
    publish(old, repo_id=REPO)
    check_the_end(hub, old)
    rest = sum(path.stat().st_size for path in large[4:])
    assert (
        0
        < hub.received_bytes("xorb") - first
        < 1.05 * rest
        < sum(path.stat().st_size for path in large)
    )


def test_a_token_that_may_not_write(hub: State, old: Path, monkeypatch) -> None:
    hub.create(REPO)
    for token, status, said in (
        (
            "hf_reader",
            403,
            "Forbidden: pass `create_pr=1` as a query parameter to create a Pull Request",
        ),
        ("hf_readonly", 403, "Forbidden: you must use a write token to upload to a repository"),
    ):
        monkeypatch.setenv("HF_TOKEN", token)
        assert trouble(old) == (
            f"{REPO}, sending README.md and 11 more: the Hub answered {status} ({said}). "
            f"{ADVICE[status]}"
        )
    monkeypatch.setenv("HF_TOKEN", "hf_unknown")
    assert trouble(old) == (
        f"{REPO}, looking it up: the Hub answered 401 (Invalid credentials in Authorization "
        f"header). {ADVICE[401]}"
    )


def test_a_private_repository_that_the_token_does_not_see(
    hub: State, old: Path, monkeypatch
) -> None:
    hub.create(REPO, private=True)
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    assert trouble(old) == (
        f"{REPO}, making it: the Hub answered 403 (You don't have the rights to create a dataset "
        "under the namespace "
        f'"someone"). {ADVICE[403]}'
    )


def test_a_gated_repository_is_published_on_by_its_owner_alone(
    published: State, new: Path, monkeypatch
) -> None:
    published.repository(REPO).gated = "manual"
    monkeypatch.setenv("HF_TOKEN", "hf_reader")
    assert "the Hub answered 403" in trouble(new)
    monkeypatch.setenv("HF_TOKEN", "hf_owner")
    publish(new, repo_id=REPO)
    assert published.repository(REPO).gated == "manual"


def test_no_hub_at_all(hub: State, old: Path, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    said = trouble(old)
    assert said.startswith(f"{REPO}, looking it up: the connection failed (ConnectError: ")
    assert said.endswith(f"). {AGAIN}")


def test_offline(hub: State, old: Path, monkeypatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert (
        trouble(old)
        == f"{REPO}, looking it up: HF_HUB_OFFLINE is set. Unset it and run the same command again."
    )


def test_killed_before_the_tag_the_command_goes_on(
    hub: State, old: Path, run_process, tmp_path: Path
) -> None:
    pid = tmp_path / "pid"
    command = ["sh", "-c", f"echo $$ > {pid}; exec {BROKENVIDEOS} publish {old} --repo {REPO}"]
    environment = hub.environment(tmp_path / "home", token="hf_owner")
    hub.fault("create-tag", do=lambda: os.kill(int(pid.read_text()), signal.SIGKILL), cut="before")
    assert run_process(command, env=environment).returncode == -signal.SIGKILL
    assert sorted(hub.repository(REPO).refs) == ["refs/heads/main"]
    done = run_process(command, env=environment)
    assert (done.returncode, done.stdout.partition(" (")[0]) == (0, f"{REPO}: published v1.0.0"), (
        done.stderr
    )
    check_the_end(hub, old)
