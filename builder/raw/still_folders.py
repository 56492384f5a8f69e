"""Finds the images of a folder by video_id, in the folder itself or in one folder per split."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...release import VIDEO_ID
from .stills import STILL_SUFFIXES
from .video import Problem
from .video_files import VIDEO_ID_RULE, list_folder

SPLIT_NAMES = {
    "train": "train",
    "val": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
}
"""The split by folder or file name."""

STILL_LIST = f"{', '.join(STILL_SUFFIXES[:-1])} or {STILL_SUFFIXES[-1]}"


@dataclass(frozen=True, slots=True)
class Still:
    """One file of a dataset of images."""

    path: Path
    split: str | None
    """The split of the folder that holds the file."""


def find_stills(
    folder: Path, *, raw: Path, suffixes: Sequence[str] = STILL_SUFFIXES
) -> tuple[dict[str, Still], list[Problem]]:
    """Files of a folder and of its folders train, val, validation, dev and test, by video_id (the
    name without its suffix), and problems with other entries.

    Returns:
        If two files have one id, the first file and a problem. A file whose name is not a video_id
        gives only a problem.
    """
    stills: dict[str, Still] = {}
    problems: list[Problem] = []
    places: list[tuple[Path, str | None]] = [
        (path, None)
        for path in list_folder(folder)
        if path.name not in SPLIT_NAMES or not path.is_dir()
    ]
    for name, of_split in SPLIT_NAMES.items():
        places += [(path, of_split) for path in list_folder(folder / name)]
    wanted = ", ".join(suffixes)
    for path, split in places:
        where = path.relative_to(raw).as_posix()
        if path.suffix.lower() not in suffixes or not path.is_file():
            what = (
                f"not a file of this layout; wanted {wanted}, or folders "
                f"{', '.join(SPLIT_NAMES)} of them: move it out"
            )
            problems.append(Problem(where, what))
        elif not VIDEO_ID.fullmatch(path.stem):
            problems.append(
                Problem(
                    where, f"the video_id {path.stem!r} is not {VIDEO_ID_RULE}; rename the file"
                )
            )
        elif path.stem in stills:
            first = stills[path.stem].path.relative_to(raw).as_posix()
            problems.append(
                Problem(
                    where,
                    f"image {path.stem} is also {first}; wanted one file: rename one of the two",
                )
            )
        else:
            stills[path.stem] = Still(path, split)
    return stills, problems


def missing_still(video_id: str) -> str:
    """The problem of masks or a line whose image is missing."""
    return (
        f"no image images/{video_id}.jpg (or {STILL_LIST.removeprefix('.jpg, ')}); add it, or "
        "remove this"
    )
