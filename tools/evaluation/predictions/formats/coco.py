"""COCO JSON: `images` named {video_id}/{frame}.*, and an annotation for each mask in one of
them.
"""

from collections.abc import Sequence
from pathlib import Path

from ..entries import read_annotated
from ..form import Format, Predictions, Reading
from ..place import Place


def detect(place: Place) -> Sequence[Path]:
    """JSON files with images."""
    return [
        file
        for file in place.with_suffix(".json")
        if isinstance(content := place.peek(file), dict) and "images" in content
    ]


def read(place: Place, files: Sequence[Path], reading: Reading) -> Predictions:
    """The masks of all files. An image without an annotation is an empty prediction."""
    return read_annotated(place, files, kind=FORMAT.name)


FORMAT = Format(
    name="coco",
    what="COCO JSON with images named {video_id}/{frame}.png",
    needs="",
    order=5,
    numbered=True,
    detect=detect,
    read=read,
)
