"""A release: its annotations are the prediction."""

from collections.abc import Sequence
from pathlib import Path

from ..annotated import read_annotated_videos
from ..form import Format, Predictions, Reading
from ..place import Place


def detect(place: Place) -> Sequence[Path]:
    """The folder, if it has a manifest."""
    return [place.path] if (place.path / "manifest.json").is_file() else []


def read(place: Place, files: Sequence[Path], reading: Reading) -> Predictions:
    """The annotation as predictions; all objects of a frame count together.

    An annotated frame without a mask is an empty prediction.
    """
    return read_annotated_videos(place.path, reading, kind=FORMAT.name)


FORMAT = Format(
    name="release", what="a release", needs="", order=1, numbered=False, detect=detect, read=read
)
