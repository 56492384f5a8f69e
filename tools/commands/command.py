"""The record that describes one command to the command line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Group = Literal["Start", "Data", "Release", "Look", "Hub", "Model"]
GROUPS: tuple[Group, ...] = get_args(Group)
"""The headings of `brokenvideos --help`, in the order of a dataset's life."""


def starts_over(parameters: Mapping[str, Any]) -> str:
    """The message after Ctrl-C for a command that keeps nothing."""
    return "The same command starts from the beginning."


@dataclass(frozen=True, slots=True)
class Command:
    """One command. To add one, write a module in this folder with such a record named `COMMAND`.

    Attributes:
        run: the function that typer calls. It gives the command its name, help text and options.
            Every module of this folder is loaded with the command line, so `run` imports heavy
            modules only when it is called.
        group: the heading in `brokenvideos --help`.
        place: position under this heading, from 0.
        example: an example call without the word `brokenvideos`, shown at the end of the help.
        work: modules that the worker processes of `--workers` need, as in "builder.tasks". They are
            imported in advance, while the command itself imports.
        kept: returns the message after Ctrl-C: what is kept and how to continue. It gets the
            values of the command's parameters by name.
    """

    run: Callable[..., None]
    group: Group
    place: int
    example: str
    work: tuple[str, ...] = ()
    kept: Callable[[Mapping[str, Any]], str] = starts_over
