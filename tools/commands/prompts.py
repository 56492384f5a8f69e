"""`brokenvideos prompts`."""

from pathlib import Path
from typing import Annotated

import typer

from .answer import answer
from .command import Command
from .options import AsJson


def prompts(
    out: Annotated[Path | None, typer.Argument(help="The prompt file to make, as in prompts.jsonl.")] = None,
    strength: Annotated[
        int, typer.Option(min=1, help="Every feasible combination of so many values is asked for.")
    ] = 2,
    per_trigger: Annotated[int, typer.Option(min=0, help="At least so many prompts of every trigger.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds of each prompt: so many clips of it are made.")] = 1,
    taxonomy: Annotated[Path | None, typer.Option(help="A TOML file in place of the built-in taxonomy.")] = None,
    extend: Annotated[
        Path | None, typer.Option(help="A prompt file whose lines all stay; what they leave out is added.")
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Print coverage, rows against the bound, and balance.")
    ] = False,
    check: Annotated[
        Path | None, typer.Option(help="Say what a list of prompts (.txt, .jsonl, .json) covers; nothing is written.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write prompts that cover a taxonomy of failures, each with seeds and a control without the trigger."""
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
        found = check_list(read, read_list(check))
        answer(found.to_dict(), "\n".join(found.lines()), as_json=as_json)
        return
    if out is None:
        raise typer.BadParameter("give the prompt file to make, as in prompts.jsonl, or --check FILE")
    write_prompts(out, read, strength=strength, per_trigger=per_trigger, seeds=seeds, extend=extend)
    counted = report_on(read, read_prompts(out), strength=strength)
    made = f"{out}: {counted.num_rows} prompts and {counted.num_controls} controls."
    lines = [*(counted.lines() if report else ()), f"{made} Next: brokenvideos generate {out} OUT --model ID"]
    answer(counted.to_dict(), "\n".join(lines), as_json=as_json)


COMMAND = Command(prompts, group="Data", place=1, example="prompts prompts.jsonl --seeds 2 --report")
