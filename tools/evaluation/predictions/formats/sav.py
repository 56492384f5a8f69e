"""SA-V JSON: a file for each video, {video_id}_manual.json or {video_id}_auto.json, with masks of
every 4th frame.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .....builder.layouts import ANNOTATION_NAME, FRAME_STEP, MaskletError, read_masklets
from .....builder.raw import Problem
from ..entries import Entries
from ..form import Format, Predictions, Reading
from ..place import Place
from ..rle import Rle


def detect(place: Place) -> Sequence[Path]:
    """JSON files with names or contents as in SA-V."""
    return [
        file
        for file in place.with_suffix(".json")
        if ANNOTATION_NAME.fullmatch(file.name)
        or (isinstance(content := place.peek(file), dict) and "masklet" in content)
    ]


def read(place: Place, files: Sequence[Path], reading: Reading) -> Predictions:
    """The masks of all files, all masklets of a frame together."""
    entries = Entries(place.path, FORMAT.name)
    for file in files:
        try:
            masklets = read_masklets(file)
        except MaskletError as error:
            entries.problems += [Problem(str(file), fault) for fault in error.faults]
            entries.hidden = True
            continue
        video_id = _video_id(place, file)
        if video_id in entries.masks:
            entries.problems.append(
                Problem(str(file), f"video {video_id} is also in another file; keep one of them")
            )
            continue
        frames = entries.masks[video_id]
        for position, rles in enumerate(masklets.rles):
            frames[FRAME_STEP * position] = [
                Rle(rle["counts"], (rle["size"][0], rle["size"][1]), None, object_id)
                for object_id, rle in zip(masklets.object_ids, rles, strict=True)
            ]
    return entries.predictions()


def _video_id(place: Place, file: Path) -> str:
    match = ANNOTATION_NAME.fullmatch(file.name)
    content: Any = place.peek(file)
    stated = content.get("video_id") if isinstance(content, dict) else None
    return match[1] if match else stated if isinstance(stated, str) else file.stem


FORMAT = Format(
    name="sav",
    what="SA-V JSON, a file for each video",
    needs="",
    order=5,
    numbered=False,
    detect=detect,
    read=read,
)
