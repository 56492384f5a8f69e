"""The table of keys in docs/explore.md is the page's own list."""

from pathlib import Path
from typing import TYPE_CHECKING

from brokenvideos.tools.page import MODULES
from tests.tools.page.keys_table import keys_section, keys_table

if TYPE_CHECKING:
    from playwright.sync_api import Page

ROOT = Path(__file__).parents[4]


def test_the_docs_list_the_keys_of_the_page(page: "Page") -> None:
    table = keys_table(page, MODULES.parent / "explorer" / "page" / "keys.js")
    assert table in keys_section(ROOT / "docs" / "explore.md")
