"""A page's list of keys as the table that its docs hold."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from brokenvideos.tools.page import MODULES

if TYPE_CHECKING:
    from playwright.sync_api import Page


def keys_table(page: "Page", keys: Path) -> str:
    """The table as the docs have to hold it.

    Args:
        page: an empty one.
        keys: a module with `KEYS` and `nameOf`.
    """
    page.route(
        "http://keys.test/keys.js",
        lambda route: route.fulfill(path=keys, content_type="text/javascript"),
    )
    shared = MODULES / "keyboard.js"
    page.route(
        "http://keys.test/shared/keyboard.js",
        lambda route: route.fulfill(path=shared, content_type="text/javascript"),
    )
    page.route(
        "http://keys.test/",
        lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"),
    )
    page.goto("http://keys.test/")
    groups = page.evaluate(
        """async () => {
             const {KEYS, nameOf} = await import("/keys.js");
             return KEYS.map(([group, rows]) => [group, rows.map(([keys, does]) => [keys.split(" ").map(nameOf), does])]);
           }"""
    )
    lines = ["| | key | what happens |", "|---|---|---|"]
    for group, rows in groups:
        for place, (names, does) in enumerate(rows):
            told = ", ".join(f"`{name}`" for name in names)
            lines.append(f"| {f'**{group}**' if place == 0 else ''} | {told} | {does} |")
    return "\n".join(lines)


def keys_section(docs: Path) -> str:
    """The section "Keys" of a page of the docs."""
    section = re.search(r"^## Keys\n(.*?)(?=^## |\Z)", docs.read_text(), re.MULTILINE | re.DOTALL)
    assert section is not None
    return section[1]
