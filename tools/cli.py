"""The command line: `brokenvideos COMMAND`. Arguments in, one line per error out; the work is done elsewhere."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

import brokenvideos
from brokenvideos.tools.agree.command import agree
from brokenvideos.tools.card.command import card
from brokenvideos.tools.evaluate.command import evaluate
from brokenvideos.tools.predict.command import predict
from brokenvideos.tools.publish.command import publish
from brokenvideos.tools.train.command import train
from brokenvideos.tools.verify.command import verify
from brokenvideos.tools.withdraw.command import withdraw

app = typer.Typer(
    name="brokenvideos",
    help="Pixel-exact artifact masks for AI-generated videos: build, verify, load and look.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Workers = Annotated[int, typer.Option(min=1, help="Processes; the result is the same for any number.")]
Engine = Literal["processes", "ray"]  # as in builder.engine, which is imported by the commands that need it
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]


def main() -> None:
    """Runs a command; an error that the libraries raise on purpose becomes one line and exit status 1."""
    try:
        app()
    except (ValueError, OSError, RuntimeError) as error:
        print(f"brokenvideos: {error}", file=sys.stderr)
        sys.exit(1)


@app.callback(invoke_without_command=True)
def version(
    show: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if show:
        typer.echo(f"brokenvideos {brokenvideos.__version__} (data version {brokenvideos.DATA_VERSION})")
        raise typer.Exit


@app.command()
def demo(folder: Annotated[Path, typer.Argument(help="A new folder for what is made.")] = Path("demo")) -> None:
    """Sample data -> build -> verify -> load_dataset -> a clip with its masks -> a picture. Offline."""
    from brokenvideos.tools.demo import run_demo

    run_demo(folder, say=typer.echo)


@app.command()
def sample(
    out: Annotated[Path, typer.Argument(help="The raw folder to make.")],
    videos: Annotated[int, typer.Option(min=1, help="How many videos.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Video k is the same for one seed, however many there are.")] = 0,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT in pixels, both even.")] = "128x96",
    num_frames: Annotated[int, typer.Option(min=8, help="Frames per video.")] = 24,
    fps: Annotated[int, typer.Option(min=1)] = 12,
    clean_twins: Annotated[
        bool, typer.Option("--clean-twins", help="Also write each broken video without its artifact.")
    ] = False,
    workers: Workers = 1,
) -> None:
    """Write a synthetic raw dataset: moving scenes with exact masks of motion, deformation and blur artifacts."""
    from brokenvideos.tools.progress import progress
    from brokenvideos.tools.sample import write_sample

    width, height = _pair(size)
    with progress() as show:
        write_sample(
            out,
            videos=videos,
            seed=seed,
            height=height,
            width=width,
            num_frames=num_frames,
            fps=fps,
            clean_twins=clean_twins,
            workers=workers,
            on_progress=show,
        )
    typer.echo(f"{out}: {videos} videos. Next: brokenvideos build {out} OUT")


@app.command()
def build(
    raw: Annotated[Path, typer.Argument(help="A folder of raw annotations.")],
    out: Annotated[Path, typer.Argument(help="The release folder to make.")],
    layout: Annotated[
        str,
        typer.Option(help="auto, own, davis, sav, mask-video, coco, cvat, label-studio, labelme, pal4vst, anakin, ..."),
    ] = "auto",
    split_shards: Annotated[str, typer.Option(help="As in train=4,test=1; else one shard per 384 MB of video.")] = "",
    data_version: Annotated[str, typer.Option(help="SemVer of the data.")] = brokenvideos.DATA_VERSION,
    artifact_type: Annotated[
        str | None, typer.Option(help="Of every object, where the layout names none: motion, deformation or blur.")
    ] = None,
    generator: Annotated[str | None, typer.Option(help="Of every video, where the layout names none.")] = None,
    void: Annotated[int | None, typer.Option(min=1, help="A label value to leave out (DAVIS: 255).")] = None,
    seed: Annotated[int, typer.Option(help="Of the split assignment.")] = 0,
    include: Annotated[
        Literal["approved", "unreviewed"],
        typer.Option(help="approved leaves out videos whose masks wait for a review; unreviewed takes all."),
    ] = "approved",
    parent: Annotated[
        Path | None, typer.Option(help="The release before: splits stay, unchanged shard files are kept.")
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over instead of going on where an earlier build ended.")
    ] = False,
    engine: Annotated[Engine, typer.Option(help="Where the work is done.")] = "processes",
    address: Annotated[str | None, typer.Option(help="Of an existing Ray cluster, as in auto or HOST:PORT.")] = None,
    workers: Workers = 1,
) -> None:
    """Build a release (Parquet, tars, manifest, checksums, card) from raw annotations."""
    from brokenvideos.builder import BuildOptions, left_out
    from brokenvideos.builder import build as build_release
    from brokenvideos.card import card_files
    from brokenvideos.tools.progress import progress

    options = BuildOptions(
        layout=layout,
        artifact_type=artifact_type,
        generator=generator,
        void=void,
        num_shards=_counts(split_shards),
        data_version=data_version,
        seed=seed,
        include=include,
    )
    with progress() as show:
        manifest = build_release(
            raw,
            out,
            options,
            parent=parent,
            workers=workers,
            engine=engine,
            address=address,
            fresh=fresh,
            more_files=card_files,
            on_progress=show,
        )
    if include == "approved" and (waiting := left_out(raw)):
        typer.echo(f"{raw}: {len(waiting)} videos left out, not approved yet; --include unreviewed takes them.")
    typer.echo(
        f"{out}: {len(manifest['videos'])} videos in {len(manifest['shards'])} shards. Next: brokenvideos verify {out}"
    )


app.command()(verify)


@app.command()
def rebuild(
    release: Annotated[Path, typer.Argument(help="A release folder.")],
    raw: Annotated[Path, typer.Option(help="The raw folder that it was built from.")],
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Build a release again into a temporary folder (TMPDIR) and compare every byte; under other versions, the content."""
    from brokenvideos.tools.card.rebuild import rebuild as rebuild_release
    from brokenvideos.tools.progress import progress

    with progress() as show:
        report = rebuild_release(release, raw, workers=workers, on_progress=show)
    typer.echo(json.dumps(report.to_dict(), indent=1) if as_json else "\n".join(report.lines()))
    raise typer.Exit(0 if report.ok else 1)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A release folder.")],
    new: Annotated[Path, typer.Argument(help="A later release folder.")],
    as_json: AsJson = False,
) -> None:
    """List videos that were added, removed or changed, and the version step that this demands; status 1 if NEW's is smaller."""
    from brokenvideos.builder import diff as diff_releases

    found = diff_releases(old, new)
    typer.echo(json.dumps(found.to_dict(), indent=1) if as_json else "\n".join(found.lines()))
    raise typer.Exit(0 if found.version_ok else 1)


@app.command()
def stats(
    release: Annotated[Path, typer.Argument(help="A release folder.")],
    as_json: AsJson = False,
) -> None:
    """Count a release per split, name near-duplicate videos, and say how far metadata alone gives the labels away."""
    from brokenvideos.builder.near_duplicates import release_groups
    from brokenvideos.card import count_facts
    from brokenvideos.tools.stats import stats_dict, stats_text

    facts = count_facts(release)
    groups = release_groups(brokenvideos.read_manifest(str(release)), name=str(release))
    typer.echo(json.dumps(stats_dict(facts, groups), indent=1) if as_json else stats_text(facts, groups))


@app.command()
def export(
    release: Annotated[Path, typer.Argument(help="A release folder.")],
    out: Annotated[Path, typer.Argument(help="The raw folder to make.")],
    layout: Annotated[str, typer.Option(help="own, davis, sav or coco.")] = "own",
    videos: Annotated[bool, typer.Option("--videos", help="Also write the videos; own and davis always do.")] = False,
    lossy: Annotated[
        bool, typer.Option("--lossy", help="Write what the layout can carry of what it cannot carry whole.")
    ] = False,
) -> None:
    """Write a release's annotations back as a raw folder, from which `build` gives equal digests."""
    from brokenvideos.builder.export import export as export_release
    from brokenvideos.tools.progress import progress

    with progress() as show:
        report = export_release(release, out, layout=layout, videos=videos, lossy=lossy, on_progress=show)
    for loss in report.losses:
        typer.echo(f"lost: {loss}")
    typer.echo(f"{out}: {report.num_videos} videos, {report.num_masks} masks. Next: brokenvideos build {out} OUT")


@app.command()
def view(
    release: Annotated[str, typer.Argument(help="A release folder, or `sample`.")],
    video_id: Annotated[str, typer.Argument(help="Which video.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="A .png contact sheet or an .mp4.")] = Path("view.png"),
    frames: Annotated[str, typer.Option(help="Frames of the contact sheet, as in 0,5,10; else evenly spaced.")] = "",
) -> None:
    """Draw a video's frames with its masks: colours and outlines by artifact type, with a legend."""
    from brokenvideos.tools.find import find_row
    from brokenvideos.tools.view import view as draw

    numbers = [int(number) for number in frames.split(",")] if frames else None
    typer.echo(draw(find_row(release, video_id), out, frames=numbers))


app.command()(publish)
app.command()(withdraw)
app.command()(card)
app.command()(evaluate)
app.command()(agree)
app.command()(predict)
app.command()(train)


def _pair(size: str) -> tuple[int, int]:
    width, _, height = size.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise typer.BadParameter(f"size {size!r}: wanted WIDTHxHEIGHT, as in 128x96")
    return int(width), int(height)


def _counts(text: str) -> dict[str, int]:
    counts = {}
    for part in filter(None, text.split(",")):
        split, _, number = part.partition("=")
        if not number.isdecimal():
            raise typer.BadParameter(f"split shards {part!r}: wanted SPLIT=NUMBER, as in train=4,test=1")
        counts[split] = int(number)
    return counts
