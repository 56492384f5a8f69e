"""`brokenvideos diff`."""

from pathlib import Path
from typing import Annotated

import typer

from .answer import answer
from .command import Command
from .exit_status import DIFFERS, DONE
from .options import AsJson


def diff(
    old: Annotated[Path, typer.Argument(help="A release folder.")],
    new: Annotated[Path, typer.Argument(help="A later release folder.")],
    as_json: AsJson = False,
) -> None:
    """List videos that were added, removed or changed, and the version step that this demands; status 1 if NEW's is smaller."""
    from ...builder import diff as diff_releases

    found = diff_releases(old, new)
    answer(found.to_dict(), "\n".join(found.lines()), as_json=as_json)
    raise typer.Exit(DONE if found.version_ok else DIFFERS)


COMMAND = Command(diff, group="Release", place=4, example="diff release-1.0.0 release-1.1.0")
