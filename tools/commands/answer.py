"""What a command prints when it is done: a text for people, or one JSON value for machines."""

import json
from typing import Any

import typer


def answer(found: Any, text: str, *, as_json: bool) -> None:
    """Prints to standard output `text`, or with `--json` what `found` holds, as plain values; and nothing else.

    Raises:
        ValueError: `found` holds a number that JSON does not have (NaN, infinity).
    """
    typer.echo(json.dumps(found, indent=1, allow_nan=False) if as_json else text)
