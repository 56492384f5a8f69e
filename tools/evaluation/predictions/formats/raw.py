"""A raw folder in any layout that `build` reads: its masks are the prediction."""

from collections.abc import Sequence
from pathlib import Path

from .....builder.layouts import detect as layout_of
from .....builder.raw import FILE_NAME, VIDEO_SUFFIXES, RawError
from ..annotated import read_annotated_videos
from ..form import Format, Predictions, Reading
from ..place import Place

_ALSO_WITHOUT_VIDEOS = ("coco", "sav", "davis")
"""Layouts that are read as another form of predictions if they have no videos."""


def detect(place: Place) -> Sequence[Path]:
    """The folder, where it has one of the layouts, and videos or images that were annotated."""
    # A videos.jsonl alone does not count: an export without its videos has one too, and its masks
    # say what they are of.
    has_videos = any(folder.name == "videos" for folder in place.folders) or any(
        file.suffix.lower() in VIDEO_SUFFIXES for file in place.files if file != place.path
    )
    try:
        layout = layout_of(place.path)
    except RawError:
        is_meant = (place.path / FILE_NAME).is_file() or (place.path / "videos").is_dir()
        return (
            [place.path]
            if is_meant and not place.with_suffix(".parquet") and not place.with_suffix(".tar")
            else []
        )
    return [place.path] if has_videos or layout not in _ALSO_WITHOUT_VIDEOS else []


def read(place: Place, files: Sequence[Path], reading: Reading) -> Predictions:
    """The annotation as predictions; all objects of a frame count together.

    An annotated frame without a mask is an empty prediction.
    """
    return read_annotated_videos(place.path, reading, kind=FORMAT.name)


FORMAT = Format(
    name="raw",
    what="a raw folder of any layout with its videos",
    needs="",
    order=2,
    numbered=False,
    detect=detect,
    read=read,
)
