"""`brokenvideos list`."""

import json
from typing import Annotated, Literal

import typer

from .command import Command
from .options import AsJson

Split = Literal["train", "validation", "test"]  # as in release.SPLITS
Label = Literal["normal", "broken"]  # as in release.LABELS


def list(
    release: Annotated[str, typer.Argument(help="A release folder, or `sample`.")],
    split: Annotated[Split | None, typer.Option(help="Only of this split.")] = None,
    label: Annotated[Label | None, typer.Option(help="Only of this label.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the videos of a release: ids, split, label, generator, length, size and artifact types."""
    from ..stats import listed_videos, table_of

    videos = listed_videos(release, split=split, label=label)
    typer.echo(json.dumps([video.to_dict() for video in videos], indent=1) if as_json else table_of(videos))


COMMAND = Command(list, group="Look", place=0, example="list release --split test --label broken")
