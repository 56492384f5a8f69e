"""`brokenvideos list`."""

from typing import Annotated, Literal

import typer

from .answer import answer
from .command import Command
from .options import AsJson, Split

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
    answer([video.to_dict() for video in videos], table_of(videos), as_json=as_json)


COMMAND = Command(list, group="Look", place=0, example="list release --split test --label broken")
