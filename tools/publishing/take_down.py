"""Makes the next release without some videos, with the same kind of card."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from ...builder import Twins, withdraw
from ...builder.work import Progress, no_progress
from ...card import about_of, card_files, full_card, is_full
from ...release import MANIFEST, read_manifest


def take_down(
    release: Path,
    out: Path,
    video_ids: Iterable[str],
    *,
    reason: str,
    data_version: str | None = None,
    twins: Twins | None = None,
    workers: int = 1,
    on_progress: Progress = no_progress,
) -> dict[str, Any]:
    """`builder.withdraw`, with a new full card if `release` has one, because its figures may show a
    withdrawn video.

    The result of an earlier, equal call is kept, so that a command that was interrupted after it
    can be given again.

    Raises:
        The errors of `builder.withdraw`. CardError, AboutError: the full card cannot be made here.
    """
    video_ids = set(video_ids)
    made = _made_before(release, out)
    if made is not None and _is_of(made["errata"][-1], video_ids, reason=reason, twins=twins):
        return made
    card = partial(full_card, about=about_of(release)) if is_full(release) else card_files
    return withdraw(
        release,
        out,
        video_ids,
        reason=reason,
        data_version=data_version,
        twins=twins,
        workers=workers,
        more_files=card,
        on_progress=on_progress,
    )


def _made_before(release: Path, out: Path) -> dict[str, Any] | None:
    """The manifest in `out`, if `out` is a release that follows `release` and has errata."""
    if not (out / MANIFEST).is_file():
        return None
    made = read_manifest(str(out))
    before = read_manifest(str(release))["data_version"]
    return made if made.get("errata") and made.get("parent_version") == before else None


def _is_of(
    erratum: dict[str, Any], video_ids: set[str], *, reason: str, twins: Twins | None
) -> bool:
    """Whether an equal call wrote this erratum; it also lists twins that were withdrawn with the
    videos.
    """
    withdrawn = set(erratum["video_ids"])
    return erratum["reason"] == reason.strip() and (
        withdrawn == video_ids or (twins == "withdraw" and withdrawn > video_ids)
    )
