"""COCO JSON: `images` named {video_id}/{frame}.*, and an annotation for each mask in one of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ....builder.raw import Problem, shown
from .entries import Entries
from .form import Format, Predictions, Reading
from .names import read_names
from .place import Place


def detect(place: Place) -> Sequence[Path]:
    """JSON files that hold images."""
    return [
        file
        for file in place.with_suffix(".json")
        if isinstance(content := place.peek(file), dict) and "images" in content
    ]


def read(place: Place, files: Sequence[Path], reading: Reading) -> Predictions:
    """The masks of all files; an image without an annotation was looked at and has none."""
    return read_annotated(place, files, kind=FORMAT.name)


def read_annotated(place: Place, files: Sequence[Path], *, kind: str) -> Predictions:
    """The masks of files with `annotations`, and with `images` or `videos` that name their frames."""
    entries = Entries(place.path, kind)
    for file in files:
        content: Any = place.json(file)
        names = read_names(content)
        entries.add_names(file, names)
        annotations = content.get("annotations")
        if not isinstance(annotations, list):
            found = "is not there" if "annotations" not in content else f"is {shown(annotations)}"
            entries.problems.append(
                Problem(f"{file} annotations", f"{found}, wanted a list with an object for each mask")
            )
            entries.hidden = True
            continue
        for position, entry in enumerate(annotations):
            entries.add(f"{file} annotations[{position}]", entry, names)
    return entries.predictions()


FORMAT = Format(
    name="coco",
    what="COCO JSON with images named {video_id}/{frame}.png",
    needs="",
    order=5,
    numbered=True,
    detect=detect,
    read=read,
)
