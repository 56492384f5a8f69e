"""Fonts that have the characters of a name: matplotlib's own, then what is installed. What none has is spelled, never a box."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

OWN = "DejaVu Sans"
"""Comes with matplotlib: Latin, Greek, Cyrillic and more, but no Chinese, Japanese or Korean."""

_NORMAL_WEIGHT = 400
_OF_PILLOW = frozenset(map(chr, range(0x20, 0x7F))) | frozenset("©«°±·»“”…™")
"""Characters of Pillow's own font: no accent is among them."""


@dataclass(frozen=True, slots=True)
class Font:
    """A face of a font file."""

    family: str
    path: str
    index: int


@dataclass(frozen=True, slots=True)
class Lettering:
    """How texts can be drawn here.

    Attributes:
        families: in the order in which they are asked for a character; `OWN` alone where that has all.
        missing: characters that no font here has.
    """

    families: tuple[str, ...] = (OWN,)
    missing: frozenset[str] = frozenset()

    def shown(self, text: str) -> str:
        """The text with the code points of missing characters in their place, as in U+53EF."""
        return _spelled(text, self.missing)

    def note(self) -> str | None:
        """A line that says what is missing and what to do; None where nothing is."""
        if not self.missing:
            return None
        some = sorted(self.missing)
        more = f" and {len(some) - 12} more" if len(some) > 12 else ""
        return (
            f"no font here has the characters {' '.join(map(_printed, some[:12]))}{more}: the figures show their code points, as "
            f"in {_code_point(some[0])}. Install a font that has them, such as Noto Sans CJK for Chinese, Japanese and Korean, and "
            "make the card again."
        )


def lettering_for(texts: Iterable[str]) -> Lettering:
    """How matplotlib can draw texts here: its own font first, then as few others as have the rest."""
    missing = set().union(*texts) - {" "} - _characters(_own())
    families = [OWN]
    fonts = list(_installed()) if missing else []
    while missing and fonts:
        best = min(fonts, key=lambda font: (-len(missing & _characters(font)), *_preference(font)))
        if not missing & _characters(best):
            break
        missing -= _characters(best)
        families.append(best.family)
    return Lettering(tuple(families), frozenset(missing))


def one_font(text: str) -> tuple[str, Font | None]:
    """A text as one font can draw it, and that font.

    None is the font of Pillow, which has the English letters: the text is in them, or no font here has all of its characters and
    those that Pillow's lacks are spelled as in `Lettering.shown`.
    """
    beyond = set(text) - _OF_PILLOW
    if beyond and find_spec("matplotlib") is not None:
        wanted = set(text) - {" "}
        fonts = (_own(), *sorted(_installed(), key=_preference))
        found = next((font for font in fonts if wanted <= _characters(font)), None)
        if found is not None:
            return text, found
    return _spelled(text, beyond), None


def _spelled(text: str, missing: Iterable[str]) -> str:
    if not missing:
        return text
    pattern = "|".join(map(re.escape, sorted(missing)))
    return " ".join(re.sub(pattern, lambda found: f" {_code_point(found[0])} ", text).split())


def _printed(character: str) -> str:
    return character if character.isprintable() else _code_point(character)


def _code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


def _preference(font: Font) -> tuple[bool, str, str]:
    """Without serifs first, as the rest of a figure is."""
    return "Sans" not in font.family, font.family, font.path


def _own() -> Font:
    from matplotlib.font_manager import findfont

    return Font(OWN, str(findfont(OWN)), 0)


def _installed() -> Iterator[Font]:
    """Upright fonts of normal weight, those too that were installed since matplotlib last looked."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    for path in sorted(set(findSystemFonts()) - {entry.fname for entry in fontManager.ttflist}):
        try:
            fontManager.addfont(path)
        except (OSError, RuntimeError, ValueError, NotImplementedError, KeyError):  # not a font that it can use
            continue
    for entry in fontManager.ttflist:
        upright = entry.style == "normal" and entry.weight in (_NORMAL_WEIGHT, "normal", "regular")
        # The last resort draws a box with the name of its script for every character.
        if upright and "lastresort" not in entry.name.lower().replace(" ", ""):
            yield Font(entry.name, entry.fname, getattr(entry, "index", 0))


@cache
def _characters(font: Font) -> frozenset[str]:
    """Characters that a font has; none, where it cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        face = FT2Font(font.path, face_index=font.index) if font.index else FT2Font(font.path)
        return frozenset(map(chr, face.get_charmap()))
    except (OSError, RuntimeError, ValueError):
        return frozenset()
