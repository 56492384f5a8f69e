"""`brokenvideos export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .answer import answer
from .command import Command
from .options import AsJson, Split, choice_of_files

if TYPE_CHECKING:
    Layout = str
else:
    Layout = choice_of_files("builder/export/layouts")


def export(
    release: Annotated[Path, typer.Argument(help="A release folder.")],
    out: Annotated[Path, typer.Argument(help="The folder to make.")],
    layout: Annotated[Layout, typer.Option(help="The layout to write.")] = "own",
    frames: Annotated[
        Literal["png", "jpg"] | None,
        typer.Option(
            help="Also write the annotated frames as pictures. png is exact; jpg is smaller."
        ),
    ] = None,
    counts: Annotated[
        Literal["list", "string"] | None,
        typer.Option(help="The form of run lengths in JSON, if the layout allows both."),
    ] = None,
    num_frames: Annotated[
        int | None,
        typer.Option(
            min=1, help="With chat: the number of frames to show or to ask boxes of. [default: 8]"
        ),
    ] = None,
    box_unit: Annotated[
        Literal["1000", "pixels"] | None,
        typer.Option(
            help="With chat: the unit of boxes, thousandths of the frame or pixels. [default: 1000]"
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0, help="With chat: the seed that chooses frames and time ranges. [default: 0]"
        ),
    ] = None,
    split: Annotated[Split | None, typer.Option(help="Export only this split.")] = None,
    videos: Annotated[
        bool,
        typer.Option(
            "--videos", help="Also write the videos, if the layout does not do it anyway."
        ),
    ] = False,
    lossy: Annotated[
        bool,
        typer.Option("--lossy", help="Write what the layout can hold, and list what it loses."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a release in the layout of another tool.

    `build` reads most of these layouts again, and the digests stay equal.
    """
    from ...builder.export import ExportOptions, export as export_release
    from .progress import progress

    options = ExportOptions(
        frames=frames, counts=counts, num_frames=num_frames, box_unit=box_unit, seed=seed
    )
    with progress() as show:
        report = export_release(
            release,
            out,
            layout=layout,
            options=options,
            split=split,
            videos=videos,
            lossy=lossy,
            on_progress=show,
        )
    build = (
        None
        if report.build_options is None
        else f"brokenvideos build {out} OUT {' '.join(report.build_options)}".strip()
    )
    made = (
        f"{out}: {report.num_videos} videos, {report.num_masks} "
        f"masks.{f' Next: {build}' if build else ''}"
    )
    losses = [str(loss) for loss in report.losses]
    facts = {
        "out": str(out),
        "videos": report.num_videos,
        "masks": report.num_masks,
        "losses": losses,
        "build": build,
    }
    answer(facts, "\n".join([*(f"lost: {loss}" for loss in losses), made]), as_json=as_json)


COMMAND = Command(
    export, group="Release", place=6, example="export release exported --layout ytvis"
)
