"""`brokenvideos agree`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .command import Command
from .options import AsJson, MasksAre, Workers


def agree(
    annotations: Annotated[
        list[Path],
        typer.Argument(
            help="Releases, raw folders or folders of PNG masks, one for each of two or more annotators; "
            "or one folder that `annotate` made for several people."
        ),
    ],
    majority: Annotated[
        Path | None, typer.Option(help="Write consensus masks, by majority vote, as a raw folder.")
    ] = None,
    staple: Annotated[
        Path | None, typer.Option(help="Write consensus masks, by the STAPLE algorithm, as a raw folder.")
    ] = None,
    masks_are: MasksAre = None,
    as_json: AsJson = False,
    json_file: Annotated[Path | None, typer.Option("--out-json", "-o", help="Write all results as JSON.")] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", help="Write an HTML page with the most disputed frames.")
    ] = None,
    workers: Workers = 1,
) -> None:
    """Measure how far annotators agree: pairwise J&F and Dice, kappas, alpha, the human ceiling, disputed videos."""
    from ...builder.work import write_atomic
    from ..agreement import agree as run, apart, disputed_videos, html_report, write_consensus
    from .progress import progress

    annotations = apart(annotations)
    with progress() as show:
        agreement = run(annotations, masks_are=masks_are, workers=workers, on_progress=show)
    text = json.dumps(agreement.to_dict(), indent=1, allow_nan=False)
    if json_file is not None:
        write_atomic(json_file, f"{text}\n".encode())
    if html_file is not None:
        disputed = disputed_videos(agreement, annotations, masks_are=masks_are)
        write_atomic(html_file, html_report(agreement, disputed).encode())
    typer.echo(text if as_json else agreement.table())
    if majority is not None:
        made = write_consensus(annotations, majority, rule="majority", masks_are=masks_are)
        typer.echo(f"{made}: the majority's masks", err=as_json)
    if staple is not None:
        made = write_consensus(annotations, staple, rule="staple", masks_are=masks_are)
        typer.echo(f"{made}: STAPLE's masks", err=as_json)


COMMAND = Command(agree, group="Data", place=5, example="agree first second --out-json agreement.json")
