"""YouTube-VIS JSON: `videos` with the names of their frames, and an annotation for each track, with a mask or null a frame.

`segmentations[k]` is of the frame whose number stands in `file_names[k]`. A video with a `name` or `file_name` alone has an entry
for every frame, from 0.

Source: https://youtube-vos.org/dataset/vis.
"""

from collections.abc import Sequence
from pathlib import Path

from ..entries import read_annotated
from ..form import Format, Predictions, Reading
from ..place import Place


def detect(place: Place) -> Sequence[Path]:
    """JSON files that hold videos, and no images."""
    contents = ((file, place.peek(file)) for file in place.with_suffix(".json"))
    return [
        file
        for file, content in contents
        if isinstance(content, dict) and "videos" in content and "images" not in content
    ]


def read(place: Place, files: Sequence[Path], reading: Reading) -> Predictions:
    """The masks of all files; a frame that a video names and no track marks was looked at."""
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
