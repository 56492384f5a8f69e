"""The folder of the JavaScript modules that pages import. They import each other by relative
paths.
"""

from pathlib import Path

MODULES = Path(__file__).parent
"""The folder with rle.js, marks.js, frames.js, picture.js, player.js, canvas.js, keyboard.js,
dom.js, colours.js and base.css.
"""
