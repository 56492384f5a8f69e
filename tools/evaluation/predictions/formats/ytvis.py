"""YouTube-VIS JSON: `videos` with the names of their frames, and an annotation for each track.

A track has a mask or null for each frame: `segmentations[k]` belongs to the frame whose number is
in `file_names[k]`. The entries of a video with only `name` or `file_name` are all its frames, from
0.

Source: https://youtube-vos.org/dataset/vis.
"""

from collections.abc import Sequence
from pathlib import Path

from ..entries import read_annotated
from ..form import Format, Predictions, Reading
from ..place import Place


def detect(place: Place) -> Sequence[Path]:
    """JSON files with videos and without images."""
    contents = ((file, place.peek(file)) for file in place.with_suffix(".json"))
    return [
        file
        for file, content in contents
        if isinstance(content, dict) and "videos" in content and "images" not in content
    ]


def read(place: Place, files: Sequence[Path], reading: Reading) -> Predictions:
    """The masks of all files. A frame that a video names and no track marks is an empty
    prediction.
    """
    return read_annotated(place, files, kind=FORMAT.name)


FORMAT = Format(
    name="ytvis",
    what="YouTube-VIS JSON with videos and their file_names",
    needs="",
    order=5,
    numbered=True,
    detect=detect,
    read=read,
)
