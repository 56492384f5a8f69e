"""`brokenvideos adopt`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from .answer import answer
from .command import Command
from .exit_status import DIFFERS, DONE
from .options import AsJson, Workers


def adopt(
    source: Annotated[
        str,
        typer.Argument(help="A folder, a zip or tar of one, or OWNER/NAME[@REVISION] on the Hub."),
    ],
    raw: Annotated[Path, typer.Argument(help="The raw folder to make, or to bring up to date.")],
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Write only the report. From the Hub, only a few videos are downloaded.",
        ),
    ] = False,
    look: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="With --dry-run: the number of pairs to decode. Default: all of a folder, 12 on "
            "the Hub.",
        ),
    ] = None,
    pairing: Annotated[
        Path | None,
        typer.Option(help="The pairing.csv with your answers. Default: RAW/adoption/pairing.csv."),
    ] = None,
    generators: Annotated[
        Path | None,
        typer.Option(
            help="A CSV file with columns prefix,generator: the generator for each prefix of video "
            "ids."
        ),
    ] = None,
    clips: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help='Paths of clips, as in "videos/*". Repeat for more patterns.'
        ),
    ] = None,
    masks: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN", help='Paths of masks, as in "overlays/*". Repeat for more patterns.'
        ),
    ] = None,
    license_: Annotated[
        str | None,
        typer.Option(
            "--license", help="License of the clips. Default: the one in the source's README."
        ),
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(min=0.1, help="Frames per second of clips that are folders of images."),
    ] = None,
    splits: Annotated[
        bool,
        typer.Option(
            "--splits/--no-splits",
            help="Take splits from lists such as train.txt, or let `build` assign them.",
        ),
    ] = True,
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Make a raw folder from a published dataset of clips and masks: pair them, read masks, report
    every file.
    """
    from huggingface_hub.utils.tqdm import disable_progress_bars

    from ..adoption import AdoptOptions, adopt as run
    from .progress import progress

    disable_progress_bars()  # our own progress covers the downloads too
    options = AdoptOptions(
        pairing=pairing,
        generators=generators,
        clips=tuple(clips or ()),
        masks=tuple(masks or ()),
        looks=look,
        license=license_,
        fps=fps,
        splits=splits,
    )
    with progress() as show:
        report = run(source, raw, options, dry_run=dry_run, workers=workers, on_progress=show)
    answer(report.to_dict(), "\n".join(report.lines()), as_json=as_json)
    raise typer.Exit(DONE if dry_run or report.ok else DIFFERS)


def _kept(parameters: Mapping[str, Any]) -> str:
    return "Adopted and downloaded files are kept. The same command continues from there."


COMMAND = Command(
    adopt,
    group="Release",
    place=0,
    example="adopt OWNER/NAME raw --dry-run",
    work=("tools.adoption.task",),
    kept=_kept,
)
