"""`brokenvideos export`."""

from pathlib import Path
from typing import Annotated

import typer

from .answer import answer
from .command import Command
from .options import AsJson


def export(
    release: Annotated[Path, typer.Argument(help="A release folder.")],
    out: Annotated[Path, typer.Argument(help="The raw folder to make.")],
    layout: Annotated[str, typer.Option(help="own, davis, sav or coco.")] = "own",
    videos: Annotated[bool, typer.Option("--videos", help="Also write the videos; own and davis always do.")] = False,
    lossy: Annotated[
        bool, typer.Option("--lossy", help="Write what the layout can carry of what it cannot carry whole.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a release's annotations back as a raw folder, from which `build` gives equal digests."""
    from ...builder.export import export as export_release
    from .progress import progress

    with progress() as show:
        report = export_release(release, out, layout=layout, videos=videos, lossy=lossy, on_progress=show)
    made = f"{out}: {report.num_videos} videos, {report.num_masks} masks. Next: brokenvideos build {out} OUT"
    losses = [str(loss) for loss in report.losses]
    found = {"out": str(out), "videos": report.num_videos, "masks": report.num_masks, "losses": losses}
    answer(found, "\n".join([*(f"lost: {loss}" for loss in losses), made]), as_json=as_json)


COMMAND = Command(export, group="Release", place=6, example="export release exported --layout coco")
