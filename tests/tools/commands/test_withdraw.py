"""`brokenvideos withdraw` and `publish --withdraw`, and whether what they print does what it says,
on the Hub of the tests.
"""

import re
import textwrap
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import RevisionNotFoundError
from typer.testing import CliRunner, Result

import brokenvideos
from brokenvideos.builder import BuildOptions, build, verify
from brokenvideos.card import card_files
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.publishing.on_hub import verify_on_hub
from tests.hub.state import State

REPO = "someone/brokenvideos"
REASON = "the rights of its source are disputed"

# huggingface_hub's own way to send a file without Xet
pytestmark = pytest.mark.filterwarnings(
    "ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning"
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs `brokenvideos ARGUMENTS` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(
            app, [str(argument) for argument in arguments], catch_exceptions=False
        )

    return invoke


@pytest.fixture
def gone(release: Path) -> str:
    return brokenvideos.read_manifest(str(release))["shards"][0]["video_ids"][1]


def middle_of(raw: Path, video_id: str) -> bytes:
    content = (raw / "videos" / f"{video_id}.mp4").read_bytes()
    return content[len(content) // 2 :][:200]


def script_in(text: str) -> str:
    """The Python that a maintainer copies out of what was printed."""
    [block] = re.findall(r"^    from pathlib.*?(?=\n\n\d)", text, re.DOTALL | re.MULTILINE)
    return textwrap.dedent(block)


def test_it_makes_the_release_and_says_what_is_left_to_do(run, release: Path, gone: str) -> None:
    done = run("withdraw", release, "next", gone, "--reason", REASON, "--repo", REPO)
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0] == f"removed {gone}"
    assert re.fullmatch(
        r"1\.0\.0 -> 2\.0\.0: 0 added, 1 removed, 0 changed; .* MB are as they were\.", lines[1]
    )
    assert lines[2:4] == [
        "These changes need a major step, to 2.0.0 or later; 2.0.0 is enough.",
        "next: 8 videos. Next: brokenvideos verify next",
    ]
    for wanted in (
        f"brokenvideos publish next --repo {REPO}",
        "super_squash_history",
        "hf cache rm",
        "duplicated repositories",
    ):
        assert wanted in done.stdout
    compile(script_in(done.stdout), "steps", "exec")
    assert "Traceback" not in done.stdout
    assert run("verify", "next").exit_code == 0
    card = Path("next/README.md").read_text()
    assert gone not in card


def test_an_unknown_id_is_one_error(run, release: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no video nobody; nothing was written"):
        run("withdraw", release, "next", "nobody", "--reason", REASON)
    assert list(tmp_path.iterdir()) == []


def test_a_published_video_is_gone_when_every_step_was_done(
    run, hub: State, online: list[float], release: Path, raw: Path, gone: str
) -> None:
    hub.create(REPO)
    assert run("publish", release, "--repo", REPO).exit_code == 0
    HfApi().create_branch(REPO, branch="trial", repo_type="dataset")
    old = hub.repository(REPO).commit_of("v1.0.0").oid
    done = run(
        "publish", release, "--repo", REPO, "--withdraw", gone, "--reason", REASON, "--out", "next"
    )
    assert done.exit_code == 0, done.output
    assert brokenvideos.read_manifest("next")["errata"][-1]["video_ids"] == [gone]
    assert verify_on_hub(REPO, revision="v2.0.0").ok
    # Up to here the video is only hidden.
    assert any(middle_of(raw, gone) in content for content in hub.files(REPO, old).values())

    exec(script_in(done.stdout), {})
    assert set(hub.repository(REPO).refs) == {"refs/heads/main", "refs/tags/v2.0.0"}
    for revision in ("v1.0.0", "trial", old):
        with pytest.raises(RevisionNotFoundError):
            HfApi().dataset_info(REPO, revision=revision)
    assert verify_on_hub(REPO, revision="v2.0.0", sample=99).ok
    stored = [file.file_oid for file in HfApi().list_lfs_files(REPO, repo_type="dataset")]
    assert not any(middle_of(raw, gone) in hub.store.path(sha256).read_bytes() for sha256 in stored)
    assert [
        row["video_id"]
        for row in brokenvideos.load(repo_id=REPO, revision="v2.0.0", split="train", streaming=True)
    ]


def test_a_withdrawal_that_was_interrupted_goes_on(
    run, hub: State, online: list[float], release: Path, gone: str
) -> None:
    hub.create(REPO)
    arguments = (
        "publish",
        release,
        "--repo",
        REPO,
        "--withdraw",
        gone,
        "--reason",
        REASON,
        "--out",
        "next",
    )
    fault = hub.fault("commit", status=403, message="Not today")
    with pytest.raises(RuntimeError, match="the Hub answered 403"):
        run(*arguments)
    assert fault.num_hits == 1
    done = run(*arguments)
    assert done.exit_code == 0
    assert "published v2.0.0" in done.stdout
    with pytest.raises(FileExistsError):  # another withdrawal is not that one
        run(
            "publish",
            release,
            "--repo",
            REPO,
            "--withdraw",
            gone,
            "--reason",
            "another",
            "--out",
            "next",
        )


def test_the_options_go_together() -> None:
    done = CliRunner().invoke(
        app,
        ["publish", ".", "--repo", REPO, "--withdraw", "x", "--reason", "y"],
        env={"COLUMNS": "200"},
    )
    assert done.exit_code == 2
    assert "--withdraw, --reason and --out go together" in " ".join(done.output.split())


@pytest.mark.slow
def test_a_full_card_is_made_anew(run, release: Path, raw: Path, gone: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("mlcroissant")
    build(raw, tmp_path / "full", BuildOptions(num_shards={"train": 2}), more_files=card_files)
    assert run("card", "full").exit_code == 0
    assert run("withdraw", "full", "next", gone, "--reason", REASON).exit_code == 0
    assert (tmp_path / "next" / "croissant.json").is_file()
    assert REASON in (tmp_path / "next" / "README.md").read_text()
    assert run("card", "next", "--check").exit_code == 0
    assert verify(tmp_path / "next").ok
