"""Reads videos.jsonl, the metadata of a raw folder's videos: one JSON object per line."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...masks import ARTIFACT_TYPES
from ...release import LABELS, SOURCE_FIELDS, SPLITS, VIDEO_ID, parse_json
from .video import REVIEWS, Problem
from .video_files import VIDEO_ID_RULE

FILE_NAME = "videos.jsonl"
MAX_OBJECT_ID = 2**16 - 1
"""Label maps are uint16."""
MAX_FRAME_INDEX = 2**31 - 1
"""Frame indices are int32 in a row."""


@dataclass(frozen=True, slots=True)
class VideoEntry:
    """One line. A field is `None` if the line has no such key, or null."""

    line: int
    video_id: str
    generator: str | None
    prompt: str | None
    label: str | None
    objects: Mapping[int, str | None] | None
    """Artifact type name by object_id; None if the line gives null."""
    annotated_frames: Sequence[int] | None
    split: str | None
    review: str | None
    source: Mapping[str, str]
    subtypes: Mapping[int, str]
    """Subtype by object_id, for objects that have one."""
    sound: bool
    """False if the line has a problem; a wrong value is then None."""


class FieldError(ValueError):
    """The faults in the value of one key, one text per fault."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


def read_videos_jsonl(
    path: Path, *, required: Collection[str]
) -> tuple[dict[str, VideoEntry], list[Problem]]:
    """Entries of the file by video_id, and every problem in it; both are empty if there is no such
    file.

    Args:
        required: keys that every line must have besides video_id.

    Returns:
        An entry for every line with a video_id, also if other values are wrong (`sound` is then
        False), so that its files are not reported as unlisted. If two lines have one id, the first.
    """
    entries: dict[str, VideoEntry] = {}
    problems: list[Problem] = []
    if not path.exists():
        return entries, problems
    try:
        data = path.read_bytes()
    except OSError as error:
        return entries, [
            Problem(FILE_NAME, f"cannot be read ({error.strerror}); wanted a file of JSON lines")
        ]
    for line, text in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not text.strip():
            continue
        entry, faults = _read_line(text, line=line, required=required)
        if entry is not None and entry.video_id in entries:
            first = entries[entry.video_id].line
            faults.append(
                f"video {entry.video_id} is already on line {first}; wanted one line per video: "
                "remove one of the two"
            )
        elif entry is not None:
            entries[entry.video_id] = entry
        problems += [Problem(f"{FILE_NAME} line {line}", fault) for fault in faults]
    return entries, problems


def _read_line(
    text: bytes, *, line: int, required: Collection[str]
) -> tuple[VideoEntry | None, list[str]]:
    try:
        record = parse_json(text, object_pairs_hook=_unique_keys)
    except FieldError as error:
        return None, [str(error)]
    except UnicodeDecodeError as error:
        return None, [f"not UTF-8 at byte {error.start}; save the file as UTF-8"]
    except json.JSONDecodeError as error:
        return None, [
            f"not JSON ({error.msg} at character {error.pos + 1}); wanted one JSON object per line"
        ]
    except (
        ValueError
    ) as error:  # for example a number with thousands of digits, or too many nested brackets
        return None, [f"not readable as JSON ({error}); wanted one JSON object per line"]
    if not isinstance(record, dict):
        return None, [f"found {_shown(record)}, wanted a JSON object with {_list(_FIELDS)}"]
    faults = [
        f"unknown key {_shown(key)}; known are {_list(_FIELDS)}: rename it, or move its text into "
        "source.notes"
        for key in record
        if key not in _FIELDS
    ]
    values: dict[str, Any] = dict.fromkeys(_FIELDS)
    for key, read in _FIELDS.items():
        if record.get(key) is not None:
            try:
                values[key] = read(record[key])
            except FieldError as error:
                faults += [f"{key} {fault}" for fault in error.faults]
        elif key == "video_id" or key in required:
            faults.append(f"{key} is missing; {_MISSING[key]}")
    if values["video_id"] is None:
        return None, faults
    values["source"] = values["source"] or {}
    objects, subtypes = values.pop("objects") or (None, {})
    return VideoEntry(
        line=line, sound=not faults, objects=objects, subtypes=subtypes, **values
    ), faults


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise FieldError(f"key {_shown(twice)} is given twice in one object; remove one of the two")
    return record


def _video_id(value: object) -> str:
    if not isinstance(value, str) or not VIDEO_ID.fullmatch(value):
        raise FieldError(
            f"is {_shown(value)}, wanted {VIDEO_ID_RULE}; rename the video and its files"
        )
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise FieldError(f"is {_shown(value)}, wanted a string")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise FieldError(
            f"is {_shown(value)}, with an unpaired UTF-16 surrogate at character "
            f"{error.start + 1}; wanted whole characters"
        ) from error
    return value


def _name(value: object) -> str:
    if not _text(value):
        raise FieldError('is "", wanted a name')
    return _text(value)


def _one_of(names: Sequence[str]) -> Callable[[object], str]:
    def read(value: object) -> str:
        if not isinstance(value, str) or value not in names:
            raise FieldError(f"is {_shown(value)}, wanted {_list(names, last=' or ')}")
        return value

    return read


def _objects(value: object) -> tuple[dict[int, str | None], dict[int, str]]:
    """Types and subtypes by object_id."""
    if not isinstance(value, list):
        raise FieldError(f"is {_shown(value)}, wanted a list of {{object_id, artifact_type}}")
    objects: dict[int, str | None] = {}
    subtypes: dict[int, str] = {}
    faults: list[str] = []
    for position, item in enumerate(value):
        if not isinstance(item, dict) or set(item) - {"subtype"} != {"object_id", "artifact_type"}:
            faults.append(
                f"[{position}] is {_shown(item)}, wanted the keys object_id and artifact_type, and "
                "subtype if there is one"
            )
            continue
        object_id, artifact_type = item["object_id"], item["artifact_type"]
        if artifact_type is not None and artifact_type not in ARTIFACT_TYPES:
            faults.append(
                f"[{position}] has artifact_type {_shown(artifact_type)}, wanted "
                f"{_list(ARTIFACT_TYPES, last=' or ')}, or null where it is not given"
            )
        subtype = item.get("subtype")
        if subtype is not None and not (isinstance(subtype, str) and subtype.strip()):
            faults.append(
                f"[{position}] has subtype {_shown(subtype)}, wanted a name, or no such key"
            )
        if not _is_int(object_id) or not 1 <= object_id <= MAX_OBJECT_ID:
            faults.append(
                f"[{position}] has object_id {_shown(object_id)}, wanted a whole number from 1 to "
                f"{MAX_OBJECT_ID}"
            )
        elif object_id in objects:
            faults.append(
                f"[{position}] repeats object_id {object_id}; wanted one entry per object: remove "
                "one of the two"
            )
        else:
            objects[object_id] = artifact_type
            if subtype is not None:
                subtypes[object_id] = subtype
    if faults:
        raise FieldError(*faults)
    return objects, subtypes


def _annotated_frames(value: object) -> tuple[int, ...]:
    wanted = "wanted frame indices from 0, ascending, each once"
    if not isinstance(value, list):
        raise FieldError(
            f"is {_shown(value)}, {wanted}; leave the key out when every frame was looked at"
        )
    last = -1
    for position, frame_index in enumerate(value):
        if not _is_int(frame_index) or not 0 <= frame_index <= MAX_FRAME_INDEX:
            raise FieldError(f"[{position}] is {_shown(frame_index)}, {wanted}")
        if frame_index <= last:
            raise FieldError(f"[{position}] is {frame_index} after {last}, {wanted}: sort the list")
        last = frame_index
    return tuple(value)


def _source(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise FieldError(f"is {_shown(value)}, wanted an object of strings")
    faults: list[str] = []
    source: dict[str, str] = {}
    for key, item in value.items():
        try:
            if key not in SOURCE_FIELDS:
                raise FieldError(
                    f"is unknown; known are {_list(SOURCE_FIELDS)}: rename it, or put the text "
                    "into notes"
                )
            if item is not None:
                source[key] = _text(item)
        except FieldError as error:
            faults.append(f"{_shown(key)} {error}")
    if faults:
        raise FieldError(*faults)
    return source


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _list(names: Collection[str], *, last: str = " and ") -> str:
    *head, tail = names
    return f"{', '.join(head)}{last}{tail}" if head else tail


_FIELDS: Mapping[str, Callable[[object], Any]] = {
    "video_id": _video_id,
    "generator": _name,
    "prompt": _text,
    "label": _one_of(LABELS),
    "objects": _objects,
    "annotated_frames": _annotated_frames,
    "split": _one_of(SPLITS),
    "review": _one_of(REVIEWS),
    "source": _source,
}
_MISSING = {
    "video_id": "wanted the name of the video file without its suffix",
    "generator": "wanted the name of the model that made the video",
    "objects": "wanted a list of {object_id, artifact_type}, [] for a video without artifacts",
}
