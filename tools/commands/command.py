"""What a command is to the command line."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

Group = Literal["Start", "Data", "Release", "Look", "Hub", "Model"]
GROUPS: tuple[Group, ...] = get_args(Group)
"""The headings of `brokenvideos --help`, in the order of a dataset's life."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command: `COMMAND` of a module in this folder, which is all that adding one needs.

    run: the function that typer reads. The command has its name, its docstring and its options. It imports what the work needs
        when it is called: every module of this folder is loaded with the command line.
    place: its place under the heading `group`.
    """

    run: Callable[..., None]
    group: Group
    place: int
