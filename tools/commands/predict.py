"""`brokenvideos predict`."""

from pathlib import Path
from typing import Annotated

import typer

from .answer import answer
from .command import Command
from .exit_status import DIFFERS, DONE, GATE_CLOSED
from .options import AsJson, Split


def predict(
    model: Annotated[
        str,
        typer.Argument(
            help="A folder that `train` has written, a Hub repository of one, or all-empty, all-full, centre-box."
        ),
    ],
    videos: Annotated[list[str], typer.Argument(help="Video files, folders of them, releases, or `sample`.")],
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
    device: Annotated[str | None, typer.Option(help="cpu, cuda or cuda:1; else CUDA where there is one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Mark what is broken in videos: masks as Parquet that `evaluate` reads, a page with artifact area over time, films, a gate."""
    from ..prediction import REPORT_HTML, Flag, find_videos, open_model, predict as run
    from .progress import progress

    max_broken = None if gate is None else _max_broken(gate)
    flag = Flag(min_area=min_area, min_score=min_score, min_frames=min_frames)
    chosen = find_videos(videos, split=split)
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
            on_progress=show,
        )
    for where, what in report.unreadable:
        typer.echo(f"{what}" if what.startswith(where) else f"{where}: {what}", err=True)
    made = f"{out}: {report.summary()}. Look at {out / REPORT_HTML}"
    lines = [made, *filter(None, (report.gate_line(), report.warning))]
    answer(report.to_dict(), "\n".join(lines), as_json=as_json)
    raise typer.Exit(GATE_CLOSED if report.gate_closed else DIFFERS if report.unreadable else DONE)


def _max_broken(gate: str) -> float:
    name, _, number = gate.partition("=")
    try:
        share = float(number)
    except ValueError:
        share = -1.0
    if name != "max-broken" or not 0 <= share <= 1:
        raise typer.BadParameter(f"gate {gate!r}: wanted max-broken=SHARE from 0 to 1, as in max-broken=0.1")
    return share


COMMAND = Command(predict, group="Model", place=2, example="predict trained videos --out out --gate max-broken=0.1")
