"""`brokenvideos build`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ...release import DATA_VERSION
from .command import Command
from .options import MasksAre, Workers

Engine = Literal["processes", "ray"]  # as in builder.work, which is imported when the work starts


def build(
    raw: Annotated[Path, typer.Argument(help="A folder of raw annotations.")],
    out: Annotated[Path, typer.Argument(help="The release folder to make.")],
    layout: Annotated[
        str,
        typer.Option(help="auto, own, davis, sav, mask-video, coco, cvat, label-studio, labelme, pal4vst, anakin, ..."),
    ] = "auto",
    split_shards: Annotated[str, typer.Option(help="As in train=4,test=1; else one shard per 384 MB of video.")] = "",
    data_version: Annotated[str, typer.Option(help="SemVer of the data.")] = DATA_VERSION,
    artifact_type: Annotated[
        str | None,
        typer.Option(help="Of every object, where the layout names none: motion, deformation, blur or not-given."),
    ] = None,
    generator: Annotated[str | None, typer.Option(help="Of every video, where the layout names none.")] = None,
    void: Annotated[int | None, typer.Option(min=1, help="A label value to leave out (DAVIS: 255).")] = None,
    masks_are: MasksAre = None,
    seed: Annotated[int, typer.Option(help="Of the split assignment.")] = 0,
    parent: Annotated[
        Path | None, typer.Option(help="The release before: splits stay, unchanged shard files are kept.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over instead of going on where an earlier build ended.")
    ] = False,
    engine: Annotated[Engine, typer.Option(help="Where the work is done.")] = "processes",
    address: Annotated[str | None, typer.Option(help="Of an existing Ray cluster, as in auto or HOST:PORT.")] = None,
    workers: Workers = 1,
) -> None:
    """Build a release (Parquet, tars, manifest, checksums, card) from raw annotations."""
    from ...builder import BuildOptions, build as build_release
    from ...card import card_files
    from .progress import progress

    options = BuildOptions(
        layout=layout,
        artifact_type=artifact_type,
        generator=generator,
        void=void,
        masks_are=masks_are,
        num_shards=_counts(split_shards),
        data_version=data_version,
        seed=seed,
    )
    with progress() as show:
        manifest = build_release(
            raw,
            out,
            options,
            parent=parent,
            workers=workers,
            engine=engine,
            address=address,
            fresh=fresh,
            more_files=card_files,
            on_progress=show,
            on_note=typer.echo,
        )
    typer.echo(
        f"{out}: {len(manifest['videos'])} videos in {len(manifest['shards'])} shards. Next: brokenvideos verify {out}"
    )


def _counts(text: str) -> dict[str, int]:
    counts = {}
    for part in filter(None, text.split(",")):
        split, _, number = part.partition("=")
        if not number.isdecimal():
            raise typer.BadParameter(f"split shards {part!r}: wanted SPLIT=NUMBER, as in train=4,test=1")
        counts[split] = int(number)
    return counts


COMMAND = Command(build, group="Release", place=1)
