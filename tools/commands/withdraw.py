"""`brokenvideos withdraw`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ...release import REPO_ID
from .answer import answer
from .command import Command
from .options import AsJson, Workers


def withdraw(
    release: Annotated[Path, typer.Argument(help="The folder of the published release.")],
    out: Annotated[Path, typer.Argument(help="The release folder to make.")],
    video_ids: Annotated[list[str], typer.Argument(help="Ids of the videos to withdraw.")],
    reason: Annotated[
        str, typer.Option(help="The reason, in one line. It is published; name no persons.")
    ],
    data_version: Annotated[
        str | None,
        typer.Option(
            help="Version of the new data, as in 2.0.0. Default: the next major version.",
            show_default=False,
        ),
    ] = None,
    twins: Annotated[
        Literal["withdraw", "keep"] | None,
        typer.Option(
            help="What to do with other videos of the same bytes, and with near-duplicates."
        ),
    ] = None,
    repo: Annotated[
        str, typer.Option(help="The Hub repository that the printed next steps name.")
    ] = REPO_ID,
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Make the next release without some videos, with the reason in its errata.

    Prints what to do on the Hub about older revisions, which still hold these videos.
    """
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
    facts = {"release": str(out), "videos": count, "changes": changes.to_dict(), "steps": steps}
    answer(facts, "\n".join(lines), as_json=as_json)


COMMAND = Command(
    withdraw,
    group="Release",
    place=5,
    example='withdraw release next VIDEO_ID --reason "asked for"',
    work=("builder.withdrawal",),
)
