"""A JSON list of results: objects with video_id, frame_index and segmentation, or a results list of
COCO or YouTube-VIS.

Results lists identify the image or video of a mask only by a number. Another file has the names of
these numbers. It is given by the caller, or found beside the list.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .....builder.raw import Problem, RawError, is_litter, read_json, shown
from ...truth import EvaluationError
from ..entries import Entries
from ..form import Format, Predictions, Reading
from ..names import NO_NAMES, Key, Names, key_of, read_names
from ..place import Place

_TABLES = {"videos": "video_id", "images": "image_id"}
_GIVE = (
    "give the file that names it with --names FILE (in YouTube-VIS instances.json or "
    "valid.json), or put it beside"
)


def detect(place: Place) -> Sequence[Path]:
    """JSON files with a list, or with only annotations."""
    return [file for file in place.with_suffix(".json") if _entries(place.peek(file)) is not None]


def _entries(content: object) -> list[Any] | None:
    if (
        isinstance(content, dict)
        and "annotations" in content
        and not {"videos", "images", "masklet"} & content.keys()
    ):
        content = (
            content["annotations"]
            if isinstance(content["annotations"], list)
            else [content["annotations"]]
        )
    return content if isinstance(content, list) else None


def read(place: Place, files: Sequence[Path], reading: Reading) -> Predictions:
    """The masks of all lists."""
    entries = Entries(place.path, FORMAT.name)
    contents = {file: _entries(place.json(file)) or [] for file in files}
    numbers = _numbers([entry for content in contents.values() for entry in content])
    names, source = _names(numbers, files, reading, entries)
    for file, content in contents.items():
        for position, entry in enumerate(content):
            if names is not None or not _is_numbered(entry):
                entries.add(f"{file} [{position}]", entry, names or NO_NAMES)
    return entries.predictions(names=source)


def _names(
    numbers: Mapping[str, set[Key]], files: Sequence[Path], reading: Reading, entries: Entries
) -> tuple[Names | None, Path | None]:
    """The names of the numbers, and the file that has them.

    Both are None if names are needed and there is no such file; a problem is then added to
    `entries`.
    """
    if not any(numbers.values()):
        return NO_NAMES, None
    if reading.names is not None:
        contents = {reading.names: _named(reading.names, wanted=True)}
    else:
        contents = {
            path: content
            for path in _beside(files)
            if (content := _named(path, wanted=False)) is not None
        }
    table, name = next((table, name) for table, name in _TABLES.items() if numbers[table])
    number = shown(min(numbers[table], key=str))
    where = str(files[0])
    fitting = {path: content for path, content in contents.items() if content and table in content}
    if len(fitting) != 1:
        what = f"{name} {number} is a number; {_GIVE}"
        if fitting:
            files_beside = " and ".join(path.name for path in fitting)
            what = (
                f"{name} {number} is a number, and {files_beside} name it; choose one with --names"
            )
        entries.problems.append(Problem(where, what))
        entries.hidden = True
        return None, None
    path, content = next(iter(fitting.items()))
    names = read_names(content or {})
    entries.problems += [Problem(f"{path} {entry}", what) for entry, what in names.faults]
    entries.hidden = entries.hidden or bool(names.faults)
    return names, path


def _beside(files: Sequence[Path]) -> list[Path]:
    folders = sorted({file.parent for file in files})
    return sorted(
        path
        for folder in folders
        for path in folder.iterdir()
        if path.suffix.lower() == ".json"
        and path not in files
        and path.is_file()
        and not is_litter(path.name)
    )


def _named(path: Path, *, wanted: bool) -> Mapping[str, object] | None:
    try:
        content = read_json(path)
    except RawError as error:
        if wanted:
            raise EvaluationError([Problem(str(path), str(error))]) from error
        return None
    if isinstance(content, dict) and _TABLES.keys() & content.keys():
        return content
    if wanted:
        raise EvaluationError(
            [
                Problem(
                    str(path),
                    "has neither videos nor images; wanted a COCO or YouTube-VIS file that names "
                    "them",
                )
            ]
        )
    return None


def _is_numbered(entry: object) -> bool:
    return isinstance(entry, dict) and any(
        type(key_of(entry.get(name))) is int for name in _TABLES.values()
    )


def _numbers(entries: Sequence[object]) -> dict[str, set[Key]]:
    """The numeric ids of videos and of images."""
    numbers: dict[str, set[Key]] = {table: set() for table in _TABLES}
    for entry in entries:
        for table, name in _TABLES.items():
            key = key_of(entry.get(name)) if isinstance(entry, dict) else None
            if isinstance(key, int):
                numbers[table].add(key)
    return numbers


FORMAT = Format(
    name="results",
    what="a JSON list of {video_id, frame_index, segmentation}, or the results list of COCO or "
    "YouTube-VIS",
    needs="where ids are numbers: the file that names them, beside it or with --names",
    order=5,
    numbered=True,
    detect=detect,
    read=read,
)
