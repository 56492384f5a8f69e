"""What `--help` shows of every command, and the table of exit statuses."""

import ast
import re
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import brokenvideos.tools.commands
from brokenvideos.tools.commands import exit_status
from brokenvideos.tools.commands.command import Command
from brokenvideos.tools.commands.main import app, commands
from tests import house

HELP = Path(__file__).parent / "help"
FOLDER = house.ROOT / "tools" / "commands"
COMMANDS = commands(brokenvideos.tools.commands.__path__, "brokenvideos.tools.commands")
NAMES = [command.run.__name__ for command in COMMANDS]
WITHOUT_JSON = {"demo": "a tour for people", "annotate": "a server", "explore": "a server"}
RENEW = "`pytest tests/tools/commands/test_help.py --renew` writes it anew; look at the diff"


def rendered(*arguments: str) -> str:
    done = CliRunner().invoke(
        app, [*arguments, "--help"], env={"COLUMNS": "80"}, prog_name="brokenvideos"
    )
    assert done.exit_code == 0
    return done.stdout


@pytest.fixture(autouse=True)
def pinned_typer() -> None:
    """The texts are as the typer of constraints.txt draws them."""
    pinned = re.search(r"^typer==(\S+)", (house.ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    if version("typer") != pinned[1]:
        pytest.skip(f"typer is {version('typer')}, the stored texts are of {pinned[1]}")


@pytest.mark.parametrize("name", ["", *NAMES])
def test_help_is_as_it_was_looked_at(name: str, is_as_stored: Callable[[Path, str], bool]) -> None:
    path = HELP / f"{name or 'brokenvideos'}.txt"
    assert is_as_stored(path, rendered(*filter(None, [name]))), (
        f"{path.name} differs from --help: {RENEW}"
    )


def test_no_stored_help_is_of_a_command_that_is_gone() -> None:
    assert {path.stem for path in HELP.iterdir()} == {"brokenvideos", *NAMES}


def test_square_brackets_are_shown() -> None:
    assert "the extra [card]" in rendered("card")
    assert "Usage: brokenvideos verify [OPTIONS] RELEASE" in rendered("verify")


@pytest.mark.parametrize("name", NAMES)
def test_every_command_answers_machines_too(name: str) -> None:
    assert ("  --json " in rendered(name)) != (name in WITHOUT_JSON)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.run.__name__)
def test_every_argument_and_option_is_explained(command: Command) -> None:
    hints = {
        name: hint
        for name, hint in command.run.__annotations__.items()
        if name != "return" and hint is not typer.Context
    }
    assert [name for name, hint in hints.items() if not hint.__metadata__[0].help] == []


def statuses_in(path: Path) -> set[str]:
    """What is given to `typer.Exit` and `sys.exit` in a file: names and numbers."""
    given = set()
    for node in ast.walk(house.parse(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("typer.Exit", "sys.exit"):
            for part in node.args:
                leaves = list(ast.walk(part))
                given |= {
                    leaf.id for leaf in leaves if isinstance(leaf, ast.Name) and leaf.id.isupper()
                }
                given |= {
                    str(leaf.value)
                    for leaf in leaves
                    if isinstance(leaf, ast.Constant) and isinstance(leaf.value, int)
                }
    return given


def test_commands_end_with_a_status_of_the_table() -> None:
    named = {name for name in vars(exit_status) if name.isupper() and name != "MEANINGS"}
    assert {getattr(exit_status, name) for name in named} == set(exit_status.MEANINGS)
    given = {path.name: statuses_in(path) - named for path in sorted(FOLDER.glob("*.py"))}
    assert {name: wrong for name, wrong in given.items() if wrong} == {}
    elsewhere = [
        f"{path.relative_to(house.ROOT)}:{node.lineno}"
        for path in house.files().values()
        if path.parent != FOLDER
        for node in ast.walk(house.parse(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("typer.Exit", "sys.exit", "exit")
    ]
    assert elsewhere == []  # only the command line ends the program


def test_the_table_stands_in_the_docs() -> None:
    text = (house.ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", text, re.MULTILINE)
    assert {int(status): meaning for status, meaning in rows} == exit_status.MEANINGS


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["list", "sample"], exit_status.DONE),
        (["list", "nowhere"], exit_status.DIFFERS),
        (["list", "sample", "--split", "none"], exit_status.USAGE),
        (["build", "raw", "out", "--layout", "none"], exit_status.USAGE),
        (["list"], exit_status.USAGE),
        (["nothing"], exit_status.USAGE),
    ],
)
def test_a_status_is_what_the_table_says(arguments: list[str], status: int) -> None:
    try:
        done = CliRunner().invoke(app, arguments, catch_exceptions=False).exit_code
    except ValueError:  # `main` makes one line and DIFFERS of it: test_cli.py
        done = exit_status.DIFFERS
    assert done == status
