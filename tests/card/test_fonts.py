"""Names in every script: drawn with a font that has them, or spelled; never a box, never a
formula.
"""

import io
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import font_manager
from PIL import Image, ImageDraw

from brokenvideos.card import fonts
from brokenvideos.card.details import Details
from brokenvideos.card.figures import draw, figure_data
from brokenvideos.card.fonts import OWN, lettering_for, one_font
from brokenvideos.card.inputs import CardInputs
from brokenvideos.card.mosaic import _caption

HAN = "\u53ef\u7075"
"""Kling, as its makers write it."""


def square(pen: TTGlyphPen) -> None:
    pen.moveTo((0, 0))
    for point in ((0, 800), (800, 800), (800, 0)):
        pen.lineTo(point)
    pen.closePath()


@pytest.fixture
def han_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A font for two Chinese characters, which was installed after matplotlib last looked: each is
    a black square.
    """
    characters = {ord(character): f"uni{ord(character):04X}" for character in "A" + HAN}
    pen = TTGlyphPen(None)
    square(pen)
    glyphs = [".notdef", *characters.values()]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(glyphs)
    builder.setupCharacterMap(characters)
    builder.setupGlyf(dict.fromkeys(glyphs, pen.glyph()))
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (1000, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupOS2(usWeightClass=400)
    builder.setupNameTable({"familyName": "Squares Sans", "styleName": "Regular"})
    builder.setupPost()
    path = tmp_path / "squares.ttf"
    builder.save(path)
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(font_manager.fontManager.ttflist))
    monkeypatch.setattr(
        font_manager, "findSystemFonts", lambda: [str(path), str(tmp_path / "gone.ttf")]
    )
    return path


@pytest.fixture
def no_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with matplotlib's own fonts alone."""
    own = Path(font_manager.findfont(OWN)).parent
    entries = [
        entry for entry in font_manager.fontManager.ttflist if own in Path(entry.fname).parents
    ]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", entries)
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: [])


def generators(inputs: CardInputs, *names: str) -> dict:
    """What the figure of generators shows of videos of these."""
    total, details = inputs.facts.total(), Details()
    total.generators.clear()
    for name in names:
        total.generators[name] = 2
        details.generator_types[name, "normal"] = 2
    details.label_lengths["normal", 9] = 2
    return figure_data(total, details)["generators"]


def ink(png: bytes) -> np.ndarray:
    """Where a figure's names are nearly black, bool[H, W]."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("L"))[:, :400] < 60


def test_a_name_that_no_font_has_is_spelled(no_font: None, inputs: CardInputs) -> None:
    lettering = lettering_for([HAN, "kling $x_1^2$"])
    assert lettering.families == (OWN,)
    assert lettering.shown(f"{HAN} 2") == "U+53EF U+7075 2"
    assert lettering.note() == (
        f"no font here has the characters {HAN[0]} {HAN[1]}: the figures show their code points, "
        "as in U+53EF. Install a font that has them, such as Noto Sans CJK for Chinese, Japanese "
        "and Korean, and make the card again."
    )
    assert one_font(f"{HAN} · frame 3") == ("U+53EF U+7075 · frame 3", None)
    # warns where a character has no glyph
    draw("generators", generators(inputs, HAN, "\U000e0001\n"))


def test_a_font_that_has_it_is_found(han_font: Path, inputs: CardInputs) -> None:
    lettering = lettering_for([HAN, "kling"])
    assert (lettering.families, lettering.missing, lettering.note()) == (
        (OWN, "Squares Sans"),
        frozenset(),
        None,
    )
    assert lettering.shown(HAN) == HAN
    # Two characters, two squares of 0.8 times 9 points at 200 pixels an inch, at the left edge of
    # the figure.
    marked = ink(draw("generators", generators(inputs, HAN)))
    left = np.flatnonzero(marked.any(axis=0))[0]
    column = np.flatnonzero(marked[:, left + 3])
    assert len(column) == column[-1] - column[0] + 1 == pytest.approx(0.8 * 25, abs=2)
    assert marked[column[0] : column[-1] + 1, left + 2 : left + 36].mean() > 0.8


def test_one_font_has_to_have_all_of_a_caption(han_font: Path) -> None:
    text, font = one_font(f"A {HAN}")
    assert (text, font and font.path) == (f"A {HAN}", str(han_font))
    assert one_font("Клинг")[0] == "Клинг"
    assert Path(one_font("Клинг")[1].path).name == "DejaVuSans.ttf"
    assert one_font(f"b {HAN}") == ("b U+53EF U+7075", None)  # the font with squares has no b
    assert one_font("kling 2.1 · “a”") == ("kling 2.1 · “a”", None)
    assert one_font("é")[1].family == OWN  # Pillow's own font has no accents
    picture = Image.new("RGB", (200, 60), "white")
    _caption(ImageDraw.Draw(picture, "RGBA"), f"A {HAN}", 0, 60, 200)
    assert (np.asarray(picture)[24:52] == 255).all(axis=2).sum() > 600


def test_dollars_are_no_formula(inputs: CardInputs) -> None:
    plain = draw("generators", generators(inputs, "a$b$", "c_d^e", "$\\frac{1}{0", "100% \\alpha"))
    assert ink(plain).sum() > 300


def test_a_font_of_last_resort_is_none() -> None:
    assert not [font for font in fonts._installed() if "Last" in font.family]


def test_a_long_name_leaves_room_for_the_bars(inputs: CardInputs) -> None:
    data = generators(inputs, "x" * 300)
    with Image.open(io.BytesIO(draw("generators", data))) as image:
        assert image.width == 1600
