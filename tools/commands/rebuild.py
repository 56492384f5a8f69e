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
    raw: Annotated[Path, typer.Option(help="The raw folder that it was built from.")],
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Build a release again into a temporary folder (TMPDIR) and compare every byte; under other versions, the content."""
    from ..publishing import rebuild as rebuild_release
    from .progress import progress

    with progress() as show:
        report = rebuild_release(release, raw, workers=workers, on_progress=show)
    answer(report.to_dict(), "\n".join(report.lines()), as_json=as_json)
    raise typer.Exit(DONE if report.ok else DIFFERS)


COMMAND = Command(rebuild, group="Release", place=3, example="rebuild release --raw raw", work=("builder.tasks",))
