"""`brokenvideos view`."""

from pathlib import Path
from typing import Annotated

import typer

from .answer import answer
from .command import Command
from .options import AsJson


def view(
    release: Annotated[str, typer.Argument(help="A release folder, or `sample`.")],
    video_id: Annotated[
        str | None,
        typer.Argument(
            help="The video's id; `brokenvideos list RELEASE` lists all ids.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", help="The file to write: a .png contact sheet of frames, or an .mp4."
        ),
    ] = Path("view.png"),
    frames: Annotated[
        str,
        typer.Option(
            help="Frames of the contact sheet, as in 0,5,10. Default: evenly spaced frames."
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Draw a video's frames with its masks: colours and outlines by artifact type, with a
    legend.
    """
    if video_id is None:
        raise typer.BadParameter(
            f"give a video id. `brokenvideos list {release}` lists the ids of the release"
        )
    from ...sampling import find_row
    from ..view import view as draw

    numbers = [int(number) for number in frames.split(",")] if frames else None
    made = draw(find_row(release, video_id), out, frames=numbers)
    answer({"picture": str(made)}, str(made), as_json=as_json)


COMMAND = Command(view, group="Look", place=1, example="view sample VIDEO_ID --out view.png")
