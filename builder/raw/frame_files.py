"""Reads folders with one folder per video, in which files are named by frame number."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from ...release import VIDEO_ID
from .video import Problem
from .video_files import VIDEO_ID_RULE, list_folder

NUMBER = re.compile(r"[0-9]{1,9}")
"""The number of a frame or an object in a file name."""


def mask_folders(root: Path, *, raw: Path) -> tuple[dict[str, Path], list[Problem]]:
    """Folders directly under `root` by video_id, and problems with other entries."""
    folders: dict[str, Path] = {}
    problems: list[Problem] = []
    for path in list_folder(root):
        where = path.relative_to(raw).as_posix()
        if not path.is_dir():
            problems.append(
                Problem(
                    where, "not a folder; wanted one folder of PNG masks per video: move it out"
                )
            )
        elif not VIDEO_ID.fullmatch(path.name):
            problems.append(
                Problem(
                    where, f"the video_id {path.name!r} is not {VIDEO_ID_RULE}; rename the folder"
                )
            )
        else:
            folders[path.name] = path
    return folders, problems


def mask_files(
    folder: Path, *, raw: Path, besides: Collection[Path] = ()
) -> tuple[dict[int, Path], list[Problem]]:
    """The mask files of one video by frame_index, ascending, and problems with other entries of the
    folder.

    Args:
        besides: entries to ignore, because another function reads them.
    """
    named: list[Path] = []
    problems: list[Problem] = []
    for path in list_folder(folder):
        if NUMBER.fullmatch(path.stem) and path.suffix.lower() == ".png" and path.is_file():
            named.append(path)
        else:
            what = (
                "not a mask file; wanted {frame:05d}.png, such as 00017.png for frame 17 (from "
                "0): rename it or move it out"
            )
            problems.append(Problem(path.relative_to(raw).as_posix(), what))
    files, faults = by_frame(named, raw=raw)
    return files, problems + faults


def by_frame(paths: Sequence[Path], *, raw: Path) -> tuple[dict[int, Path], list[Problem]]:
    """Files of one folder whose stems are numbers, by frame_index, ascending; and problems with
    their names.

    Numbers may be padded with zeros to any width. All files of a folder must have the same width:
    others come from elsewhere.
    """
    files: dict[int, Path] = {}
    problems: list[Problem] = []
    widths = Counter(width for path in paths for width in _widths(path.stem))
    # The width that fits most names; if several fit equally many, the usual five.
    width = max(widths, key=lambda width: (widths[width], width == 5, width), default=5)
    strays: list[Path] = []
    for path in paths:
        frame_index = int(path.stem)
        if path.stem != f"{frame_index:0{width}d}":
            strays.append(path)
        elif frame_index in files:
            what = f"beside {files[frame_index].name}; wanted one of the two: remove the other"
            problems.append(Problem(path.relative_to(raw).as_posix(), what))
        else:
            files[frame_index] = path
    if strays:
        more = f" (and {len(strays) - 1} more)" if len(strays) > 1 else ""
        wanted = (
            f"wanted {int(strays[0].stem):0{width}d}{strays[0].suffix}, as the other names "
            "here have leading zeros"
        )
        problems.append(
            Problem(
                f"{strays[0].relative_to(raw).as_posix()}{more}",
                f"{wanted}: rename it or move it out",
            )
        )
    return dict(sorted(files.items())), problems


def _widths(stem: str) -> Sequence[int]:
    """The widths to which a number may have been padded. With leading zeros: its own width;
    otherwise any width up to it.
    """
    return [len(stem)] if stem.startswith("0") else range(1, len(stem) + 1)


def ids_from_one(numbers: Collection[int]) -> dict[int, int]:
    """object_id by the number that a tool gave. Equal to it; but if one number is 0 (background
    here), all are raised by 1.
    """
    return {number: number + (0 in numbers) for number in numbers}
