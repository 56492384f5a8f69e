"""`brokenvideos card`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from .answer import answer
from .command import Command
from .exit_status import DIFFERS, DONE
from .options import AsJson


def card(
    release: Annotated[Path, typer.Argument(help="A release folder.")],
    about: Annotated[
        Path | None,
        typer.Option(
            help="A TOML file with what only people can state: annotation, contact, agreement, "
            "baselines."
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Only list what is out of date, missing or wrong; then exit with status 1.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Complete a release's dataset card: numbers and figures counted in its shards, Croissant
    metadata, checksums.

    Needs the extra [card].
    """
    if not check:
        from ..publishing import write_card

        names = write_card(release, about=about, on_note=partial(typer.echo, err=True))
        made = f"{release}: card of {len(names)} files. Next: brokenvideos card {release} --check"
        answer({"release": str(release), "files": names}, made, as_json=as_json)
        return
    if about is not None:
        raise typer.BadParameter("--check reads the texts of the card itself. Leave --about out.")
    from ...card import check_card

    report = check_card(release)
    answer(report.to_dict(), "\n".join(report.lines()), as_json=as_json)
    raise typer.Exit(DONE if report.ok else DIFFERS)


COMMAND = Command(card, group="Hub", place=1, example="card release --about about.toml")
