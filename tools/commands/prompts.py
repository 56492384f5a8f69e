"""`brokenvideos prompts`."""

from pathlib import Path
from typing import Annotated

import typer

from .answer import answer
from .command import Command
from .options import AsJson


def prompts(
    out: Annotated[
        Path | None, typer.Argument(help="The prompt file to make, as in prompts.jsonl.")
    ] = None,
    strength: Annotated[
        int,
        typer.Option(
            min=1, help="2 covers every possible pair of values, 3 every triple, and so on."
        ),
    ] = 2,
    per_trigger: Annotated[
        int, typer.Option(min=0, help="Smallest number of prompts with each trigger.")
    ] = 0,
    seeds: Annotated[
        int,
        typer.Option(
            min=1, help="Number of seeds of each prompt; `generate` makes a clip for each."
        ),
    ] = 1,
    taxonomy: Annotated[
        Path | None, typer.Option(help="A TOML file to use in place of the built-in taxonomy.")
    ] = None,
    extend: Annotated[
        Path | None,
        typer.Option(
            help="A prompt file to extend: its lines stay, and prompts that it lacks are added."
        ),
    ] = None,
    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Also print the coverage, the number of prompts beside its lower bound, and the "
            "counts of values.",
        ),
    ] = False,
    check: Annotated[
        Path | None,
        typer.Option(
            help="Write nothing; print what this list of prompts (.txt, .jsonl, .json) covers."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write prompts that cover a taxonomy of situations in which video models fail.

    A trigger is what makes models fail, such as hands or text. Each prompt with a trigger has a
    control: a prompt of the same situation without the trigger.
    """
    from ..prompts import (
        OURS,
        check_list,
        read_list,
        read_prompts,
        read_taxonomy,
        report_on,
        write_prompts,
    )

    read = read_taxonomy(taxonomy or OURS)
    if check is not None:
        if out is not None or extend is not None:
            raise typer.BadParameter("--check writes nothing; give it without OUT and --extend")
        coverage = check_list(read, read_list(check))
        answer(coverage.to_dict(), "\n".join(coverage.lines()), as_json=as_json)
        return
    if out is None:
        raise typer.BadParameter(
            "give the prompt file to make, as in prompts.jsonl, or --check FILE"
        )
    write_prompts(out, read, strength=strength, per_trigger=per_trigger, seeds=seeds, extend=extend)
    counted = report_on(read, read_prompts(out), strength=strength)
    made = f"{out}: {counted.num_rows} prompts and {counted.num_controls} controls."
    lines = [
        *(counted.lines() if report else ()),
        f"{made} Next: brokenvideos generate {out} OUT --model ID",
    ]
    answer(counted.to_dict(), "\n".join(lines), as_json=as_json)


COMMAND = Command(
    prompts, group="Data", place=1, example="prompts prompts.jsonl --seeds 2 --report"
)
