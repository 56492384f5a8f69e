"""The documentation site: its navigation, and the built pages, which .ci/docs puts into .site."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parent.parent
SITE = ROOT / ".site"
pytestmark = pytest.mark.skipif(
    not (ROOT / "mkdocs.yml").exists(), reason="a source distribution has no mkdocs.yml"
)


def pages_of(nav: Any) -> list[str]:
    """The pages that a navigation of mkdocs.yml names, in its order."""
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    return [page for part in parts for page in pages_of(part)]


def test_the_navigation_has_every_page_of_docs_once() -> None:
    listed = pages_of(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])
    assert len(set(listed)) == len(listed)
    missing = {path.name for path in (ROOT / "docs").glob("*.md")} - set(listed)
    assert missing == set(), "give them a line in the list `nav` of mkdocs.yml"
    made = re.findall(
        r'^    "[^"]+": "([a-z]+\.md)",$', (ROOT / ".ci" / "site.py").read_text(), re.MULTILINE
    )
    assert {page for page in listed if not (ROOT / "docs" / page).exists()} == set(made)


@pytest.fixture(scope="module")
def site() -> Path:
    if not (SITE / "index.html").exists():
        missing = "the site is not built: `make docs`"
        if os.environ.get("REQUIRE_CHROMIUM") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    return SITE


def test_pages_fetch_nothing_from_another_host(site: Path) -> None:
    fetched = re.compile(
        r"""<(?:script|img|iframe|source)\b[^>]*\bsrc="?https?:|<link\b[^>]*\bhref="?https?:|@import|url\(["']?https?:"""
    )
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    wrong = [
        f"{path.relative_to(site)}: {found[0]}"
        for path in pages
        for found in fetched.finditer(path.read_text("utf-8"))
    ]
    wrong += [
        str(path)
        for path in site.rglob("*.css")
        if re.search(r"@import|url\([\"']?https?:", path.read_text("utf-8"))
    ]
    assert wrong == []


def test_every_command_and_every_public_name_has_its_place(site: Path) -> None:
    import brokenvideos
    from brokenvideos.tools.commands.main import app

    for command in app.registered_commands:
        assert command.callback is not None
        assert (site / "commands" / f"{command.callback.__name__}.html").exists()
    page = (site / "api" / "brokenvideos.html").read_text(encoding="utf-8")
    headings = re.findall(r'<span class="doc doc-object-name[^"]*">(\w+)</span>', page)
    assert [
        name for name in brokenvideos.__all__ if name not in headings and not name.startswith("__")
    ] == []


@pytest.mark.parametrize("width", [1400, 390])
def test_search_works_where_pages_are_opened_as_files(
    site: Path, chromium: "Browser", width: int
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, offline=True)
    context.set_default_timeout(20_000)
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: asked.append(f"error: {error}"))
    page.goto(f"file://{site}/index.html")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width < 1000:
        page.click("label.md-header__button[for=__search]")
    page.click("input.md-search__input")
    page.keyboard.type("fingerprint")
    page.wait_for_selector(".md-search-result__item")
    page.locator(".md-search-result__item a").first.click()
    page.wait_for_selector("mark")
    assert [
        address for address in asked if not address.startswith(("file:", "data:", "blob:"))
    ] == []
    context.close()
