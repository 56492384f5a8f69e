"""Reads predicted masks of any form; each form has a file of its own.

In: a path. Out: the predictions by video_id, whose masks are not read yet, and all problems so far.
The rest of the evaluation calls it.
"""

from .annotated import read_annotated_videos
from .find import find_predictions, formats_in, formats_table, known_formats
from .form import Format, PredictedFrame, PredictedVideo, Predictions, Reading, Values
from .place import Place
from .turned import read_on_stored

__all__ = [
    "Format",
    "Place",
    "PredictedFrame",
    "PredictedVideo",
    "Predictions",
    "Reading",
    "Values",
    "find_predictions",
    "formats_in",
    "formats_table",
    "known_formats",
    "read_annotated_videos",
    "read_on_stored",
]
