"""The mask files of our own layout: {frame:05d}.png, and {frame:05d}.2.png and so on if objects
overlap.

One PNG holds one object per pixel. Each object of a frame is complete in one of the frame's files.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...masks import decode
from .frame_files import by_frame
from .png import encode_png
from .video import LabelMap, Problem
from .video_files import list_folder

_NAME = re.compile(r"([0-9]{1,9})(?:\.([2-9]|[1-9][0-9]{1,4}))?")


def own_mask_files(folder: Path, *, raw: Path) -> tuple[dict[int, list[Path]], list[Problem]]:
    """The mask files of one video by frame_index, ascending, and problems with other entries of the
    folder.
    """
    planes: dict[int, list[Path]] = {}
    problems: list[Problem] = []
    for path in list_folder(folder):
        match = _NAME.fullmatch(path.stem)
        if match is not None and path.suffix.lower() == ".png" and path.is_file():
            planes.setdefault(int(match[2] or 1), []).append(path)
        else:
            what = (
                "not a mask file; wanted {frame:05d}.png, such as 00017.png for frame 17 (from "
                "0): rename it or move it out"
            )
            problems.append(Problem(path.relative_to(raw).as_posix(), what))
    first, faults = by_frame(planes.pop(1, []), raw=raw)
    files = {frame_index: [path] for frame_index, path in first.items()}
    for _, paths in sorted(planes.items()):
        for path in paths:
            number = path.stem.split(".")[0]
            beside = next((entry[0] for entry in [files.get(int(number))] if entry), None)
            if beside is None or beside.stem != number:
                what = (
                    f"no {number}.png beside it, which holds the first objects of this frame: "
                    "add it, or rename this file"
                )
                problems.append(Problem(path.relative_to(raw).as_posix(), what))
            else:
                files[int(number)].append(path)
    return files, problems + faults


def own_mask_pngs(
    frame_index: int, masks: Mapping[int, str], *, height: int, width: int
) -> dict[str, bytes]:
    """The files that hold the masks of one frame, by name. One file if no objects overlap; no file
    if no pixel is marked.

    Args:
        masks: COCO RLE by object_id.
    """
    planes: list[LabelMap] = []
    for object_id, counts in sorted(masks.items()):
        marked = decode([counts], height=height, width=width)[0] > 0
        if not marked.any():
            continue
        free = next((plane for plane in planes if not plane[marked].any()), None)
        if free is None:
            free = np.zeros((height, width), np.uint16)
            planes.append(free)
        free[marked] = object_id
    return {
        _name(frame_index, number): encode_png(plane)
        for number, plane in enumerate(planes, start=1)
    }


def _name(frame_index: int, plane: int) -> str:
    return f"{frame_index:05d}.png" if plane == 1 else f"{frame_index:05d}.{plane}.png"
