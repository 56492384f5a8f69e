"""What every page of ours in a browser needs, as ES modules that no build step touches: frames, the picture, masks, colours."""

from pathlib import Path

MODULES = Path(__file__).parent
"""The folder to serve: rle.js, marks.js, frames.js, picture.js, colours.js. They import each other by relative paths."""

__all__ = ["MODULES"]
