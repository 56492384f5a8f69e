"""Reads the manifest of a release, which describes all its files and videos."""

from os import PathLike, fspath
from types import NoneType
from typing import Any

import fsspec

from .error import ReleaseError
from .formats import READABLE_FORMATS
from .json_text import MAX_JSON_BYTES, parse_json
from .layout import MAX_SHARDS
from .row import SPLITS


def read_manifest(release: str | PathLike[str]) -> dict[str, Any]:
    """The manifest.json of a release folder: its versions, and the facts of every file and video
    (docs/format.md).

    Raises:
        ReleaseError: the file is missing, is not a JSON object within the limits of `parse_json`,
            has a format version that this code does not read, or values of wrong types.

    Examples:
        >>> manifest = brokenvideos.read_manifest("release")
        >>> manifest["data_version"], len(manifest["videos"])
        ('1.0.0', 9)
        >>> [(shard["split"], len(shard["video_ids"])) for shard in manifest["shards"]]
        [('train', 3), ('train', 4), ('validation', 1), ('test', 1)]
    """
    path = f"{fspath(release)}/manifest.json"
    try:
        with fsspec.open(path, "rb") as file:
            manifest: dict[str, Any] = parse_json(
                file.read(MAX_JSON_BYTES + 1), max_bytes=MAX_JSON_BYTES
            )
    except FileNotFoundError:
        raise ReleaseError(
            f"{path}: not found. A release has one; was this folder made by `brokenvideos build`?"
        ) from None
    except ValueError as error:
        raise ReleaseError(
            f"{path}: not JSON ({error}). Build or download the release again."
        ) from None
    version = manifest.get("format_version") if isinstance(manifest, dict) else None
    if version not in READABLE_FORMATS:
        raise ReleaseError(
            f"{path}: format_version is {version!r}, this package reads {_READABLE}. Install the "
            "version of brokenvideos that wrote it, or build the release again."
        )
    if wrong := _misshapen(manifest, _MANIFEST_SHAPE, ""):
        raise ReleaseError(f"{path}: {wrong}. Build or download the release again.")
    for number, shard in enumerate(manifest["shards"]):
        split, index, num_shards = shard["split"], shard["index"], shard["num_shards"]
        if split not in SPLITS or not 0 <= index < num_shards <= MAX_SHARDS:
            raise ReleaseError(
                f"{path}: .shards[{number}] is {split!r} {index} of {num_shards}, wanted a split "
                f"of {', '.join(SPLITS)} and an index below a count of at most {MAX_SHARDS}. Build "
                "or download the release again."
            )
    return manifest


_READABLE = " and ".join(map(str, READABLE_FORMATS))

_MANIFEST_SHAPE = {
    "data_version": str,
    "reading": {
        "layout": str,
        "artifact_type": (str, NoneType),
        "generator": (str, NoneType),
        "void": (int, NoneType),
    },
    "shards": [
        {
            "split": str,
            "index": int,
            "num_shards": int,
            "video_ids": [str],
            "files": [{"path": str, "sha256": str, "bytes": int, "rows": int}],
        }
    ],
    "videos": {...: {"digest": str, "video_sha256": str}},
    "errata?": [
        {
            "data_version": str,
            "video_ids": [str],
            "reason": str,
            "videos?": {...: {"video_sha256?": str}},
        }
    ],
}
"""The types that readers rely on. The entry of a list stands for all its entries, and `...` for
every key of an object. A tuple lists the allowed types. A key with a question mark may be missing.
"""


def _misshapen(value: Any, wanted: Any, where: str) -> str | None:
    """The first value whose type differs from the shape; None if there is none."""
    kinds = (
        wanted
        if isinstance(wanted, tuple)
        else (wanted if isinstance(wanted, type) else type(wanted),)
    )
    if type(value) not in kinds:
        return (
            f"{where or 'it'} is {type(value).__name__}, wanted "
            f"{' or '.join(kind.__name__ for kind in kinds)}"
        )
    if isinstance(wanted, list):
        parts = [(f"{where}[{number}]", entry, wanted[0]) for number, entry in enumerate(value)]
    elif isinstance(wanted, dict):
        missing = [
            key for key in wanted if key is not ... and not key.endswith("?") and key not in value
        ]
        if missing:
            return f"{where or 'it'} lacks {missing[0]!r}"
        parts = [
            (f"{where}.{key}", value[key], wanted.get(key, wanted.get(f"{key}?", wanted.get(...))))
            for key in value
        ]
    else:
        return None
    problems = (_misshapen(part, shape, place) for place, part, shape in parts if shape is not None)
    return next((wrong for wrong in problems if wrong), None)
