"""`brokenvideos annotate`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .command import Command
from .options import ArtifactType, Browser, Host, Port, Token, choice_of_files

if TYPE_CHECKING:
    Engine = str
else:
    Engine = choice_of_files("tools/annotation/engines/kinds")


def annotate(
    folder: Annotated[
        Path, typer.Argument(help="A folder of videos; or a raw folder or a release to correct.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The raw folder for masks and links to the videos. Default: FOLDER-raw."),
    ] = None,
    engine: Annotated[
        Engine,
        typer.Option(
            help="The method that makes masks and propagates them to other frames. flow needs no "
            "weights."
        ),
    ] = "flow",
    checkpoint: Annotated[
        str | None,
        typer.Option(help="The weights of the engine's model: an id on the Hub, or a path."),
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="The device of the model: cuda or cpu.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(help="Your name, which is saved with your masks. Default: the page asks."),
    ] = None,
    host: Host = "127.0.0.1",
    port: Port = 0,
    token: Token = None,
    browser: Browser = True,
    independent: Annotated[
        bool,
        typer.Option(
            "--independent",
            help="Every person annotates all videos and does not see others' masks.",
        ),
    ] = False,
    double: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=100,
            help="Percentage of the videos that two people annotate. Neither sees the other's "
            "masks.",
        ),
    ] = None,
    subtypes: Annotated[
        Path | None,
        typer.Option(
            help='A JSON file of subtypes to choose from, as in {"motion": ["flicker", "jump"]}.'
        ),
    ] = None,
    proposals: Annotated[
        Path | None,
        typer.Option(
            help="Predictions of a model, shown as proposals until a person accepts them."
        ),
    ] = None,
    generator: Annotated[
        str | None,
        typer.Option(help="Name of the model that made the videos, if FOLDER does not name it."),
    ] = None,
    artifact_type: Annotated[
        ArtifactType | None,
        typer.Option(help="Type of every object, if FOLDER is a raw folder without types."),
    ] = None,
    replay: Annotated[
        bool,
        typer.Option(
            "--replay",
            help="Open no page: repeat all calls of the engine, and print the IoU with each saved "
            "mask.",
        ),
    ] = False,
) -> None:
    """Mark what is broken in videos, in your browser: click, propagate the mask to the other
    frames, correct, review.
    """
    try:
        from ..annotation import AnnotateOptions, run_annotate, run_replay
    except ModuleNotFoundError as error:
        raise RuntimeError(
            f"the package {error.name} is missing. Install it in a checkout: pip install "
            "'.[annotate]'"
        ) from error

    options = AnnotateOptions(
        folder=folder,
        out=out,
        engine=engine,
        checkpoint=checkpoint,
        device=device,
        user=user,
        host=host,
        port=port,
        token=token,
        browser=browser,
        independent=independent,
        double_percent=double,
        subtypes=subtypes,
        proposals=proposals,
        generator=generator,
        artifact_type=artifact_type,
    )
    if replay:
        run_replay(options, say=_say)
    else:
        run_annotate(options, say=_say)


def _say(text: str) -> None:
    print(text, flush=True)  # a program that reads this output needs the page's address at once


COMMAND = Command(annotate, group="Data", place=3, example="annotate clips --user Ada")
