"""`brokenvideos external`."""

from pathlib import Path
from typing import Annotated

import typer

from .answer import answer
from .command import Command
from .options import AsJson, Workers


def external(
    model: Annotated[
        str,
        typer.Argument(
            help="A folder that `train` has written, a Hub repository of one, or all-empty, "
            "all-full, centre-box."
        ),
    ],
    sets: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=FOLDER...",
            help="Sets: each a release, or a raw folder of any layout, which is built.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="A new folder for what is built and predicted.")],
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda or cuda:1; else CUDA where there is one.")
    ] = None,
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Score one model on several sets, as those of other people: one table, floors beside every
    score.
    """
    from ..external import score_sets, sets_dict, sets_table
    from .progress import progress

    named: dict[str, Path] = {}
    for given in sets:
        name, _, folder = given.partition("=")
        if not name or not folder or name in named or "/" in name or name.startswith("."):
            raise typer.BadParameter(
                f"set {given!r}: wanted NAME=FOLDER, each with a name of its own, as in "
                "geneva=data/geneva"
            )
        named[name] = Path(folder)
    with progress() as show:
        scores = score_sets(model, named, out, device=device, workers=workers, on_progress=show)
    answer(sets_dict(scores), sets_table(scores), as_json=as_json)


COMMAND = Command(
    external,
    group="Model",
    place=4,
    example="external trained geneva=geneva anakin=anakin --out out",
    work=("tools.prediction.prediction", "tools.training.predictor", "tools.evaluation.scoring"),
)
