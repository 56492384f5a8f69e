"""Rebuilds a release together with its card."""

from functools import partial
from pathlib import Path

from ...builder import RebuildReport, rebuild as rebuild_release
from ...builder.work import Progress, no_progress
from ...card import about_of, card_files, full_card, is_full, is_of_card, read_card, versions


def rebuild(
    release: Path, raw: Path, *, workers: int = 1, on_progress: Progress = no_progress
) -> RebuildReport:
    """`builder.rebuild`, which also makes the release's card again, plain or full.

    A full card that was made with other library versions is not compared, because its figures may
    differ in every byte. Use `brokenvideos card --check` to compare its content.

    Raises:
        The errors of `builder.rebuild`. CardError, AboutError: its card.json is damaged.
    """
    if not is_full(release):
        return rebuild_release(
            release, raw, workers=workers, more_files=card_files, on_progress=on_progress
        )
    if read_card(release)["made_with"] == versions():
        card = partial(full_card, about=about_of(release))
        return rebuild_release(
            release, raw, workers=workers, more_files=card, on_progress=on_progress
        )
    return rebuild_release(
        release, raw, workers=workers, leave_out=is_of_card, on_progress=on_progress
    )
