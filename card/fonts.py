"""Finds fonts with the characters of a name: matplotlib's, then installed ones. Without a font, a
code point is drawn.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec

OWN = "DejaVu Sans"
"""A font that comes with matplotlib: it has Latin, Greek, Cyrillic and more, but no Chinese,
Japanese or Korean.
"""

_NORMAL_WEIGHT = 400
_OF_PILLOW = frozenset(map(chr, range(0x20, 0x7F))) | frozenset("©«°±·»“”…™")
"""Characters of Pillow's own font, which has no accents."""


@dataclass(frozen=True, slots=True)
class Font:
    """A face of a font file."""

    family: str
    path: str
    index: int


@dataclass(frozen=True, slots=True)
class Lettering:
    """The fonts that can draw some texts on this machine.

    Attributes:
        families: font families in the order in which a character is searched; only `OWN` if it has
            all characters.
        missing: characters that no font on this machine has.
    """

    families: tuple[str, ...] = (OWN,)
    missing: frozenset[str] = frozenset()

    def shown(self, text: str) -> str:
        """The text with each missing character replaced by its code point, as in U+53EF."""
        return _spelled(text, self.missing)

    def note(self) -> str | None:
        """A line that says which characters are missing and what to do; None if none is missing."""
        if not self.missing:
            return None
        some = sorted(self.missing)
        more = f" and {len(some) - 12} more" if len(some) > 12 else ""
        return (
            f"no font here has the characters {' '.join(map(_printed, some[:12]))}{more}: the "
            f"figures show their code points, as in {_code_point(some[0])}. Install a font that "
            "has them, such as Noto Sans CJK for Chinese, Japanese and Korean, and make the card "
            "again."
        )


def lettering_for(texts: Iterable[str]) -> Lettering:
    """The fonts with which matplotlib can draw these texts: its own font first, then as few others
    as possible.
    """
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
    """A text that one font can draw, and that font.

    The font None is Pillow's own, which has the English letters. It is used if it has all
    characters, or if no font on this machine has them all; characters that it lacks are then
    replaced as in `Lettering.shown`.
    """
    beyond = set(text) - _OF_PILLOW
    if beyond and find_spec("matplotlib") is not None:
        wanted = set(text) - {" "}
        fonts = (_own(), *sorted(_installed(), key=_preference))
        complete = next((complete for complete in fonts if wanted <= _characters(complete)), None)
        if complete is not None:
            return text, complete
    return _spelled(text, beyond), None


def _spelled(text: str, missing: Iterable[str]) -> str:
    if not missing:
        return text
    pattern = "|".join(map(re.escape, sorted(missing)))
    return " ".join(re.sub(pattern, lambda match: f" {_code_point(match[0])} ", text).split())


def _printed(character: str) -> str:
    return character if character.isprintable() else _code_point(character)


def _code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


def _preference(font: Font) -> tuple[bool, str, str]:
    """Sort key: fonts without serifs first, to match the rest of a figure."""
    return "Sans" not in font.family, font.family, font.path


def _own() -> Font:
    from matplotlib.font_manager import findfont

    return Font(OWN, str(findfont(OWN)), 0)


def _installed() -> Iterator[Font]:
    """Upright fonts of normal weight, including fonts that were installed after matplotlib last
    listed them.
    """
    from matplotlib.font_manager import findSystemFonts, fontManager

    for path in sorted(set(findSystemFonts()) - {entry.fname for entry in fontManager.ttflist}):
        try:
            fontManager.addfont(path)
        # not a font that it can use
        except (
            OSError,
            RuntimeError,
            ValueError,
            NotImplementedError,
            KeyError,
        ):
            continue
    for entry in fontManager.ttflist:
        upright = entry.style == "normal" and entry.weight in (_NORMAL_WEIGHT, "normal", "regular")
        # The font "last resort" draws a box with the name of the script for every character.
        if upright and "lastresort" not in entry.name.lower().replace(" ", ""):
            yield Font(entry.name, entry.fname, getattr(entry, "index", 0))


@cache
def _characters(font: Font) -> frozenset[str]:
    """The characters of a font; empty if the font cannot be read."""
    from matplotlib.ft2font import FT2Font

    try:
        face = FT2Font(font.path, face_index=font.index) if font.index else FT2Font(font.path)
        return frozenset(map(chr, face.get_charmap()))
    except (OSError, RuntimeError, ValueError):
        return frozenset()
