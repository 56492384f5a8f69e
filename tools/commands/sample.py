"""`brokenvideos sample`."""

from pathlib import Path
from typing import Annotated

import typer

from .answer import answer
from .command import Command
from .options import AsJson, Workers, height_width


def sample(
    out: Annotated[Path, typer.Argument(help="The raw folder to make.")],
    videos: Annotated[int, typer.Option(min=1, help="Number of videos.")] = 12,
    seed: Annotated[
        int,
        typer.Option(
            min=0, help="The random seed. Video k depends on it, but not on the number of videos."
        ),
    ] = 0,
    size: Annotated[str, typer.Option(help="WIDTHxHEIGHT in pixels, both even.")] = "128x96",
    num_frames: Annotated[int, typer.Option(min=8, help="Frames per video.")] = 24,
    fps: Annotated[int, typer.Option(min=1, help="Frames per second.")] = 12,
    clean_twins: Annotated[
        bool,
        typer.Option(
            "--clean-twins", help="Also write a copy of each broken video without its artifact."
        ),
    ] = False,
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Write a synthetic raw dataset: moving scenes with exact masks of motion, deformation and blur
    artifacts.
    """
    from ..synthetic import write_sample
    from .progress import progress

    height, width = height_width(size)
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
    text = f"{out}: {videos} videos. Next: brokenvideos build {out} OUT"
    answer({"raw": str(out), "videos": videos}, text, as_json=as_json)


COMMAND = Command(
    sample,
    group="Start",
    place=2,
    example="sample raw --videos 12",
    work=("tools.synthetic.sample",),
)
