"""The mask files of our own layout: {frame:05d}.png, and {frame:05d}.2.png and so on where objects overlap.

One PNG holds one object per pixel; each object of a frame stands whole in one of its files.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...masks import decode
from .frame_files import mask_files
from .png import encode_png
from .video import LabelMap, Problem
from .video_files import list_folder

_FURTHER = re.compile(r"([0-9]{1,9})\.([2-9]|[1-9][0-9]{1,4})\.png", re.IGNORECASE)


def own_mask_files(folder: Path, *, raw: Path) -> tuple[dict[int, list[Path]], list[Problem]]:
    """The mask files of one video by frame_index, ascending, and what is wrong with the folder's entries."""
    further = {path: match for path in list_folder(folder) if (match := _FURTHER.fullmatch(path.name))}
    first, problems = mask_files(folder, raw=raw, besides=further)
    files = {frame: [path] for frame, path in first.items()}
    for path, match in sorted(further.items(), key=lambda item: (int(item[1][1]), int(item[1][2]))):
        frame = int(match[1])
        if path.is_file() and frame in files and files[frame][0].stem == match[1]:
            files[frame].append(path)
        else:
            what = f"a further file of its frame; wanted {match[1]}.png beside it: add that, or move this out"
            problems.append(Problem(path.relative_to(raw).as_posix(), what))
    return files, problems


def own_mask_pngs(frame_index: int, masks: Mapping[int, str], *, height: int, width: int) -> dict[str, bytes]:
    """The files that hold the masks of one frame, by name; one as long as no objects overlap, none without a pixel.

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
    return {_name(frame_index, number): encode_png(plane) for number, plane in enumerate(planes, start=1)}


def _name(frame_index: int, plane: int) -> str:
    return f"{frame_index:05d}.png" if plane == 1 else f"{frame_index:05d}.{plane}.png"
