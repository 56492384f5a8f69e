"""Pieces of Markdown that several sections need."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

UNRELIABLE = "?"
UNRELIABLE_NOTE = f"{UNRELIABLE} An interval of fewer than 10 videos is not reliable."
"""The mark of an unreliable interval, as in `brokenvideos evaluate` and `agree`."""


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, text: int = 1) -> str:
    """A Markdown table. The first `text` columns hold words; the others hold numbers, aligned
    right.
    """
    lines = [head, ["---" if number < text else "--:" for number in range(len(head))], *rows]
    return "\n".join(f"| {' | '.join(shown(value) for value in line)} |" for line in lines)


def shown(value: object) -> str:
    """A value of a table's cell: whole numbers in groups of three digits, other text on one line
    without bars.
    """
    if isinstance(value, int):
        return f"{value:,}"
    return " ".join(str(value).replace("|", "\\|").split())


def estimate(score: Mapping[str, Any] | None) -> str:
    """A mean with its 95 % interval, three digits each, followed by UNRELIABLE if it is not
    reliable; "-" if there is none.
    """
    if score is None or score["value"] is None:
        return "-"
    interval = "" if score["low"] is None else f" [{score['low']:.3f}, {score['high']:.3f}]"
    mark = "" if score["low"] is None or score.get("reliable", True) else UNRELIABLE
    return f"{score['value']:.3f}{interval}{mark}"


def unreliable_note(*texts: str) -> str | None:
    """An explanation of the mark UNRELIABLE, if one of the texts has it."""
    return UNRELIABLE_NOTE if any(f"]{UNRELIABLE}" in text for text in texts) else None


def number(value: float | None) -> str:
    """A number with three digits; "-" for None."""
    return "-" if value is None else f"{value:.3f}"


def percent(part: int, whole: int) -> str:
    """A share in percent with one digit; "-" if the total is 0."""
    return f"{part / whole:.1%}" if whole else "-"


def many(count: int, name: str) -> str:
    """A number with its noun, as in 1 video, 2 videos."""
    return f"{count:,} {name}" + ("" if count == 1 else "s")


def paragraphs(*parts: str | None) -> str:
    """The parts that are not empty, joined by empty lines."""
    return "\n\n".join(part for part in parts if part)


def figure(name: str, alt: str) -> str:
    return f"![{alt}](figures/{name}.png)"
