"""`brokenvideos list`."""

from typing import Annotated, Literal

import typer

from .answer import answer
from .command import Command
from .options import ArtifactType, AsJson, Split

Label = Literal["normal", "broken"]  # as in release.LABELS


def list(
    release: Annotated[
        str, typer.Argument(help="A release folder, `sample`, or OWNER/NAME[@REVISION] on the Hub.")
    ],
    split: Annotated[Split | None, typer.Option(help="List only videos of this split.")] = None,
    label: Annotated[Label | None, typer.Option(help="List only videos with this label.")] = None,
    generator: Annotated[
        str | None, typer.Option(help="List only videos of this generator.")
    ] = None,
    artifact_type: Annotated[
        ArtifactType | None,
        typer.Option("--type", help="List only videos with an object of this type."),
    ] = None,
    video_id: Annotated[
        str | None,
        typer.Option(
            "--id", help="List only videos whose id matches this pattern, as in 'kling_*'."
        ),
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV with more columns than the table.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the videos of a release: id, split, label, generator, length, size, objects and artifact
    types.
    """
    from ..stats import Wanted, csv_of, listed_videos, table_of

    if as_csv and as_json:
        raise typer.BadParameter("--csv and --json: give only one of them")
    videos = listed_videos(release, Wanted(split, label, generator, artifact_type, video_id))
    if as_csv:
        typer.echo(csv_of(videos), nl=False)
    else:
        answer([video.to_dict() for video in videos], table_of(videos), as_json=as_json)


COMMAND = Command(list, group="Look", place=0, example="list release --split test --label broken")
