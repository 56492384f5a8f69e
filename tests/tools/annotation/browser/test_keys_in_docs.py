"""The table of keys in docs/annotate.md is the page's own list."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from brokenvideos.tools.page import MODULES

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[4]
PAGE = MODULES.parent / "annotation" / "page"


def table(page: "Page") -> str:
    """The table as docs/annotate.md has to hold it."""
    page.route(
        "http://keys.test/keys.js", lambda route: route.fulfill(path=PAGE / "keys.js", content_type="text/javascript")
    )
    page.route("http://keys.test/", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto("http://keys.test/")
    groups = page.evaluate(
        """async () => {
             const {KEYS, nameOf} = await import("/keys.js");
             return KEYS.map(([group, rows]) => [group, rows.map(([keys, does]) => [keys.split(" ").map(nameOf), does])]);
           }"""
    )
    lines = ["| | key | what happens |", "|---|---|---|"]
    for group, rows in groups:
        for place, (keys, does) in enumerate(rows):
            names = ", ".join(f"`{key}`" for key in keys)
            lines.append(f"| {f'**{group}**' if place == 0 else ''} | {names} | {does} |")
    return "\n".join(lines)


def test_the_docs_list_the_keys_of_the_page(page: "Page") -> None:
    text = (ROOT / "docs" / "annotate.md").read_text()
    section = re.search(r"^## Keys\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None
    assert table(page) in section[1]
