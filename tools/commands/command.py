"""What a command is to the command line."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Group = Literal["Start", "Data", "Release", "Look", "Hub", "Model"]
GROUPS: tuple[Group, ...] = get_args(Group)
"""The headings of `brokenvideos --help`, in the order of a dataset's life."""


def starts_over(parameters: Mapping[str, Any]) -> str:
    """What Ctrl-C says after a command that keeps nothing."""
    return "The same command starts over."


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `COMMAND` of a module in this folder, which is all that adding one needs.

    run: the function that typer reads. The command has its name, its docstring and its options. It imports what the work needs
        when it is called: every module of this folder is loaded with the command line.
    place: its place under the heading `group`.
    example: a call that can be copied, without `brokenvideos`; the end of the command's help.
    work: modules of the house, as in "builder.tasks", that the processes of its option --workers need.
    kept: what is kept of a call that was stopped with Ctrl-C and what goes on from there, by the values of its parameters.
    """

    run: Callable[..., None]
    group: Group
    place: int
    example: str
    work: tuple[str, ...] = ()
    kept: Callable[[Mapping[str, Any]], str] = starts_over
