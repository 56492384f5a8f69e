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
            help="A folder that `train` has written, a Hub repository of one, or all-empty, all-full, centre-box."
        ),
    ],
    videos: Annotated[
        list[str],
        typer.Argument(
            help="Video files, folders, patterns, http(s) addresses, releases, or `sample`; - reads a list of them, one a line."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    overlays: Annotated[
        bool, typer.Option("--overlays", help="Also make a film of each video with its masks.")
    ] = False,
    split: Annotated[Split | None, typer.Option(help="Of releases, only this split.")] = None,
    gate: Annotated[
        str | None, typer.Option(help="As in max-broken=0.1: end with status 3 where a larger share is flagged broken.")
    ] = None,
    min_area: Annotated[float, typer.Option(help="Marked share from which a frame is broken.")] = 0.001,
    min_score: Annotated[float, typer.Option(help="Score from which a frame is broken.")] = 0.0,
    min_frames: Annotated[int, typer.Option(min=1, help="Broken frames from which a video is flagged.")] = 2,
    junit: Annotated[Path | None, typer.Option(help="Also write JUnit XML there, for CI servers.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or cuda:1; else CUDA where there is one.")] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Number of processes, among which the processor's cores are divided.")
    ] = 1,
    max_mb: MaxMb = 60,
    as_json: AsJson = False,
) -> None:
    """Mark what is broken in videos: masks as Parquet that `evaluate` reads, a page with artifact area over time, films, a gate."""
    from ...builder.work import write_atomic
    from ..prediction import REPORT_HTML, Flag, find_videos, junit_xml, open_model, predict as run
    from .progress import progress

    max_broken = None if gate is None else _max_broken(gate)
    flag = Flag(min_area=min_area, min_score=min_score, min_frames=min_frames)
    chosen = find_videos([name for given in videos for name in _listed(given)], split=split)
    asked = open_model(model, device=device)
    with progress() as show:
        report = run(
            asked,
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
    for where, what in report.unreadable:
        typer.echo(f"{what}" if what.startswith(where) else f"{where}: {what}", err=True)
    made = f"{out}: {report.summary()}. Look at {out / REPORT_HTML}"
    lines = [made, *filter(None, (report.gate_line(), report.warning))]
    answer(report.to_dict(), "\n".join(lines), as_json=as_json)
    raise typer.Exit(GATE_CLOSED if report.gate_closed else DIFFERS if report.unreadable else DONE)


def _listed(name: str) -> list[str]:
    """The name itself, or those that standard input lists; empty lines and those that begin with # are passed over."""
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
        raise typer.BadParameter(f"gate {gate!r}: wanted max-broken=SHARE from 0 to 1, as in max-broken=0.1")
    return share


def _kept(parameters: Mapping[str, Any]) -> str:
    from ...builder.work import work_folder_of

    work = work_folder_of(parameters["out"])
    if not work.is_dir():
        return "Nothing was finished. The same command starts over."
    return f"What is finished is kept in {work}: the same command goes on from there. Remove that folder if you do not want to."


COMMAND = Command(
    predict, group="Model", place=2, example="predict trained videos --out out --gate max-broken=0.1", kept=_kept
)
