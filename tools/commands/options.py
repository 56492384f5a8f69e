"""Options that several commands share, and how texts are read that stand in more than one of them."""

from typing import Annotated, Literal

import typer

Workers = Annotated[int, typer.Option(min=1, help="Number of processes. The result is the same for any number.")]
MasksAre = Annotated[
    Literal["displayed", "coded"] | None,  # as in builder.raw
    typer.Option(help="How masks of videos that players turn were drawn, where their size does not tell."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]


def height_width(size: str) -> tuple[int, int]:
    """(height, width) of a text WIDTHxHEIGHT, both in pixels.

    Raises:
        typer.BadParameter: another form.
    """
    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise typer.BadParameter(f"size {size!r}: wanted WIDTHxHEIGHT, as in 128x96")
    return int(height), int(width)
