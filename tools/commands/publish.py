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
    repo: Annotated[str, typer.Option(help="OWNER/NAME of a dataset repository; made if it is not there.")],
    revision: Annotated[str, typer.Option(help="The branch to publish on.")] = "main",
    create_pr: Annotated[
        bool, typer.Option("--create-pr", help="Propose it in a pull request; the tag is made after the merge.")
    ] = False,
    private: Annotated[bool, typer.Option("--private", help="Make the repository private first.")] = False,
    gated: Annotated[
        bool, typer.Option("--gated", help="Let only those read it who log in and agree to its terms.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    roll_back: Annotated[
        bool,
        typer.Option("--roll-back", help="Replace a later release, or one that this was not made from."),
    ] = False,
    bring_back: Annotated[
        list[str] | None,
        typer.Option(
            metavar="VIDEO_ID", help="Make a withdrawn video, or a copy of one, public again; again for more."
        ),
    ] = None,
    delete_others: Annotated[
        bool, typer.Option("--delete-others", help="Also delete files there that are of no release.")
    ] = False,
    withdraw: Annotated[
        list[str] | None,
        typer.Option(metavar="VIDEO_ID", help="Publish a release without this video instead; may be given again."),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="With --withdraw: why; it is published.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --withdraw: the folder of the release to make.")] = None,
    twins: Annotated[
        Literal["withdraw", "keep"] | None,
        typer.Option(help="With --withdraw: other videos of the same bytes, and near-duplicates, go too or stay."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes that verify the release.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Verify a release and put it on the Hub: one commit, then the tag of its data version. Run again, it goes on."""
    from huggingface_hub.utils.tqdm import disable_progress_bars

    from ..publishing import hub_steps, publish as run, take_down
    from .progress import progress

    if not bool(withdraw) == (reason is not None) == (out is not None):
        raise typer.BadParameter("--withdraw, --reason and --out go together")
    disable_progress_bars()  # ours show the whole
    with progress() as show:
        if withdraw and reason is not None and out is not None:
            take_down(release, out, withdraw, reason=reason, twins=twins, workers=workers, on_progress=show)
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
    found, lines = done.to_dict(), list(done.lines())
    if withdraw:
        steps = hub_steps(release, repo_id=repo, data_version=done.plan.tag.removeprefix("v"))
        found, lines = found | {"steps": steps}, [*lines, f"\n{steps}"]
    answer(found, "\n".join(lines), as_json=as_json)


def _kept(parameters: Mapping[str, Any]) -> str:
    return "Nothing half-done is visible there, and files that arrived are not sent again: the same command goes on."


COMMAND = Command(
    publish,
    group="Hub",
    place=2,
    example="publish release --repo OWNER/NAME --dry-run",
    work=("builder.verification",),
    kept=_kept,
)
