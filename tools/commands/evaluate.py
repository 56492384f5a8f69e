"""`brokenvideos evaluate`."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import typer

from ...release import HOUSE, names_in
from .command import Command
from .options import AsJson, MasksAre, Workers

if TYPE_CHECKING:
    from ..evaluation import VideoScores

FORMS = names_in([f"{HOUSE}/tools/evaluation/predictions/formats"])


def _show_forms(show: bool) -> None:
    if show:
        from ..evaluation import formats_table

        typer.echo(formats_table())
        raise typer.Exit


def evaluate(
    truth: Annotated[Path, typer.Argument(help="A release, a raw folder, or {video_id}/{frame}.png.")],
    predictions: Annotated[
        Path,
        typer.Argument(help=f"Masks in any of these forms, of which --forms says more: {', '.join(FORMS)}."),
    ],
    missing: Annotated[
        str, typer.Option(help="error, or empty: a frame without a prediction counts as empty.")
    ] = "error",
    values: Annotated[
        str,
        typer.Option(help="How PNGs are read: auto (palette ids, or 0 and 1, or 0 and 255), ids, or soft (0 to 255)."),
    ] = "auto",
    first_frame: Annotated[
        int | None, typer.Option(min=0, max=1, help="Number of a video's first frame in the predictions, 0 or 1.")
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(help="JSON that says which video a number is, for YouTube-VIS and COCO results lists."),
    ] = None,
    split: Annotated[list[str] | None, typer.Option(help="Score only this split; may be given again.")] = None,
    skip_ends: Annotated[bool, typer.Option("--skip-ends", help="Leave out first and last annotated frames.")] = False,
    compare: Annotated[
        Path | None, typer.Option(help="Another prediction: paired differences on the same videos.")
    ] = None,
    no_floors: Annotated[bool, typer.Option("--no-floors", help="Do not score predictions that know nothing.")] = False,
    void: Annotated[int | None, typer.Option(min=1, help="Of a DAVIS truth: a label value to leave out.")] = None,
    masks_are: MasksAre = None,
    per_object: Annotated[
        bool, typer.Option("--per-object", help="Also score every object on its own, as --protocol says.")
    ] = False,
    protocol: Annotated[
        str | None,
        typer.Option(help="Whose rule scores objects on their own: davis (with --per-object alone), sav or ytvos."),
    ] = None,
    as_json: AsJson = False,
    json_file: Annotated[Path | None, typer.Option("--out-json", "-o", help="Write everything as JSON.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write the scores of every video.")] = None,
    html_file: Annotated[
        Path | None, typer.Option("--html", help="Write a page with plots and the worst videos.")
    ] = None,
    forms: Annotated[
        bool,
        typer.Option("--forms", is_eager=True, callback=_show_forms, help="List the forms of predictions and exit."),
    ] = False,
    workers: Workers = 1,
) -> None:
    """Score predicted masks: J&F as DAVIS, broken and normal videos apart, floors and 95 % intervals beside every score."""
    from ...builder.work import write_atomic
    from ..evaluation import Missing, Protocol, Values, evaluate as run, html_report, worst_videos
    from .progress import progress

    how_missing = cast(Missing, _one_of("missing", missing, get_args(Missing)))
    how_values = cast(Values, _one_of("values", values, get_args(Values)))
    how_objects = (
        None if protocol is None and not per_object else _one_of("protocol", protocol or "davis", get_args(Protocol))
    )
    with progress() as show:
        found = run(
            truth,
            predictions,
            missing=how_missing,
            values=how_values,
            first_frame=first_frame,
            names=names,
            splits=split,
            skip_ends=skip_ends,
            floors=not no_floors,
            compare=compare,
            void=void,
            masks_are=masks_are,
            protocol=cast(Protocol | None, how_objects),
            workers=workers,
            on_progress=show,
        )
    text = json.dumps(found.to_dict(), indent=1, allow_nan=False)
    if json_file is not None:
        write_atomic(json_file, f"{text}\n".encode())
    if csv_file is not None:
        write_atomic(csv_file, videos_csv(found.videos).encode())
    if html_file is not None:
        write_atomic(html_file, html_report(found, worst_videos(found)).encode())
    typer.echo(text if as_json else found.table())


def videos_csv(videos: Sequence["VideoScores"]) -> str:
    """A line per video: what it is, then every metric that any video has; a number that nobody can give is left empty."""
    rows = [video.to_dict() for video in videos]
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow(row | {"artifact_types": " ".join(row["artifact_types"])})
    return text.getvalue()


def _one_of(option: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise typer.BadParameter(f"{option} {value!r}: wanted {' or '.join(known)}")
    return value


COMMAND = Command(evaluate, group="Model", place=3, example="evaluate release predictions --html report.html")
