"""Prints the result of a command: a text for people, or one JSON value for machines."""

import json
from typing import Any

import typer


def answer(result: Any, text: str, *, as_json: bool) -> None:
    """Prints `text` to standard output, or `result` as JSON if `as_json`.

    Args:
        result: plain values: dicts, lists, texts, numbers, booleans, None.
        text: the same for people, without the last line end.

    Raises:
        ValueError: `result` holds a number that JSON does not have (NaN, infinity).
    """
    typer.echo(json.dumps(result, indent=1, allow_nan=False) if as_json else text)
