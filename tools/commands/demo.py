"""`brokenvideos demo`: the main steps on synthetic data; each shows the command that does the
same.
"""

import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from .command import Command


def demo(
    folder: Annotated[
        Path, typer.Argument(help="A new folder for the files that it makes.")
    ] = Path("demo"),
) -> None:
    """Show the main steps offline: sample data, build, verify, load_dataset, a clip with its masks,
    a picture.
    """
    run_demo(folder, say=typer.echo)


def run_demo(folder: Path, *, say: Callable[[str], None]) -> Path:
    """Makes sample data, builds and verifies a release, loads it, takes a clip and draws a picture.

    Args:
        folder: a new or empty folder for all files.
        say: is called with each line of text to print.

    Returns:
        The path of the picture.

    Raises:
        FileExistsError: `folder` is not empty.
    """
    from ...builder import build, verify
    from ...card import card_files
    from ...release import ReleaseError
    from ...sampling import clips
    from ..synthetic import write_sample
    from ..view import view
    from .progress import progress

    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(
            f"{folder}: exists and is not empty. Name a new folder: brokenvideos demo FOLDER."
        )
    raw, release, picture = folder / "raw", folder / "release", folder / "overlay.png"
    start = time.monotonic()

    def step(number: int, title: str, command: str) -> None:
        say(f"\n[{number}/6] {title}   ({time.monotonic() - start:.1f} s)\n      $ {command}")

    step(
        1,
        "Make a small raw dataset: moving scenes, some broken, with exact masks",
        f"brokenvideos sample {_quoted(raw)}",
    )
    write_sample(raw)
    say(
        f"      {len(list((raw / 'videos').iterdir()))} videos, "
        f"{len(list((raw / 'masks').rglob('*.png')))} mask images"
    )

    step(
        2,
        "Build a release: Parquet and tar shards, manifest, checksums",
        f"brokenvideos build {_quoted(raw)} {_quoted(release)}",
    )
    with progress() as show:
        manifest = build(raw, release, more_files=card_files, on_progress=show)
    say(
        f"      {len(manifest['videos'])} videos in {len(manifest['shards'])} shards, "
        f"{_megabytes(release):.1f} MB"
    )

    step(
        3,
        "Verify it against the raw masks",
        f"brokenvideos verify {_quoted(release)} --raw {_quoted(raw)}",
    )
    report = verify(release, raw=raw)
    for finding in report.findings:
        say(f"      {finding}")
    if not report.ok:
        raise ReleaseError(f"{release}: {len(report.findings)} findings, see above.")
    say(f"      {report.num_masks} masks decoded, fingerprinted and compared: no difference")

    step(
        4,
        "Load it",
        f'load_dataset("brokenvideos", data_dir="{release}", split="train", streaming=True)',
    )
    from datasets import load_dataset

    rows = load_dataset("brokenvideos", data_dir=str(release), split="train", streaming=True)
    row = max(rows, key=lambda row: len(row["masks"]["counts"]))
    size = f"{row['width']}x{row['height']}"
    say(
        f"      {row['video_id']}: {row['num_frames']} frames of {size}, "
        f"{len(row['masks']['counts'])} masks"
    )

    step(5, "Take clips with their masks", "brokenvideos.clips(rows, num_frames=8, size=(96, 128))")
    clip = next(iter(clips(rows, num_frames=8, size=(96, 128))))
    say(
        "      "
        + ", ".join(
            f"{key} {tuple(clip[key].shape)}" for key in ("video", "masks", "frame_index", "valid")
        )
    )

    step(
        6,
        "Look at one",
        f"brokenvideos view {_quoted(release)} {row['video_id']} -o {_quoted(picture)}",
    )
    view(row, picture)
    say(f"      open {picture}\n\nDone in {time.monotonic() - start:.1f} s.")
    return picture


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


COMMAND = Command(demo, group="Start", place=1, example="demo demo")
