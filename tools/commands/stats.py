"""`brokenvideos stats`."""

from pathlib import Path
from typing import Annotated

import typer

from .answer import answer
from .command import Command
from .options import AsJson


def stats(
    release: Annotated[Path, typer.Argument(help="A release folder.")],
    as_json: AsJson = False,
) -> None:
    """Count a release per split, list near-duplicate videos, and show how well metadata alone
    predicts the labels.
    """
    from ...builder.plan import release_groups
    from ...card import count_facts
    from ...release import read_manifest
    from ..stats import stats_dict, stats_text

    facts = count_facts(release)
    groups = release_groups(read_manifest(str(release)), name=str(release))
    answer(stats_dict(facts, groups), stats_text(facts, groups), as_json=as_json)


COMMAND = Command(stats, group="Release", place=7, example="stats release --json")
