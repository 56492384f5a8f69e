"""A row without its video's bytes as one JSON text: the json member of a tar, and what a row's digest is taken of."""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from ..masks import ARTIFACT_TYPES
from ..release import ANNOTATION_FEATURES, LABELS


def tar_json(row: Mapping[str, Any]) -> bytes:
    """The json member of a row: every column but `video`, class labels by name, codec.extradata in base64."""
    kinds = ARTIFACT_TYPES
    named = {
        **{column: row[column] for column in ANNOTATION_FEATURES},
        "label": LABELS[row["label"]],
        "artifact_types": [kinds[kind] for kind in row["artifact_types"]],
        "objects": {**row["objects"], "artifact_type": [kinds[kind] for kind in row["objects"]["artifact_type"]]},
        "codec": {**row["codec"], "extradata": base64.b64encode(row["codec"]["extradata"]).decode()},
    }
    return json.dumps(named, ensure_ascii=False, separators=(",", ":")).encode()


def row_digest(row: Mapping[str, Any], *, video_name: str) -> str:
    """SHA-256 of everything that a row says: the name of its video, a line feed and its JSON, which holds the video's SHA-256.

    Args:
        row: as `to_pylist` gives it; `video` is not looked at.
        video_name: `video.path`.
    """
    return hashlib.sha256(f"{video_name}\n".encode() + tar_json(row)).hexdigest()
