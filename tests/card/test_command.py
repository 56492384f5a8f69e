"""`brokenvideos card` as a person and a script meet it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from brokenvideos.tools.commands.main import app


def run(*arguments: object) -> Result:
    return CliRunner().invoke(
        app, ["card", *map(str, arguments)], env={"COLUMNS": "200"}, catch_exceptions=False
    )


def test_making_and_checking(copy: Path, about_file: Path) -> None:
    about = copy.parent / "about.toml"
    about.write_text('contact = "nobody yet"')
    made = run(copy, "--about", about, "--json")
    assert (made.exit_code, json.loads(made.stdout)["release"]) == (0, str(copy))
    assert "README.md" in json.loads(made.stdout)["files"]
    assert "Contact: nobody yet" in (copy / "README.md").read_text()
    # another --about takes the place of the one before
    assert "Two people" not in (copy / "README.md").read_text()
    checked = run(copy, "--check")
    assert (checked.exit_code, checked.stdout) == (
        0,
        f"{copy} (1.0.0): card compared with the shards; nothing is stale.\n",
    )
    (copy / "figures" / "sizes.png").unlink()
    checked = run(copy, "--check", "--json")
    assert (checked.exit_code, json.loads(checked.stdout)["problems"]) == (
        1,
        [{"file": "figures/sizes.png", "problem": "missing"}],
    )


def test_a_check_takes_no_words(carded: Path, about_file: Path) -> None:
    refused = run(carded, "--check", "--about", about_file)
    assert refused.exit_code == 2
    wanted = "--check reads the texts of the card itself. Leave --about out."
    assert wanted in " ".join(refused.output.split())


@pytest.mark.parametrize("arguments", [[], ["--check"]])
def test_no_release_no_card(tmp_path: Path, arguments: list[str]) -> None:
    with pytest.raises(ValueError, match=r"manifest\.json: not found\. A release has one"):
        run(tmp_path, *arguments)
