"""`brokenvideos predict`."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from .answer import answer
from .command import Command
from .exit_status import DIFFERS, DONE, GATE_CLOSED
from .options import AsJson, MaxMb, Split


def predict(
    model: Annotated[
        str,
        typer.Argument(
            help="A model: a folder that `train` wrote, such a folder on the Hub, or the trivial "
            "models all-empty, "
            "all-full and centre-box."
        ),
    ],
    videos: Annotated[
        list[str],
        typer.Argument(
            help="Video files, folders, patterns, http(s) addresses, releases, or `sample`. "
            "The name - reads a list of them from standard input, one per line."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    overlays: Annotated[
        bool, typer.Option("--overlays", help="Also write each video with its masks drawn on it.")
    ] = False,
    split: Annotated[Split | None, typer.Option(help="For releases: take only this split.")] = None,
    gate: Annotated[
        str | None,
        typer.Option(
            help="max-broken=SHARE, as in max-broken=0.1: exit status 3 if a larger share is "
            "flagged broken."
        ),
    ] = None,
    min_area: Annotated[
        float, typer.Option(help="Smallest share of marked pixels in a broken frame, from 0 to 1.")
    ] = 0.001,
    min_score: Annotated[
        float, typer.Option(help="Smallest score of a broken frame, from 0 to 1.")
    ] = 0.0,
    min_frames: Annotated[
        int,
        typer.Option(
            min=1, help="Smallest number of broken frames in a video that is flagged broken."
        ),
    ] = 2,
    junit: Annotated[
        Path | None,
        typer.Option(help="Also write the results as JUnit XML to this file, for CI servers."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or cuda:1. Default: cuda if there is a GPU.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Number of processes; they share the cores of the processor.")
    ] = 1,
    max_mb: MaxMb = 60,
    as_json: AsJson = False,
) -> None:
    """Mark what is broken in videos with a model: masks as Parquet for `evaluate`, a report page, a
    gate for CI.
    """
    from ...builder.work import write_atomic
    from ..prediction import REPORT_HTML, Flag, find_videos, junit_xml, open_model, predict as run
    from .progress import progress

    max_broken = None if gate is None else _max_broken(gate)
    flag = Flag(min_area=min_area, min_score=min_score, min_frames=min_frames)
    chosen = find_videos([name for given in videos for name in _listed(given)], split=split)
    opened = open_model(model, device=device)
    with progress() as show:
        report = run(
            opened,
            chosen,
            out,
            name=model,
            flag=flag,
            overlays=overlays,
            max_broken=max_broken,
            workers=workers,
            page_bytes=max_mb * 10**6,
            on_progress=show,
        )
    if junit is not None:
        write_atomic(junit, junit_xml(report))
    for path, reason in report.unreadable:
        typer.echo(f"{reason}" if reason.startswith(path) else f"{path}: {reason}", err=True)
    made = f"{out}: {report.summary()}. Look at {out / REPORT_HTML}"
    lines = [
        made,
        *filter(None, (*report.promise, report.gate_line(), report.far_line(), report.warning)),
    ]
    answer(report.to_dict(), "\n".join(lines), as_json=as_json)
    raise typer.Exit(GATE_CLOSED if report.gate_closed else DIFFERS if report.unreadable else DONE)


def _listed(name: str) -> list[str]:
    """The name itself; for "-" the lines of standard input without empty lines and lines that begin
    with #.
    """
    if name != "-":
        return [name]
    lines = (line.strip() for line in sys.stdin)
    return [line for line in lines if line and not line.startswith("#")]


def _max_broken(gate: str) -> float:
    name, _, number = gate.partition("=")
    try:
        share = float(number)
    except ValueError:
        share = -1.0
    if name != "max-broken" or not 0 <= share <= 1:
        raise typer.BadParameter(
            f"gate {gate!r}: wanted max-broken=SHARE from 0 to 1, as in max-broken=0.1"
        )
    return share


def _kept(parameters: Mapping[str, Any]) -> str:
    from ...builder.work import work_folder_of

    work = work_folder_of(parameters["out"])
    if not work.is_dir():
        return "Nothing is kept. The same command starts from the beginning."
    return (
        f"Finished videos are kept in {work}. The same command continues from there. "
        "Remove that folder to start from the beginning."
    )


COMMAND = Command(
    predict,
    group="Model",
    place=2,
    example="predict trained videos --out out --gate max-broken=0.1",
    work=(
        "tools.prediction.prediction",
        "tools.training.predictor",
        "tools.explorer.static_page",
    ),
    kept=_kept,
)
