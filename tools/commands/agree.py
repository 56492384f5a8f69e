"""`brokenvideos agree`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .command import Command
from .options import Workers


def agree(
    annotations: Annotated[
        list[Path],
        typer.Argument(
            help="Two or more annotators' releases, raw folders or folders of PNG masks; or one folder of annotate."
        ),
    ],
    majority: Annotated[Path | None, typer.Option(help="Write the majority's masks as a raw folder.")] = None,
    staple: Annotated[Path | None, typer.Option(help="Write STAPLE's masks as a raw folder.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write everything as JSON.")] = None,
    workers: Workers = 1,
) -> None:
    """Compare annotators: pairwise J&F and Dice, kappas and alpha, the human ceiling, disputed videos, a consensus."""
    from ...builder.work import write_atomic
    from ..agreement import agree as run, apart, write_consensus
    from .progress import progress

    annotations = apart(annotations)
    with progress() as show:
        found = run(annotations, workers=workers, on_progress=show)
    if json_file is not None:
        write_atomic(json_file, (json.dumps(found.to_dict(), indent=1, allow_nan=False) + "\n").encode())
    typer.echo(found.table())
    if majority is not None:
        typer.echo(f"{write_consensus(annotations, majority, rule='majority')}: the majority's masks")
    if staple is not None:
        typer.echo(f"{write_consensus(annotations, staple, rule='staple')}: STAPLE's masks")


COMMAND = Command(agree, group="Data", place=5)
