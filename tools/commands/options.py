"""Options that several commands share, and parsers of their values."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ...release import HOUSE, names_in

Workers = Annotated[
    int, typer.Option(min=1, help="Number of processes. The result is the same for any number.")
]
MasksAre = Annotated[
    Literal["displayed", "coded"] | None,  # as in builder.raw
    typer.Option(
        help="The grid in which masks of rotated videos were drawn, if their size does not show it."
    ),
]
ArtifactType = Literal["motion", "deformation", "blur"]  # as in masks.ARTIFACT_TYPES
Split = Literal["train", "validation", "test"]  # as in release.SPLITS
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value for machines.")]
Host = Annotated[
    str,
    typer.Option(help="The address to serve at. An address other than loopback requires --token."),
]
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="The port to serve at; 0 chooses a free one.")
]
Token = Annotated[
    str | None,
    typer.Option(help="The secret part of the page's address. Default: a new one each time."),
]
Browser = Annotated[
    bool, typer.Option("--browser/--no-browser", help="Open the page in your browser.")
]


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
        help="Write a page as a folder: all figures, and the worst videos frame by frame. Open its "
        "index.html.",
    ),
]
MaxMb = Annotated[
    int, typer.Option(min=1, help="The largest size of the folder of the page, in megabytes.")
]


def choice_of_files(folder: str, *more: str) -> Any:
    """The type of an option with a fixed set of values: `more`, then one per Python file of a
    folder.

    Args:
        folder: path of the folder in this package, as in "builder/layouts". In file names,
            _ becomes -. The files are listed but not imported, because their imports are slow.
    """
    names = (name.replace("_", "-") for name in names_in([f"{HOUSE}/{folder}"]))
    return Literal[(*more, *names)]


def height_width(size: str) -> tuple[int, int]:
    """(height, width) in pixels, read from a text WIDTHxHEIGHT.

    Raises:
        typer.BadParameter: the text has another form.
    """
    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise typer.BadParameter(f"size {size!r}: wanted WIDTHxHEIGHT, as in 128x96")
    return int(height), int(width)
