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
    """List added, removed and changed videos, and the version step that these changes require.

    The exit status is 1 if the data version of NEW rises by less.
    """
    from ...builder import diff as diff_releases

    changes = diff_releases(old, new)
    answer(changes.to_dict(), "\n".join(changes.lines()), as_json=as_json)
    raise typer.Exit(DONE if changes.version_ok else DIFFERS)


COMMAND = Command(diff, group="Release", place=4, example="diff release-1.0.0 release-1.1.0")
