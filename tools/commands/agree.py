"""`brokenvideos agree`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .command import Command
from .options import AsJson, MasksAre, MaxMb, ReportPage, Workers

if TYPE_CHECKING:
    from ..agreement import Agreement


def agree(
    annotations: Annotated[
        list[Path],
        typer.Argument(
            help="Releases, raw folders or folders of PNG masks, one for each of two or more "
            "annotators; or one folder that `annotate` made for several people."
        ),
    ],
    majority: Annotated[
        Path | None, typer.Option(help="Write consensus masks, by majority vote, as a raw folder.")
    ] = None,
    staple: Annotated[
        Path | None,
        typer.Option(help="Write consensus masks, by the STAPLE algorithm, as a raw folder."),
    ] = None,
    masks_are: MasksAre = None,
    as_json: AsJson = False,
    json_file: Annotated[
        Path | None, typer.Option("--out-json", "-o", help="Write all results as JSON.")
    ] = None,
    html: ReportPage = None,
    max_mb: MaxMb = 60,
    workers: Workers = 1,
) -> None:
    """Measure how far annotators agree: pairwise J&F and Dice, kappas, alpha, the human ceiling,
    disputed videos.
    """
    from ...builder.work import write_atomic
    from ..agreement import agree as run, apart, write_consensus
    from .progress import progress

    annotations = apart(annotations)
    with progress() as show:
        agreement = run(annotations, masks_are=masks_are, workers=workers, on_progress=show)
    text = json.dumps(agreement.to_dict(), indent=1, allow_nan=False)
    if json_file is not None:
        write_atomic(json_file, f"{text}\n".encode())
    typer.echo(text if as_json else agreement.table())
    if html is not None:
        written = write_page(
            agreement, annotations, html, masks_are=masks_are, max_bytes=max_mb * 10**6
        )
        typer.echo(written, err=as_json)
    if majority is not None:
        made = write_consensus(annotations, majority, rule="majority", masks_are=masks_are)
        typer.echo(f"{made}: the majority's masks", err=as_json)
    if staple is not None:
        made = write_consensus(annotations, staple, rule="staple", masks_are=masks_are)
        typer.echo(f"{made}: STAPLE's masks", err=as_json)


def write_page(
    found: "Agreement",
    annotations: Sequence[Path],
    out: Path,
    *,
    masks_are: MasksAre,
    max_bytes: int,
) -> str:
    """Writes the page of an agreement as a folder, and says what it holds."""
    from ..agreement import agreement_report
    from ..explorer import open_annotated, open_annotator, write_static_page
    from .progress import progress

    first, *others = annotations
    report = agreement_report(found)
    source = open_annotated(first, masks_are=masks_are, frames=others)
    named = zip(others, found.annotators[1:], strict=True)
    opened = [
        open_annotator(path, report.videos, name=name, masks_are=masks_are) for path, name in named
    ]
    with progress() as show:
        return write_static_page(
            source, opened, out, max_bytes=max_bytes, report=report, on_progress=show
        )


COMMAND = Command(
    agree,
    group="Data",
    place=5,
    example="agree first second --out-json agreement.json",
    work=("tools.agreement.agreement",),
)
