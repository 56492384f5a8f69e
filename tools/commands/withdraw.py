"""`brokenvideos withdraw`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ...release import REPO_ID
from .answer import answer
from .command import Command
from .options import AsJson, Workers


def withdraw(
    release: Annotated[Path, typer.Argument(help="A release folder, as it was published.")],
    out: Annotated[Path, typer.Argument(help="The release folder to make.")],
    video_ids: Annotated[list[str], typer.Argument(help="The videos to take down.")],
    reason: Annotated[str, typer.Option(help="Why, in one line: it is published. No names of persons.")],
    data_version: Annotated[
        str | None, typer.Option(help="SemVer of the data; else the next major step.", show_default=False)
    ] = None,
    twins: Annotated[
        Literal["withdraw", "keep"] | None,
        typer.Option(help="Other videos of the same bytes, and near-duplicates: they go too, or stay."),
    ] = None,
    repo: Annotated[str, typer.Option(help="The Hub repository, for what is printed.")] = REPO_ID,
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Make the next release without some videos, say why in its errata, and print what to do on the Hub about old revisions."""
    from ...builder import diff
    from ..publishing import hub_steps, take_down
    from .progress import progress

    with progress() as show:
        manifest = take_down(
            release,
            out,
            video_ids,
            reason=reason,
            data_version=data_version,
            twins=twins,
            workers=workers,
            on_progress=show,
        )
    changes, count = diff(release, out), len(manifest["videos"])
    steps = hub_steps(out, repo_id=repo, data_version=manifest["data_version"])
    lines = [*changes.lines(), f"{out}: {count} videos. Next: brokenvideos verify {out}\n", steps]
    found = {"release": str(out), "videos": count, "changes": changes.to_dict(), "steps": steps}
    answer(found, "\n".join(lines), as_json=as_json)


COMMAND = Command(
    withdraw,
    group="Release",
    place=5,
    example='withdraw release next VIDEO_ID --reason "asked for"',
    work=("builder.withdrawal",),
)
