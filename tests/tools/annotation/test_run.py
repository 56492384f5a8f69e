"""What the command says of itself."""

import shlex
from dataclasses import fields
from pathlib import Path

import pytest
import typer

from brokenvideos.tools.annotation import AnnotateOptions
from brokenvideos.tools.annotation.run import command_of
from brokenvideos.tools.commands.annotate import annotate


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (AnnotateOptions(Path("clips"), browser=True), "brokenvideos annotate clips"),
        (
            AnnotateOptions(Path("my clips"), out=Path("out"), user="Ada L", double_percent=10),
            "brokenvideos annotate 'my clips' --out out --user 'Ada L' --double 10 --no-browser",
        ),
        (
            AnnotateOptions(
                Path("c"),
                host="0.0.0.0",
                port=8000,
                token="a-long-secret-of-ours",
                independent=True,
            ),
            "brokenvideos annotate c --host 0.0.0.0 --port 8000 --token TOKEN --independent "
            "--no-browser",
        ),
        (
            AnnotateOptions(
                Path("c"), proposals=Path("p"), artifact_type="blur", engine="sam2", browser=True
            ),
            "brokenvideos annotate c --engine sam2 --proposals p --artifact-type blur",
        ),
    ],
)
def test_the_command_that_goes_on(options, wanted):
    assert command_of(options) == wanted


def test_the_command_that_goes_on_has_options_of_the_command_line_only():
    app = typer.Typer()
    app.command()(annotate)
    known = {
        name
        for option in typer.main.get_command(app).params
        for name in (*option.opts, *option.secondary_opts)
    }
    odd = {
        field.name: True if field.name == "independent" else "other"
        for field in fields(AnnotateOptions)
    }
    given = AnnotateOptions(**{**odd, "browser": False})
    words = [word for word in shlex.split(command_of(given)) if word.startswith("--")]
    assert len(words) == len(fields(AnnotateOptions)) - 1  # the folder has no name
    assert set(words) <= known
