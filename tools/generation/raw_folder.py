"""Writes videos.jsonl of the raw folder of clips: each line has the values of the clip's record,
and no annotated frame.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...builder.work import write_atomic
from ...release import parse_json
from .record import ADOPTED, MADE, Record, read_records, record_text

FILE_NAME = "videos.jsonl"


def write_videos_jsonl(out: Path) -> int:
    """Adds a line for every clip with a record. Lines that a person has changed stay byte for byte;
    others are written again.

    Returns:
        The number of clips with a record.

    Raises:
        GenerateError: an invalid record. OSError: the file cannot be written.
    """
    records = {
        key: record
        for key, record in read_records(out).items()
        if record["status"] in (MADE, ADOPTED)
    }
    path = out / FILE_NAME
    lines: dict[str, bytes] = {}
    for text in path.read_bytes().split(b"\n") if path.is_file() else ():
        if text.strip():
            video_id, untouched = _look_at(text)
            if not (untouched and video_id in records):
                lines[video_id] = text
    for video_id, record in records.items():
        lines.setdefault(video_id, json.dumps(line_of(record), ensure_ascii=False).encode())
    content = b"".join(text + b"\n" for _, text in sorted(lines.items()))
    if content and (not path.is_file() or path.read_bytes() != content):
        write_atomic(path, content)
    return len(records)


def line_of(record: Record) -> dict[str, Any]:
    """The line of a clip that is not annotated: no object, no annotated frame, no label."""
    provenance = record.get("claims", {}) if record["status"] == ADOPTED else _generated(record)
    source = {
        "generator_version": provenance.get("generator_version"),
        "seed": provenance.get("seed"),
        "license": provenance.get("license"),
        "url": provenance.get("url"),
        "frames_sha256": record["video"]["frames_sha256"],
        "notes": provenance.get("notes"),
        "record": record_text(record),
    }
    return {
        "video_id": record["video_id"],
        "generator": record["generator"],
        "prompt": (record.get("prompt") or {}).get("prompt") or provenance.get("prompt"),
        "objects": [],
        "annotated_frames": [],
        "source": {key: value for key, value in source.items() if value is not None},
    }


def _generated(record: Record) -> Mapping[str, Any]:
    model = record["model"]
    on_hub = model["revision"] is not None
    return {
        "generator_version": f"{model['id']}@{model['revision']}" if on_hub else model["id"],
        "seed": str(record["seed"]),
        "license": record["license"],
        "url": f"https://huggingface.co/{model['id']}/tree/{model['revision']}" if on_hub else None,
    }


def _look_at(text: bytes) -> tuple[str, bool]:
    """The video_id of a line, and whether the line is unchanged. The id of a line that is not JSON
    is its text.
    """
    try:
        line = parse_json(text)
        video_id = line["video_id"]
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace"), False
    untouched = (
        line.get("objects") == []
        and line.get("annotated_frames") == []
        and line.get("label") is None
    )
    return str(video_id), untouched
