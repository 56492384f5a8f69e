"""`brokenvideos evaluate`."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ...release import HOUSE, names_in
from .answer import answer
from .command import Command
from .options import AsJson, MasksAre, MaxMb, ReportPage, Workers

if TYPE_CHECKING:
    from ..evaluation import AnsweredVideo, AnswersEvaluation, Evaluation, Missing, VideoScores

FORMS = names_in([f"{HOUSE}/tools/evaluation/predictions/formats"])


def _show_forms(show: bool) -> None:
    if show:
        from ..evaluation import formats_table

        typer.echo(formats_table())
        raise typer.Exit


_FOR_ANSWERS = {
    "truth",
    "predictions",
    "missing",
    "split",
    "no_floors",
    "void",
    "masks_are",
    "workers",
}
_FOR_ANSWERS |= {"as_json", "json_file", "csv_file", "html", "max_mb"}
"""Parameters that also apply to the answers of a language model."""


def evaluate(
    ctx: typer.Context,
    truth: Annotated[
        Path, typer.Argument(help="A release, a raw folder, or a folder of {video_id}/{frame}.png.")
    ],
    predictions: Annotated[
        Path,
        typer.Argument(
            help=f"Masks in any of these forms: {', '.join(FORMS)} (--forms explains them); "
            "or a .jsonl file with the answers of a language model."
        ),
    ],
    missing: Annotated[
        Literal["error", "empty"],  # as in evaluation.Missing
        typer.Option(
            help="A frame without a prediction: error stops; empty counts it as an empty mask."
        ),
    ] = "error",
    values: Annotated[
        Literal["auto", "ids", "soft"],  # as in evaluation.Values
        typer.Option(
            help="How PNGs are read: auto (palette ids, or 0 and 1, or 0 and 255), ids, or soft (0 "
            "to 255)."
        ),
    ] = "auto",
    first_frame: Annotated[
        int | None,
        typer.Option(min=0, max=1, help="The number of a video's first frame in the predictions."),
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(
            help="A JSON file that maps video numbers to ids, for YouTube-VIS and COCO results "
            "lists."
        ),
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option(
            help="Score only this split: train, validation or test. Repeat for more splits."
        ),
    ] = None,
    skip_ends: Annotated[
        bool,
        typer.Option(
            "--skip-ends", help="Leave out the first and last annotated frame of each video."
        ),
    ] = False,
    compare: Annotated[
        Path | None,
        typer.Option(
            help="Other predictions of the same videos: report paired differences to them."
        ),
    ] = None,
    no_floors: Annotated[
        bool,
        typer.Option(
            "--no-floors",
            help="Do not score the floors: trivial predictions such as empty and full masks.",
        ),
    ] = False,
    void: Annotated[
        int | None,
        typer.Option(min=1, help="For a truth in DAVIS form: a label value of pixels to ignore."),
    ] = None,
    masks_are: MasksAre = None,
    per_object: Annotated[
        bool,
        typer.Option(
            "--per-object", help="Also score every object separately, by the rule of --protocol."
        ),
    ] = False,
    protocol: Annotated[
        Literal["davis", "sav", "ytvos"] | None,  # as in evaluation.Protocol
        typer.Option(
            help="Score every object separately by this benchmark's rule. Default with "
            "--per-object: davis."
        ),
    ] = None,
    as_json: AsJson = False,
    json_file: Annotated[
        Path | None, typer.Option("--out-json", "-o", help="Write all results as JSON.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write the scores of every video as CSV.")
    ] = None,
    html: ReportPage = None,
    max_mb: MaxMb = 60,
    forms: Annotated[
        bool,
        typer.Option(
            "--forms",
            is_eager=True,
            callback=_show_forms,
            help="List the forms of predictions and exit.",
        ),
    ] = False,
    workers: Workers = 1,
) -> None:
    """Score predicted masks: J&F as in DAVIS, broken and normal videos apart, with trivial
    baselines and intervals.
    """
    from ...builder.work import write_atomic
    from ..evaluation import evaluate as run, is_answers
    from .progress import progress

    if is_answers(predictions):
        _refuse_options_of_masks(ctx, predictions)
        _answers(
            truth,
            predictions,
            missing=missing,
            splits=split,
            floors=not no_floors,
            void=void,
            masks_are=masks_are,
            as_json=as_json,
            files={"json": json_file, "csv": csv_file},
            html=html,
            max_mb=max_mb,
        )
        return
    how_objects = protocol or ("davis" if per_object else None)
    with progress() as show:
        evaluation = run(
            truth,
            predictions,
            missing=missing,
            values=values,
            first_frame=first_frame,
            names=names,
            splits=split,
            skip_ends=skip_ends,
            floors=not no_floors,
            compare=compare,
            void=void,
            masks_are=masks_are,
            protocol=how_objects,
            workers=workers,
            on_progress=show,
        )
    text = json.dumps(evaluation.to_dict(), indent=1, allow_nan=False)
    if json_file is not None:
        write_atomic(json_file, f"{text}\n".encode())
    if csv_file is not None:
        write_atomic(csv_file, videos_csv(evaluation.videos).encode())
    answer(evaluation.to_dict(), evaluation.table(), as_json=as_json)
    if html is not None:
        typer.echo(write_page(evaluation, html, max_bytes=max_mb * 10**6), err=as_json)


def _refuse_options_of_masks(ctx: typer.Context, answers: Path) -> None:
    wrong = []
    for parameter in ctx.command.params:
        source = ctx.get_parameter_source(str(parameter.name))
        if (
            parameter.name not in _FOR_ANSWERS
            and source is not None
            and source.name == "COMMANDLINE"
        ):
            wrong.append(parameter.opts[0])
    if wrong:
        raise typer.BadParameter(
            f"{', '.join(wrong)}: only of masks; {answers} holds answers of a language model"
        )


def _answers(
    truth: Path,
    answers: Path,
    *,
    missing: "Missing",
    splits: Sequence[str] | None,
    floors: bool,
    void: int | None,
    masks_are: MasksAre,
    as_json: bool,
    files: Mapping[str, Path | None],
    html: Path | None,
    max_mb: int,
) -> None:
    from ...builder.work import write_atomic
    from ..evaluation import evaluate_answers
    from .progress import progress

    with progress() as show:
        evaluation = evaluate_answers(
            truth,
            answers,
            missing=missing,
            splits=splits,
            floors=floors,
            void=void,
            masks_are=masks_are,
            on_progress=show,
        )
    text = json.dumps(evaluation.to_dict(), indent=1, allow_nan=False)
    contents = {
        "json": lambda: f"{text}\n",
        "csv": lambda: videos_csv(evaluation.videos),
    }
    for kind, path in files.items():
        if path is not None:
            write_atomic(path, contents[kind]().encode())
    answer(evaluation.to_dict(), evaluation.table(), as_json=as_json)
    if html is not None:
        typer.echo(write_answers_page(evaluation, html, max_bytes=max_mb * 10**6), err=as_json)


def write_page(found: "Evaluation", out: Path, *, max_bytes: int) -> str:
    """Writes the page of an evaluation as a folder, and says what it holds; truth and predictions
    are read as they were.
    """
    from ..evaluation import Reading, evaluation_report
    from ..explorer import open_annotated, open_other, write_static_page
    from .progress import progress

    options = found.options
    report = evaluation_report(found)
    source = open_annotated(Path(found.truth), void=options["void"], masks_are=options["masks_are"])
    names = None if options["names"] is None else Path(options["names"])
    reading = Reading(options["values"], options["first_frame"], names, None, options["masks_are"])
    other = open_other(Path(found.predictions), report.videos, source=found.truth, reading=reading)
    with progress() as show:
        return write_static_page(
            source, [other], out, max_bytes=max_bytes, report=report, on_progress=show
        )


def write_answers_page(found: "AnswersEvaluation", out: Path, *, max_bytes: int) -> str:
    """Writes the page of an evaluation of answers as a folder, and says what it holds."""
    from ..evaluation import answers_report
    from ..explorer import open_annotated, write_static_page
    from .progress import progress

    options = found.options
    source = open_annotated(Path(found.truth), void=options["void"], masks_are=options["masks_are"])
    report = answers_report(found)
    with progress() as show:
        return write_static_page(
            source, [], out, max_bytes=max_bytes, report=report, on_progress=show
        )


def videos_csv(videos: Sequence["VideoScores | AnsweredVideo"]) -> str:
    """CSV text with a line per video: its facts, then its metrics; a metric without a value is
    empty.
    """
    rows = [video.to_dict() for video in videos]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row | {"artifact_types": " ".join(row["artifact_types"])})
    return text.getvalue()


COMMAND = Command(
    evaluate,
    group="Model",
    place=3,
    example="evaluate release predictions --html report",
    work=("tools.evaluation.scoring",),
)
