"""`brokenvideos rebuild`."""

from pathlib import Path
from typing import Annotated

import typer

from .answer import answer
from .command import Command
from .exit_status import DIFFERS, DONE
from .options import AsJson, Workers


def rebuild(
    release: Annotated[Path, typer.Argument(help="A release folder.")],
    raw: Annotated[Path, typer.Option(help="The raw folder from which it was built.")],
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Build a release again in a temporary folder (TMPDIR) and compare every byte.

    If library versions differ, only the content is compared.
    """
    from ..publishing import rebuild as rebuild_release
    from .progress import progress

    with progress() as show:
        report = rebuild_release(release, raw, workers=workers, on_progress=show)
    answer(report.to_dict(), "\n".join(report.lines()), as_json=as_json)
    raise typer.Exit(DONE if report.ok else DIFFERS)


COMMAND = Command(
    rebuild, group="Release", place=3, example="rebuild release --raw raw", work=("builder.tasks",)
)
