"""Writes a full card into a release folder."""

import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path

from ...builder import read_sums, sums_bytes
from ...builder.work import write_atomic
from ...card import FIGURES, About, about_of, full_card, is_full, is_of_card, read_about
from ...release import SUMS, ReleaseError, in_words, read_manifest


def write_card(
    release: Path, *, about: Path | None = None, on_note: Callable[[str], None] | None = None
) -> list[str]:
    """Makes the full card of a release and brings SHA256SUMS up to date; returns the names of the
    card's files.

    Every file is written under a temporary name and renamed, SHA256SUMS last. After a killed run,
    `verify` finds files that differ from SHA256SUMS; the same call repairs it.

    Args:
        about: a TOML file, as for `card.about.read_about`; None keeps the card's earlier texts.
        on_note: called with a line of text for people, as in `card.full_card`.

    Raises:
        CardError: the extra `card` is not installed. AboutError: `about` is invalid. ReleaseError:
            not a release.
        OSError: a file cannot be read or written.
    """
    manifest = read_manifest(str(release))
    try:
        sums = read_sums((release / SUMS).read_text())
    except (FileNotFoundError, ValueError) as error:
        raise ReleaseError(
            f"{release}/{SUMS}: cannot be read ({in_words(error)}). Build or download the release "
            "again."
        ) from None
    before = about_of(release) if about is None and is_full(release) else About()
    files = full_card(
        release, before if about is None else read_about(about, manifest), on_note=on_note
    )
    _clear(release, files)
    for name, content in files.items():
        write_atomic(release / name, content)
    kept = {path: sha256 for path, sha256 in sums.items() if not is_of_card(path)}
    made = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    write_atomic(release / SUMS, sums_bytes(kept | made))
    return sorted(files)


def _clear(release: Path, files: Iterable[str]) -> None:
    """Removes figures that are no longer drawn, and half-written files of a killed run."""
    kept = {release / name for name in files}
    for path in [*release.glob(".*.partial"), *(release / FIGURES).glob("*")]:
        if path.is_file() and path not in kept:
            path.unlink()
