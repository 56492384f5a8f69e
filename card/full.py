"""The full card of a release: README.md with figures, croissant.json, and card.json, which records
their sources.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..release import __version__, parse_json
from .about import About, about_from_dict
from .croissant import croissant, croissant_bytes
from .figures import draw, figure_data, lettering_of
from .fonts import Lettering
from .inputs import CardInputs, read_inputs
from .mosaic import draw_mosaic, mosaic_data
from .readme import render_full

README, CROISSANT, CARD = "README.md", "croissant.json", "card.json"
FIGURES = "figures"
MOSAIC = "mosaic"
EXTRA = ("matplotlib", "mlcroissant")
FORMAT_VERSION = 1


class CardError(ValueError):
    """A full card that cannot be made or read; the message says why."""


def full_card(
    release: Path, about: About, *, on_note: Callable[[str], None] | None = None
) -> dict[str, bytes]:
    """The files of the full card by their path in the release; the same release, versions and fonts
    give the same bytes.

    Args:
        on_note: called with a line that names characters that no font on this machine has.

    Raises:
        CardError: the extra `card` is not installed. ReleaseError: not a release. OSError: a shard
            is missing.
    """
    require_extra()
    inputs = read_inputs(release, about)
    shown = inputs.details.shown()
    data = figure_data(inputs.total, inputs.details)
    lettering = lettering_of(data["generators"])
    if on_note is not None and (note := lettering.note()):
        on_note(note)
    drawn = {name: draw(name, data[name]) for name in data}
    if any(shown.values()):
        drawn[MOSAIC] = draw_mosaic(release, shown, inputs.manifest)
    figures = {figure_path(name): content for name, content in sorted(drawn.items())}
    return {
        **figures,
        CROISSANT: croissant_bytes(croissant(inputs)),
        CARD: _card_bytes(inputs, figures, lettering),
        README: render_full(inputs).encode(),
    }


def is_full(release: Path) -> bool:
    """Whether a release has a full card; the card is not checked."""
    return (release / CARD).is_file()


def is_of_card(path: str) -> bool:
    """Whether a path in a release is a file of the card."""
    return path in (README, CROISSANT, CARD) or path.startswith(f"{FIGURES}/")


def has_extra() -> bool:
    """Whether the libraries of the extra `card` are installed."""
    return all(find_spec(name) is not None for name in EXTRA)


def require_extra() -> None:
    """Raises CardError if the extra `card` is not installed."""
    if not has_extra():
        raise CardError(
            f"a full card needs {' and '.join(EXTRA)}. Install them in a checkout: pip install "
            "'.[card]'."
        )


def versions() -> dict[str, str | None]:
    """Versions of the libraries that decide the bytes of a full card; None: not installed."""
    return {
        "brokenvideos": __version__,
        **{name: _version(name) for name in (*EXTRA, "numpy", "pillow", "av")},
    }


def read_card(release: Path) -> dict[str, Any]:
    """The card.json of a release.

    Raises:
        CardError: missing, or not what `brokenvideos card` writes.
    """
    path = release / CARD
    try:
        card = parse_json(path.read_bytes())
    except FileNotFoundError:
        raise CardError(
            f"{path}: not found. `brokenvideos card {release}` makes a full card."
        ) from None
    except ValueError as error:
        raise CardError(f"{path}: not JSON ({error}). Make the card again.") from None
    wanted = {"format_version": int, "made_with": dict, "about": dict, "figures": dict}
    if not isinstance(card, dict) or any(
        not isinstance(card.get(key), kind) for key, kind in wanted.items()
    ):
        raise CardError(f"{path}: wanted an object with {', '.join(wanted)}. Make the card again.")
    if card["format_version"] != FORMAT_VERSION:
        raise CardError(
            f"{path}: format_version is {card['format_version']!r}, this package reads "
            f"{FORMAT_VERSION}. Install the version of brokenvideos that wrote it, or make the "
            "card again."
        )
    return card


def about_of(release: Path) -> About:
    """The statements about a release that its card.json keeps.

    Raises:
        CardError, AboutError: card.json is missing or damaged.
    """
    return about_from_dict(read_card(release)["about"], where=f"{release / CARD}")


def figure_path(name: str) -> str:
    return f"{FIGURES}/{name}.png"


def figure_digests(inputs: CardInputs) -> dict[str, str]:
    """SHA-256 of the data of each figure, by its path. It shows whether a figure is out of date
    without drawing it.
    """
    data = {**figure_data(inputs.total, inputs.details)}
    shown = mosaic_data(inputs.details.shown(), inputs.manifest)
    if shown:
        data[MOSAIC] = shown
    return {figure_path(name): _digest(data[name]) for name in sorted(data)}


def _card_bytes(inputs: CardInputs, figures: Mapping[str, bytes], lettering: Lettering) -> bytes:
    digests = figure_digests(inputs)
    card = {
        "format_version": FORMAT_VERSION,
        "made_with": versions() | _fonts(lettering),
        "about": inputs.about.to_dict(),
        "figures": {
            path: {"sha256": hashlib.sha256(content).hexdigest(), "shows": digests[path]}
            for path, content in figures.items()
        },
    }
    return (json.dumps(card, indent=1, ensure_ascii=False) + "\n").encode()


def _fonts(lettering: Lettering) -> dict[str, str]:
    """The fonts of this machine that the figures depend on besides versions, if matplotlib's own
    was not enough.
    """
    spelled = [f"U+{ord(character):04X} spelled" for character in sorted(lettering.missing)]
    others = [*lettering.families[1:], *spelled]
    return {"fonts": ", ".join(others)} if others else {}


def _digest(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
