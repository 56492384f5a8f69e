"""`brokenvideos train`."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .answer import answer
from .command import Command
from .options import AsJson, choice_of_files, height_width

if TYPE_CHECKING:
    Recipe = str
else:
    Recipe = choice_of_files("tools/training/recipes")


def train(
    data: Annotated[
        str, typer.Option(help="A release folder, `sample`, or OWNER/NAME@REVISION on the Hub.")
    ],
    recipe: Annotated[Recipe, typer.Option(help="The model to train.")] = "unet",
    out: Annotated[
        Path, typer.Option(help="A new folder for checkpoints, logs, model and scores.")
    ] = Path("trained"),
    holdout: Annotated[
        str | None,
        typer.Option(
            help="Leave artifact:TYPE or generator:NAME out of training, and score it separately."
        ),
    ] = None,
    init: Annotated[
        str | None, typer.Option(help="A checkpoint whose weights the model starts from.")
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Continue an interrupted run in OUT from its last checkpoint."
        ),
    ] = False,
    epochs: Annotated[int, typer.Option(help="Number of passes over the training split.")] = 20,
    steps: Annotated[
        int | None, typer.Option(help="Stop after this number of steps, if the epochs have more.")
    ] = None,
    size: Annotated[
        str | None,
        typer.Option(help="Clips are scaled to WIDTHxHEIGHT pixels. Default: the recipe's."),
    ] = None,
    num_frames: Annotated[
        int | None, typer.Option(help="Number of frames in a clip. Default: the recipe's.")
    ] = None,
    stride: Annotated[int, typer.Option(help="A clip takes every stride-th frame.")] = 1,
    clips_per_video: Annotated[
        int, typer.Option(help="Number of clips per video in an epoch.")
    ] = 1,
    batch_size: Annotated[
        int | None,
        typer.Option(help="Number of clips per process and step. Default: the recipe's."),
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help="Highest learning rate. Default: the recipe's.")
    ] = None,
    no_augment: Annotated[
        bool, typer.Option("--no-augment", help="Do not augment the clips.")
    ] = False,
    faults: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of clips that get a synthetic fault, as in 0.5."),
    ] = 0.0,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of initial weights, clips and augmentation.")
    ] = 0,
    workers: Annotated[
        int, typer.Option(min=0, help="Number of decoding processes for each training process.")
    ] = 0,
    precision: Annotated[
        Literal["auto", "no", "fp16", "bf16"],
        typer.Option(help="Mixed precision. auto is bf16 on a GPU that supports it, otherwise no."),
    ] = "auto",
    patience: Annotated[
        int,
        typer.Option(
            min=0, help="Stop after this number of validations without a gain; 0: never stop early."
        ),
    ] = 5,
    validate_epochs: Annotated[int, typer.Option(help="Number of epochs between validations.")] = 1,
    checkpoint_steps: Annotated[
        int | None,
        typer.Option(
            help="Number of steps between checkpoints, in addition to one after each epoch."
        ),
    ] = None,
    cpu: Annotated[
        bool, typer.Option("--cpu", help="Train on the CPU, even if there is a GPU.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train a model that finds artifacts, keep the best one on the validation split, and score it
    on the test split.

    On several GPUs: accelerate launch --num_processes N $(which brokenvideos) train …
    """
    from ..training import TrainOptions, need_extra
    from .progress import progress

    need_extra("train")
    from ..training import train as run

    options = TrainOptions(
        recipe=recipe,
        holdout=holdout,
        init=init,
        epochs=epochs,
        steps=steps,
        size=None if size is None else height_width(size),
        num_frames=num_frames,
        stride=stride,
        clips_per_video=clips_per_video,
        batch_size=batch_size,
        lr=lr,
        augment=not no_augment,
        faults=faults,
        seed=seed,
        workers=workers,
        precision=precision,
        patience=patience,
        validate_epochs=validate_epochs,
        checkpoint_steps=checkpoint_steps,
        cpu=cpu,
    )
    with progress() as show:
        results = run(
            data,
            out,
            options,
            resume=resume,
            on_progress=show,
            say=partial(typer.echo, err=as_json),
        )
    if results is None:  # of several processes, only the first has and prints the results
        return
    warning = [] if results.warning is None else [f"\n{results.warning}"]
    made = f"{results.model}: the model. Its predictions for test: {out / 'predictions'}"
    facts = {"model": str(results.model), "warning": results.warning, **results.to_dict()}
    answer(facts, "\n".join([*warning, f"\n{results.table()}\n\n{made}"]), as_json=as_json)


def _kept(parameters: Mapping[str, Any]) -> str:
    checkpoints = sorted((parameters["out"] / "checkpoints").glob("step-" + "[0-9]" * 8))
    if not checkpoints:
        return "There is no checkpoint yet. The same command starts from the beginning."
    return f"{checkpoints[-1]} is kept. The same command with --resume continues from there."


COMMAND = Command(
    train,
    group="Model",
    place=1,
    example="train --data release --recipe unet --out trained",
    kept=_kept,
)
