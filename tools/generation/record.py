"""The record of a clip: everything that is needed to make it again, or the claims about a clip that
cannot be made again.
"""

import json
import platform
import re
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ...builder.work import write_atomic
from ...release import VIDEO_ID, parse_json
from .error import GenerateError

FORMAT = "brokenvideos.record/1"
FOLDER = "records"
MADE, FAILED, ADOPTED = "made", "failed", "adopted"
_PACKAGES = (
    "brokenvideos",
    "diffusers",
    "transformers",
    "torch",
    "accelerate",
    "ftfy",
    "sentencepiece",
    "numpy",
    "av",
)
"""ftfy is listed because pipelines correct the text of a prompt only if it is installed."""

Record = Mapping[str, Any]


def record_path(out: Path, video_id: str) -> Path:
    return out / FOLDER / f"{video_id}.json"


def write_record(out: Path, record: Record) -> None:
    """Writes the record, complete or not at all. A clip counts as made once it has a record."""
    content = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomic(record_path(out, record["video_id"]), content.encode())


def read_records(out: Path) -> dict[str, Record]:
    """Records by video_id, from the folder `records`; without this folder, from the lines of
    videos.jsonl.

    Raises:
        GenerateError: an invalid record.
    """
    if (out / FOLDER).is_dir():
        paths = sorted(
            path for path in (out / FOLDER).glob("*.json") if not path.name.startswith(".")
        )
        return {
            path.stem: parse_record(path.read_bytes(), where=str(path), video_id=path.stem)
            for path in paths
        }
    listed = out / "videos.jsonl"
    records: dict[str, Record] = {}
    for number, text in enumerate(
        listed.read_bytes().split(b"\n") if listed.is_file() else (), start=1
    ):
        line = parse_json(text) if text.strip() else {}
        if (kept := line.get("source", {}).get("record")) is not None:
            where = f"{listed} line {number}"
            records[line["video_id"]] = parse_record(
                kept.encode(), where=where, video_id=line["video_id"]
            )
    return records


def parse_record(content: bytes, *, where: str, video_id: str) -> Record:
    """The record in a text. Only its form is checked.

    Raises:
        GenerateError: not JSON, another format, or the record of another clip.
    """
    try:
        record = parse_json(content)
    except ValueError as error:
        raise GenerateError(
            f"{where}: not JSON ({error}). Remove it; the clip is then made again."
        ) from None
    if (
        not isinstance(record, dict)
        or record.get("format") != FORMAT
        or record.get("video_id") != video_id
    ):
        raise GenerateError(
            f"{where}: not a record of {video_id} in the format {FORMAT}. Remove it; the clip is "
            "then made again."
        )
    return record


def record_text(record: Record) -> str:
    """The record as one line, for `source.record` of a row."""
    return json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def slug(name: str, *, longest: int = 48) -> str:
    """A name in the form that a video_id may contain."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:longest] or "model"


def check_video_id(video_id: str) -> str:
    """The id, after a check that a row may have it.

    Raises:
        GenerateError: the id is not valid.
    """
    if not VIDEO_ID.fullmatch(video_id):
        raise GenerateError(
            f"video_id {video_id!r}: wanted 1 to 128 of A-Z, a-z, 0-9, _ and -. Shorten "
            "--generator."
        )
    return video_id


def versions() -> dict[str, str | None]:
    """Versions of the libraries that a clip depends on; None: not installed."""
    import av

    versions = {name: _version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), **versions, "ffmpeg": av.ffmpeg_version_info}


def device_facts(device: str) -> dict[str, str | None]:
    """Kind and name of a device; the CUDA that torch was built for."""
    import torch

    kind = torch.device(device).type
    name = torch.cuda.get_device_name(device) if kind == "cuda" else platform.machine()
    return {"type": kind, "name": name, "cuda": torch.version.cuda if kind == "cuda" else None}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
