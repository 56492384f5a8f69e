"""`brokenvideos publish`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from .answer import answer
from .command import Command
from .options import AsJson


def publish(
    release: Annotated[Path, typer.Argument(help="A release folder.")],
    repo: Annotated[
        str,
        typer.Option(help="The dataset repository OWNER/NAME. It is made if it does not exist."),
    ],
    revision: Annotated[str, typer.Option(help="The branch to publish on.")] = "main",
    create_pr: Annotated[
        bool,
        typer.Option(
            "--create-pr",
            help="Open a pull request. After its merge, publish again without this to make the "
            "tag.",
        ),
    ] = False,
    private: Annotated[
        bool, typer.Option("--private", help="Make the repository private first.")
    ] = False,
    gated: Annotated[
        bool,
        typer.Option(
            "--gated", help="Make the repository gated first: readers log in and accept its terms."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done, and change nothing.")
    ] = False,
    roll_back: Annotated[
        bool,
        typer.Option(
            "--roll-back",
            help="Allow replacing a later release, or one from which this was not made.",
        ),
    ] = False,
    bring_back: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VIDEO_ID",
            help="Allow a withdrawn video, or a copy of one, to be public again. Repeat for more "
            "videos.",
        ),
    ] = None,
    delete_others: Annotated[
        bool,
        typer.Option(
            "--delete-others", help="Also delete files in the repository that belong to no release."
        ),
    ] = False,
    withdraw: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VIDEO_ID",
            help="Make a release without this video, and publish that one. Repeat for more videos.",
        ),
    ] = None,
    reason: Annotated[
        str | None,
        typer.Option(help="With --withdraw: the reason. It is published; name no persons."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="With --withdraw: the release folder to make.")
    ] = None,
    twins: Annotated[
        Literal["withdraw", "keep"] | None,
        typer.Option(
            help="With --withdraw: what to do with other videos of the same bytes, and with "
            "near-duplicates."
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Number of processes that verify the release.")
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Verify a release and put it on the Hub: one commit, then the tag of its data version.

    If it was interrupted, run the same command again: it continues.
    """
    from huggingface_hub.utils.tqdm import disable_progress_bars

    from ..publishing import hub_steps, publish as run, take_down
    from .progress import progress

    if not bool(withdraw) == (reason is not None) == (out is not None):
        raise typer.BadParameter("--withdraw, --reason and --out go together")
    disable_progress_bars()  # our own progress covers the uploads too
    with progress() as show:
        if withdraw and reason is not None and out is not None:
            take_down(
                release,
                out,
                withdraw,
                reason=reason,
                twins=twins,
                workers=workers,
                on_progress=show,
            )
            release = out
        done = run(
            release,
            repo_id=repo,
            revision=revision,
            create_pr=create_pr,
            private=private,
            gated=gated,
            dry_run=dry_run,
            roll_back=roll_back,
            bring_back=bring_back or (),
            delete_others=delete_others,
            workers=workers,
            on_progress=show,
        )
    facts, lines = done.to_dict(), list(done.lines())
    if withdraw:
        steps = hub_steps(release, repo_id=repo, data_version=done.plan.tag.removeprefix("v"))
        facts, lines = facts | {"steps": steps}, [*lines, f"\n{steps}"]
    answer(facts, "\n".join(lines), as_json=as_json)


def _kept(parameters: Mapping[str, Any]) -> str:
    return (
        "The repository shows no incomplete release. Files that arrived are not sent again. "
        "The same command continues from there."
    )


COMMAND = Command(
    publish,
    group="Hub",
    place=2,
    example="publish release --repo OWNER/NAME --dry-run",
    work=("builder.verification",),
    kept=_kept,
)
