"""Reads PNG masks in one folder per object, {video_id}/{object}/{frame}.png, as SAM 2 writes
them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .binary_png import read_binary_file
from .frame_files import NUMBER, ids_from_one, mask_files
from .records import FoundMasks
from .video import FrameLabels, Problem
from .video_files import list_folder
from .videos_jsonl import MAX_OBJECT_ID

RULE = "folders of objects: 1 or white is the object of the folder"


@dataclass(frozen=True, slots=True)
class ObjectFolderMasks:
    """Binary PNGs of one video, one folder per object."""

    folders: Mapping[int, Path]
    """object_id → folder."""

    def read(self) -> Iterator[FrameLabels]:
        """Frames in which at least one object has a file: one plane per object with a file, because
        objects may overlap.

        Raises:
            RawError: a file that is not a binary PNG.
        """
        files = {
            object_id: mask_files(folder, raw=folder)[0]
            for object_id, folder in self.folders.items()
        }
        for frame_index in sorted({frame for of_object in files.values() for frame in of_object}):
            yield FrameLabels(
                frame_index,
                [
                    read_binary_file(of_object[frame_index]) * np.uint16(object_id)
                    for object_id, of_object in files.items()
                    if frame_index in of_object
                ],
                rules=(RULE,),
            )


def find_object_folders(folder: Path, *, raw: Path) -> tuple[FoundMasks, list[Problem]] | None:
    """The masks of one video, and problems with its folder; None if no folder in it has a number as
    name.

    Object numbers are ids; if one number is 0, all are raised by 1. A frame in which no object has
    a file is not annotated.
    """
    entries = list_folder(folder)
    numbered = [path for path in entries if path.is_dir() and NUMBER.fullmatch(path.name)]
    if not numbered:
        return None
    problems: list[Problem] = []
    by_number: dict[int, Path] = {}
    frames: set[int] = set()
    for path in entries:
        where = path.relative_to(raw).as_posix()
        if path not in numbered:
            what = (
                f"beside the folder of an object, {numbered[0].name}; wanted only folders of "
                "objects: move it out"
            )
            problems.append(Problem(where, what))
        elif int(path.name) in by_number:
            what = (
                f"the same object as {by_number[int(path.name)].name}; wanted one folder per "
                "object: rename one of the two"
            )
            problems.append(Problem(where, what))
        elif int(path.name) >= MAX_OBJECT_ID:
            problems.append(
                Problem(
                    where,
                    f"wanted the number of an object, below {MAX_OBJECT_ID}; rename the folder",
                )
            )
        else:
            files, faults = mask_files(path, raw=raw)
            by_number[int(path.name)] = path
            frames |= set(files)
            problems += faults
    where = folder.relative_to(raw).as_posix()
    if not frames and not problems:
        problems.append(
            Problem(
                where, "no mask in its folders, so no frame is annotated; add all-background PNGs"
            )
        )
    ids = ids_from_one(by_number)
    masks = ObjectFolderMasks({ids[number]: path for number, path in sorted(by_number.items())})
    return FoundMasks(where, None if problems else masks, tuple(sorted(frames))), problems
