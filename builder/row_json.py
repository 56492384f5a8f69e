"""Writes a row without its video's bytes as one JSON text, which is the json member of a tar and
the input of the row's digest.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..masks import ARTIFACT_TYPES
from ..release import ANNOTATION_FEATURES, LABELS, NEW_IN_2


def tar_json(row: Mapping[str, Any]) -> bytes:
    """The json member of a row: every column but `video`, class labels by name."""
    return _bytes(_named(row))


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    kinds = ARTIFACT_TYPES
    return {
        **{column: row[column] for column in ANNOTATION_FEATURES},
        "label": LABELS[row["label"]],
        "artifact_types": None
        if row["artifact_types"] is None
        else [kinds[kind] for kind in row["artifact_types"]],
        "objects": {
            **row["objects"],
            "artifact_type": [
                None if kind is None else kinds[kind] for kind in row["objects"]["artifact_type"]
            ],
        },
    }


def _bytes(named: Mapping[str, Any]) -> bytes:
    return json.dumps(named, ensure_ascii=False, separators=(",", ":")).encode()


def row_digest(row: Mapping[str, Any], *, video_name: str) -> str:
    """SHA-256 of a whole row: the name of its video's file, a line feed and its JSON, which holds
    the video's SHA-256.

    A field that format 1 did not have is left out if it has no value, so a row has the same digest
    in both formats.

    Args:
        row: as `to_pylist` gives it; `video` is not used.
        video_name: `video.path`.
    """
    named = _named(row)
    for column, field in NEW_IN_2.items():
        value = named[column][field]
        if not any(value) if isinstance(value, list) else value is None:
            named[column] = {name: value for name, value in named[column].items() if name != field}
    return hashlib.sha256(f"{video_name}\n".encode() + _bytes(named)).hexdigest()
