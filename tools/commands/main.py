"""The command line `brokenvideos COMMAND`: reads arguments, calls other rooms, prints errors as one
line.
"""

import os
import sys
import traceback
from collections.abc import Iterable, Mapping
from os.path import dirname
from typing import Annotated, Any, TypeGuard

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup

from ...release import DATA_VERSION, __version__, in_words_with_advice, records_in
from .command import GROUPS, Command
from .exit_status import DIFFERS, STOPPED


def commands(folders: Iterable[str], package: str) -> list[Command]:
    """The `COMMAND` of every module in these folders, by group and place.

    Args:
        package: the package whose modules they are.
    """
    listed = records_in(folders, package, record="COMMAND")
    return sorted(
        listed,
        key=lambda command: (GROUPS.index(command.group), command.place, command.run.__name__),
    )


def command_line(listed: Iterable[Command]) -> typer.Typer:
    """The program with these commands, under the headings of their groups."""
    app = typer.Typer(
        name="brokenvideos",
        cls=_InGroups,
        rich_markup_mode=None,  # rich makes help three times slower and swallows square brackets
        help="Pixel-exact artifact masks for AI-generated videos: build, verify, load and look.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback(invoke_without_command=True)(_version)
    for command in listed:
        epilog = f"Example: brokenvideos {command.example}"
        app.command(cls=_kind_of(command), rich_help_panel=command.group, epilog=epilog)(
            command.run
        )
    return app


def main() -> None:
    """Runs a command. An error that our libraries raise on purpose becomes one line and exit status
    1.
    """
    try:
        app()
    except (ValueError, OSError, RuntimeError) as error:
        if _is_of_output(error):
            # Otherwise Python would try to write the rest when it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            error = OSError(error.errno, error.strerror, "standard output")
        print(f"brokenvideos: {in_words_with_advice(error)}", file=sys.stderr)
        sys.exit(DIFFERS)


def _is_of_output(error: BaseException) -> TypeGuard[OSError]:
    """Whether standard output could not be written, as on a full disk. Such an error names no
    file.
    """
    if not isinstance(error, OSError) or error.errno is None or error.filename is not None:
        return False
    return traceback.extract_tb(error.__traceback__)[-1].name == typer.echo.__name__


class _InGroups(TyperGroup):
    """A command group whose help lists the commands under the headings of their groups."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for group in GROUPS:
            commands = [
                command for command in self.commands.values() if _group_of(command) == group
            ]
            if commands:
                widest = max(len(name) for name in self.commands)
                with formatter.section(group):
                    rows = [
                        (str(command.name).ljust(widest), command.get_short_help_str(300))
                        for command in commands
                    ]
                    formatter.write_dl(rows)


def _kind_of(command: Command) -> type[TyperCommand]:
    """A class of commands that show arguments in capitals and, after Ctrl-C, print what is kept."""

    class Stoppable(TyperCommand):
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            for param in self.params:
                if isinstance(param, TyperArgument):
                    param.metavar = param.metavar or param.name.upper()

        def collect_usage_pieces(self, ctx: Any) -> list[str]:
            return [
                piece.replace("{", "").replace("}", "")
                for piece in super().collect_usage_pieces(ctx)
            ]

        def invoke(self, ctx: Any) -> Any:
            try:
                _import_for_workers(command, ctx.params)
                return super().invoke(ctx)
            except KeyboardInterrupt:
                print(f"brokenvideos: stopped. {command.kept(ctx.params)}", file=sys.stderr)
                sys.exit(STOPPED)

    return Stoppable


def _import_for_workers(command: Command, parameters: Mapping[str, Any]) -> None:
    """Lets another process import what workers need, while this one imports what the command
    needs.
    """
    if command.work and parameters["workers"] > 1 and parameters.get("device") in (None, "cpu"):
        from ...builder.work import import_ahead

        import_ahead(*(f"{__name__.partition('.')[0]}.{module}" for module in command.work))


def _group_of(command: Any) -> str | None:
    group: str | None = command.rich_help_panel
    return group


def _version(
    show: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if show:
        typer.echo(f"brokenvideos {__version__} (data version {DATA_VERSION})")
        raise typer.Exit


app = command_line(commands([dirname(__file__)], __package__))
