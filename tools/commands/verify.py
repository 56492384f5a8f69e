"""`brokenvideos verify`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .answer import answer
from .command import Command
from .exit_status import DIFFERS, DONE
from .options import AsJson, Workers

if TYPE_CHECKING:
    from ...builder import VerifyReport
    from ..publishing import HubReport


def verify(
    release: Annotated[
        str, typer.Argument(help="A release folder, `sample`, or OWNER/NAME[@REVISION] on the Hub.")
    ],
    raw: Annotated[
        Path | None,
        typer.Option(help="Also compare it with the raw folder from which it was built."),
    ] = None,
    sample: Annotated[
        int,
        typer.Option(min=0, help="On the Hub: also download this number of shards and check them."),
    ] = 0,
    seed: Annotated[int, typer.Option(help="With --sample: the seed that chooses the shards.")] = 0,
    device: Annotated[
        str, typer.Option(help="The device that decodes masks: cpu, cuda or cuda:1.")
    ] = "cpu",
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Verify a release: checksums, fingerprints of decoded masks, digests, frame times, Parquet
    against tar.

    A release on the Hub is checked without downloading its shards, unless you give --sample.
    """
    from ...builder import verify as verify_folder
    from ...sampling import HubRelease, named_release
    from ..publishing import verify_on_hub
    from .progress import progress

    named = named_release(release)
    on_hub = isinstance(named, HubRelease)
    if on_hub and raw is not None:
        raise typer.BadParameter(
            f"--raw: {release} is on the Hub; only a folder can be compared with raw files"
        )
    if sample and not on_hub:
        raise typer.BadParameter(
            f"--sample: {release} is a folder, of which all shards are checked; leave it out"
        )
    report: VerifyReport | HubReport
    with progress() as show:
        if isinstance(named, HubRelease):
            report = verify_on_hub(
                named.repo_id,
                revision=named.revision,
                sample=sample,
                seed=seed,
                device=device,
                on_progress=show,
            )
            lines = list(report.lines())
        else:
            report = verify_folder(named, raw=raw, device=device, workers=workers, on_progress=show)
            lines = _lines(report, raw)
    answer(report.to_dict(), "\n".join(lines), as_json=as_json)
    raise typer.Exit(DONE if report.ok else DIFFERS)


def _lines(report: "VerifyReport", raw: Path | None) -> list[str]:
    counted = f"{report.num_files} files, {report.num_videos} videos, {report.num_masks} masks"
    against = f" and compared with {raw}" if raw is not None else ""
    verdict = "no difference" if report.ok else f"findings: {len(report.findings)}"
    return [
        *report.notes,
        *map(str, report.findings),
        f"{report.release}: {counted} checked{against}; {verdict}.",
    ]


COMMAND = Command(
    verify,
    group="Release",
    place=2,
    example="verify release --raw raw",
    work=("builder.verification",),
)
