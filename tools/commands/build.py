"""`brokenvideos build`."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from ...release import DATA_VERSION
from .answer import answer
from .command import Command
from .options import AsJson, MasksAre, Workers, choice_of_files

Engine = Literal["processes", "ray"]  # as in builder.work, which is imported when the work starts

if TYPE_CHECKING:
    Layout = str
else:
    Layout = choice_of_files("builder/layouts", "auto")


def build(
    raw: Annotated[Path, typer.Argument(help="A folder of raw annotations.")],
    out: Annotated[Path, typer.Argument(help="The release folder to make.")],
    layout: Annotated[
        Layout,
        typer.Option(
            metavar="LAYOUT",
            help="The layout of the raw folder; auto recognises it: "
            f"{', '.join(get_args(Layout))}.",
        ),
    ] = "auto",
    split_shards: Annotated[
        str,
        typer.Option(
            help="Number of shards by split, as in train=4,test=1. Default: one shard per 384 MB "
            "of video."
        ),
    ] = "",
    data_version: Annotated[
        str, typer.Option(help="Version of the data, three numbers as in 1.2.0 (SemVer).")
    ] = DATA_VERSION,
    artifact_type: Annotated[
        Literal["motion", "deformation", "blur", "not-given"] | None,
        typer.Option(help="Type of every object, if the layout has no types."),
    ] = None,
    generator: Annotated[
        str | None, typer.Option(help="Generator of every video, if the layout does not name it.")
    ] = None,
    void: Annotated[
        int | None,
        typer.Option(min=1, help="A label value of pixels to ignore; 255 in DAVIS."),
    ] = None,
    masks_are: MasksAre = None,
    seed: Annotated[int, typer.Option(help="Seed of the assignment of videos to splits.")] = 0,
    include: Annotated[
        Literal["approved", "unreviewed"],
        typer.Option(
            help="approved leaves out videos whose masks are not reviewed yet; unreviewed takes "
            "all."
        ),
    ] = "approved",
    parent: Annotated[
        Path | None,
        typer.Option(
            help="The previous release: keep its splits, and its shard files that do not change."
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Start from the beginning, even if an earlier build was interrupted."
        ),
    ] = False,
    bring_back: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VIDEO_ID",
            help="Allow a withdrawn video, or a copy of one, to come back. Repeat for more videos.",
        ),
    ] = None,
    engine: Annotated[
        Engine,
        typer.Option(help="Where the work runs: processes of this machine, or a Ray cluster."),
    ] = "processes",
    address: Annotated[
        str | None,
        typer.Option(help="Address of an existing Ray cluster, as in auto or HOST:PORT."),
    ] = None,
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Build a release (Parquet, tars, manifest, checksums, card) from raw annotations."""
    from ...builder import BuildOptions, build as build_release, left_out
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
        include=include,
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
            bring_back=bring_back or (),
            more_files=card_files,
            on_progress=show,
            on_note=partial(typer.echo, err=True),
        )
    waiting = left_out(raw) if include == "approved" else []
    counts = {"videos": len(manifest["videos"]), "shards": len(manifest["shards"])}
    lines = [
        f"{out}: {counts['videos']} videos in {counts['shards']} shards. Next: brokenvideos verify "
        f"{out}"
    ]
    if waiting:
        note = (
            f"{raw}: {len(waiting)} videos left out, not approved yet; --include unreviewed "
            "takes them."
        )
        lines = [note, *lines]
    facts = {
        "release": str(out),
        "data_version": manifest["data_version"],
        **counts,
        "left_out": waiting,
    }
    answer(facts, "\n".join(lines), as_json=as_json)


def _counts(text: str) -> dict[str, int]:
    counts = {}
    for part in filter(None, text.split(",")):
        split, _, number = part.partition("=")
        if not number.isdecimal():
            raise typer.BadParameter(
                f"split shards {part!r}: wanted SPLIT=NUMBER, as in train=4,test=1"
            )
        counts[split] = int(number)
    return counts


def _kept(parameters: Mapping[str, Any]) -> str:
    from ...builder.work import work_folder_of

    out = parameters["out"]
    if not (work := work_folder_of(out)).exists():
        if (out / "manifest.json").exists():
            return f"{out} is a complete release."
        return "Nothing is kept. The same command starts from the beginning."
    return (
        f"Finished work is kept in {work}. The same command continues from there; --fresh "
        "starts from the beginning."
    )


COMMAND = Command(
    build,
    group="Release",
    place=1,
    example="build raw release --workers 4",
    work=("builder.tasks",),
    kept=_kept,
)
