"""Draws one video with its masks, as a contact sheet or a film.

In: a row of a release. Out: a PNG or an MP4. Commands, agreement and prediction call it.
"""

from .view import FILM_LONG_SIDE_PX, view

__all__ = ["FILM_LONG_SIDE_PX", "view"]
