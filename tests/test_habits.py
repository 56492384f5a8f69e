"""The files beside the code that other programs read: citation, hooks, forms."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import house

ROOT = house.ROOT
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
pytestmark = pytest.mark.skipif(
    not (ROOT / ".github").exists(), reason="a source distribution has the package alone"
)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_citation_is_that_of_the_card() -> None:
    cited = read(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    paper = cited["preferred-citation"]
    text = (ROOT / "sample" / "README.md").read_text(encoding="utf-8")
    entry = dict(re.findall(r"^  (\w+) += \{(.*)\},?$", text, re.MULTILINE))
    assert (paper["title"], str(paper["year"]), paper["url"]) == (
        entry["title"],
        entry["year"],
        entry["url"],
    )


def test_hooks_are_local_and_call_what_is_there() -> None:
    (local,) = read(ROOT / ".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"
    for hook in local["hooks"]:
        assert hook["language"] == "system"
        for path in re.findall(r"\S+\.py", hook["entry"]):
            assert (ROOT / path).exists()


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_what_github_asks_for(path: Path) -> None:
    form = read(path)
    if path.stem == "config":
        assert form == {"blank_issues_enabled": True}
        return
    assert {"name", "description", "body"} <= set(form)
    ids = [part["id"] for part in form["body"]]
    assert len(set(ids)) == len(ids)
    for part in form["body"]:
        assert part["type"] in {"textarea", "input", "dropdown", "checkboxes", "markdown"}
        assert part["attributes"]["label"]
