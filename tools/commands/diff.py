"""`brokenvideos diff`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .command import Command
from .options import AsJson


def diff(
    old: Annotated[Path, typer.Argument(help="A release folder.")],
    new: Annotated[Path, typer.Argument(help="A later release folder.")],
    as_json: AsJson = False,
) -> None:
    """List videos that were added, removed or changed, and the version step that this demands; status 1 if NEW's is smaller."""
    from ...builder import diff as diff_releases

    found = diff_releases(old, new)
    typer.echo(json.dumps(found.to_dict(), indent=1) if as_json else "\n".join(found.lines()))
    raise typer.Exit(0 if found.version_ok else 1)


COMMAND = Command(diff, group="Release", place=4, example="diff release-1.0.0 release-1.1.0")
