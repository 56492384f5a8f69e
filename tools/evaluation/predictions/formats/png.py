"""PNG folders: {video_id}/{frame}.png, or {video_id}/{object}/{frame}.png, as SAM 2 writes them.

All objects of a frame count together.
"""

from collections.abc import Sequence
from pathlib import Path

from .....builder.raw import VIDEO_ID_RULE, Problem
from .....release import VIDEO_ID
from ..form import Format, PredictedVideo, Predictions, Reading
from ..mask_files import FRAME_NAME, OBJECT_NAME, MaskFile, PngVideo, is_note, joined_files
from ..place import Place

NOT_A_MASK = "not a mask; wanted {frame}.png, such as 00017.png for frame 17 (from 0)"


def detect(place: Place) -> Sequence[Path]:
    """The folder that holds the videos' folders: the place itself, its Annotations/480p,
    Annotations or masks.
    """
    inside = ("Annotations/480p", "Annotations", "masks")
    home = next(
        (
            folder
            for name in inside
            if (folder := place.path / name).is_dir() and _has_folders(folder)
        ),
        place.path,
    )
    return [home] if _has_folders(home) else []


def _has_folders(folder: Path) -> bool:
    return any(Place(folder).folders)


def read(place: Place, files: Sequence[Path], reading: Reading) -> Predictions:
    """The masks of all folders. A frame without a file is not predicted."""
    home = Place(files[0])
    videos: dict[str, PredictedVideo] = {}
    problems = [
        Problem(str(file), "not a folder; wanted one folder of PNG masks per video: move it out")
        for file in home.files
        if not is_note(file.name)
    ]
    incomplete = set()
    for folder in home.folders:
        if not VIDEO_ID.fullmatch(folder.name):
            problems.append(
                Problem(
                    str(folder),
                    f"the video_id {folder.name!r} is not {VIDEO_ID_RULE}; rename the folder",
                )
            )
            continue
        entries, faults = _mask_files(folder)
        joined, frame_faults = joined_files(entries)
        problems += faults + frame_faults
        if faults:
            incomplete.add(folder.name)
        videos[folder.name] = PngVideo(str(folder), joined, reading.values)
    return Predictions(place.path, FORMAT.name, videos, tuple(problems), frozenset(incomplete))


def _mask_files(folder: Path) -> tuple[list[tuple[int, str, MaskFile]], list[Problem]]:
    """(frame number, object, file) of each mask of a video, and a problem for every other entry."""
    files: list[tuple[int, str, MaskFile]] = []
    problems = []
    inside = Place(folder)
    objects = [entry for entry in inside.folders if OBJECT_NAME.fullmatch(entry.name)]
    strangers = [entry for entry in inside.folders if entry not in objects]
    of_objects = [(entry.name, file) for entry in objects for file in Place(entry).files]
    strangers += [inner for entry in objects for inner in Place(entry).folders]
    for of_object, file in [*(("", file) for file in inside.files), *of_objects]:
        if match := FRAME_NAME.fullmatch(file.name):
            files.append((int(match[1]), of_object, MaskFile(str(file), file)))
        else:
            strangers.append(file)
    problems += [Problem(str(entry), NOT_A_MASK) for entry in strangers]
    return files, problems


FORMAT = Format(
    name="png",
    what="PNGs {video_id}/{frame}.png, or {video_id}/{object}/{frame}.png",
    needs="",
    order=6,
    numbered=True,
    detect=detect,
    read=read,
)
