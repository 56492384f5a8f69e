"""Options that several commands share, and how texts are read that stand in more than one of them."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ...release import HOUSE, names_in

Workers = Annotated[int, typer.Option(min=1, help="Number of processes. The result is the same for any number.")]
MasksAre = Annotated[
    Literal["displayed", "coded"] | None,  # as in builder.raw
    typer.Option(help="How masks of videos that players turn were drawn, where their size does not tell."),
]
ArtifactType = Literal["motion", "deformation", "blur"]  # as in masks.ARTIFACT_TYPES
Split = Literal["train", "validation", "test"]  # as in release.SPLITS
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value for machines.")]
Host = Annotated[str, typer.Option(help="The address to serve at; another than loopback demands a --token.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="The port to serve at; 0 takes a free one.")]
Token = Annotated[str | None, typer.Option(help="The secret part of the address. Default: a new one each time.")]
Browser = Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in your browser.")]


def _free_for_a_page(folder: Path | None) -> Path | None:
    """Refuses, before anything is computed, what cannot become the folder of a page."""
    if folder is None:
        return None
    if folder.suffix.lower() in (".html", ".htm"):
        named = folder.with_suffix("")
        raise typer.BadParameter(
            f"{folder}: the page is a folder; give --html {named}, and open {named / 'index.html'}"
        )
    from ..explorer import check_page

    check_page(folder)
    return folder


ReportPage = Annotated[
    Path | None,
    typer.Option(
        "--html",
        callback=_free_for_a_page,
        help="Write a page as a folder: all figures, and the worst videos frame by frame. Its index.html opens by itself.",
    ),
]
MaxMb = Annotated[int, typer.Option(min=1, help="How large the folder of the page may be, in megabytes.")]


def choice_of_files(folder: str, *more: str) -> Any:
    """The type of an option whose values are `more` and the names of the files in a folder of the house, with - for _.

    The files are listed, not imported: they need libraries that take long.
    """
    names = (name.replace("_", "-") for name in names_in([f"{HOUSE}/{folder}"]))
    return Literal[(*more, *names)]


def height_width(size: str) -> tuple[int, int]:
    """(height, width) of a text WIDTHxHEIGHT, both in pixels.

    Raises:
        typer.BadParameter: another form.
    """
    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise typer.BadParameter(f"size {size!r}: wanted WIDTHxHEIGHT, as in 128x96")
    return int(height), int(width)
