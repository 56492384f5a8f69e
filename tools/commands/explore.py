"""`brokenvideos explore`."""

from pathlib import Path
from typing import Annotated

import typer

from .command import Command
from .options import Browser, Host, MaxMb, Port, Token


def explore(
    source: Annotated[
        str,
        typer.Argument(
            help="A release, a raw folder, OWNER/NAME@REVISION on the Hub, or `sample`."
        ),
    ],
    others: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Other masks of the same videos: predictions, a second annotator, or the output "
            "folder of `train` or `predict`."
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            "--html", help="Start no server: write the page as a folder that opens in any browser."
        ),
    ] = None,
    max_mb: MaxMb = 60,
    host: Host = "127.0.0.1",
    port: Port = 0,
    token: Token = None,
    browser: Browser = True,
) -> None:
    """Look at a dataset in your browser: all videos with filters and counts, each frame by frame
    with its masks.
    """
    from ..explorer import ExploreOptions, run_explore, write_static
    from .progress import progress

    options = ExploreOptions(
        source=source,
        others=tuple(others or ()),
        host=host,
        port=port,
        token=token,
        browser=browser,
    )
    if html is not None:
        with progress() as show:
            summary = write_static(options, html, max_bytes=max_mb * 10**6, on_progress=show)
        typer.echo(summary)
        return
    try:
        run_explore(options, say=_say)
    except ModuleNotFoundError as error:
        name = str(error.name).partition(".")[0]
        raise RuntimeError(
            f"explore needs {name}. Install it in a checkout: pip install '.[explore]'."
        ) from error


def _say(text: str) -> None:
    print(text, flush=True)  # a program that reads this output needs the page's address at once


COMMAND = Command(explore, group="Look", place=2, example="explore sample --html page")
