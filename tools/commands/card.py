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
        typer.Option(help="A TOML file with what nobody can count: annotation, contact, agreement, baselines."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only say what is stale, missing or wrong; status 1 if anything is.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Finish a release's card: numbers and figures counted in its shards, Croissant, checksums. Needs the extra [card]."""
    if not check:
        from ..publishing import write_card

        names = write_card(release, about=about, on_note=partial(typer.echo, err=True))
        made = f"{release}: card of {len(names)} files. Next: brokenvideos card {release} --check"
        answer({"release": str(release), "files": names}, made, as_json=as_json)
        return
    if about is not None:
        raise typer.BadParameter("--check compares with what the card was made from. Leave --about out.")
    from ...card import check_card

    report = check_card(release)
    answer(report.to_dict(), "\n".join(report.lines()), as_json=as_json)
    raise typer.Exit(DONE if report.ok else DIFFERS)


COMMAND = Command(card, group="Hub", place=1, example="card release --about about.toml")
