"""`brokenvideos explore` as a function: options in; out comes a page that is served until it is
interrupted, or a folder of files.
"""

import asyncio
import webbrowser
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .open_source import open_source
from .service import Service
from .static_page import check_page, write_static_page
from .video import ExploreError, Source

if TYPE_CHECKING:
    from .others import Other

__all__ = ["ExploreError", "ExploreOptions", "run_explore", "write_static"]


@dataclass(frozen=True, slots=True)
class ExploreOptions:
    """The options of the command."""

    source: str
    others: tuple[Path, ...] = ()
    host: str = "127.0.0.1"
    port: int = 0
    token: str | None = None
    browser: bool = False


def run_explore(options: ExploreOptions, *, say: Callable[[str], None]) -> None:
    """Serves the page until it is interrupted.

    Args:
        say: is given lines for the person at the terminal; the one with the address is the last
            before pages can be opened.

    Raises:
        ExploreError, ReleaseError, RawError, ServerError: what was given is not possible; says why.
    """
    # Here and not above: a folder of files needs no server.
    from ..page import (
        address_of,
        check_host,
        ended_by_signals,
        guarded_server,
        listen,
        new_token,
        return_freed_memory,
        serve_until_told,
    )
    from .routes import application

    return_freed_memory()
    check_host(options.host, options.token)
    service = make_service(options)
    with listen(options.host, options.port) as listening:
        token = options.token or new_token()
        address = address_of(options.host, listening, token)

        def ready() -> None:
            for notice in service.source.notices:
                say(notice)
            say(f"{len(service.source.videos)} videos of {service.source.name}. Ctrl-C ends.")
            say(address)
            if options.browser and not webbrowser.open(address):
                say("No browser could be opened here: open this address in yours.")

        server = guarded_server(application(service), listening, host=options.host, token=token)
        with ended_by_signals(server):
            try:
                asyncio.run(serve_until_told(server, listening, on_ready=ready))
            finally:
                service.stop()


def make_service(options: ExploreOptions) -> Service:
    """The service behind the server's page.

    Raises:
        As `run_explore`.
    """
    return Service(*open_all(options))


def open_all(options: ExploreOptions) -> tuple[Source, list["Other"]]:
    """Opens the source and the other sources.

    Raises:
        As `run_explore`.
    """
    source = open_source(options.source)
    if not source.videos:
        notice = f": {source.notices[0]}" if source.notices else ""
        raise ExploreError(f"{source.name}: no video in it{notice}")
    return source, _open_others(source, options.others)


def _open_others(source: Source, paths: tuple[Path, ...]) -> list["Other"]:
    if not paths:
        return []
    from .others import open_other

    ids = [video.video_id for video in source.videos]
    return [open_other(path, ids, source=source.name) for path in paths]


def write_static(
    options: ExploreOptions,
    out: Path,
    *,
    max_bytes: int,
    on_progress: Callable[[str, int, int], None],
) -> str:
    """Writes the page as a folder of files and says what it holds.

    Args:
        max_bytes: the folder has no more.
        on_progress: is given a step, what is done of it, and how much there is.

    Raises:
        As `run_explore`. ExploreError: something else is at `out`, or not one video fits into so
        few bytes.
    """
    check_page(out)
    source, others = open_all(options)
    return write_static_page(source, others, out, max_bytes=max_bytes, on_progress=on_progress)
