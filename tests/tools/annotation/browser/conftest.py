"""People at the pages of servers that run for one test."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tools.annotation.browser.desk import Person, Server, serving
from tests.warm import Warm

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def serve(warm: Warm, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts a server on a folder of videos; all of them end with the test."""
    with ExitStack() as stack:

        def start(folder: Path, *options: str) -> Server:
            return stack.enter_context(
                serving(folder, tmp_path / f"{folder.name}-raw", *options, warm=warm)
            )

        yield start


@pytest.fixture
def person(chromium: "Browser") -> Iterator[Callable[..., Person]]:
    """Somebody at a browser of their own, with a name; a script that fails on their page fails the
    test.
    """
    with ExitStack() as stack:
        problems: list[str] = []

        def sit_down(
            server: Server, name: str = "Ada", *, width: int = 1280, height: int = 800
        ) -> Person:
            context = chromium.new_context(viewport={"width": width, "height": height})
            context.set_default_timeout(60_000)
            stack.callback(context.close)
            # As if the name had been typed in this tab before.
            context.add_init_script(
                f"sessionStorage.getItem('user') ?? sessionStorage.setItem('user', {name!r})"
            )
            page = context.new_page()
            page.on("pageerror", lambda error: problems.append(f"{name}: {error}"))
            return Person(page, server, name)

        yield sit_down
    assert problems == []
