"""Records of adopted videos: one file per video in adoption/records. A later run sees by them what
changed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...builder.raw import VIDEO_SUFFIXES
from ...builder.work import write_atomic
from ...release import parse_json
from .error import AdoptError
from .pairing import Pair

FOLDER = "adoption"
"""The folder in the raw folder with the reports, pairing.csv, and records/."""
RULES_VERSION = 1
"""Raise it when the same files would give other masks. Then all masks are made again."""


@dataclass(frozen=True, slots=True)
class Record:
    """One adopted video.

    Attributes:
        source, commit: the source of the run that made it, as in `Source`.
        made_of: the result of `made_of`, a digest of everything that determines the video and its
            masks; "" while its files are being written.
        video: the name of its file in videos/.
        masks_sha256: the result of `masks_digest` for its masks; "" if nothing is marked.
        line: its line of videos.jsonl, as adopt wrote it.
        facts: its values in the report.
    """

    video_id: str
    source: str
    commit: str | None
    made_of: str
    video: str
    masks_sha256: str
    line: Mapping[str, Any]
    facts: Mapping[str, Any]


def record_path(raw: Path, video_id: str) -> Path:
    return raw / FOLDER / "records" / f"{video_id}.json"


def read_records(raw: Path) -> dict[str, Record]:
    """Records by video_id.

    Raises:
        AdoptError: a file is not a record.
    """
    records: dict[str, Record] = {}
    folder = raw / FOLDER / "records"
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        record = _read(path)
        records[record.video_id] = record
    return records


def _read(path: Path) -> Record:
    try:
        return Record(**parse_json(path.read_bytes()))
    except (OSError, ValueError, TypeError) as error:
        raise AdoptError(
            f"{path}: not a record of adopt ({error}); remove it, and adopt makes the video again."
        ) from error


def read_record(raw: Path, video_id: str) -> Record | None:
    """The record of one video; None if it has none."""
    path = record_path(raw, video_id)
    return _read(path) if path.is_file() else None


def begin_record(raw: Path, video_id: str, *, source: str, commit: str | None) -> None:
    """Records that the files of a video are being written. A later run that reads this makes them
    again.
    """
    before = read_record(raw, video_id)
    begun = (
        Record(video_id, source, commit, "", f"{video_id}.mp4", "", {}, {})
        if before is None
        else before
    )
    write_record(raw, replace(begun, made_of=""))


def write_record(raw: Path, record: Record) -> None:
    text = json.dumps(asdict(record), ensure_ascii=False, indent=1)
    write_atomic(record_path(raw, record.video_id), text.encode())


def made_of(pair: Pair, *, fps: float | None) -> str:
    """SHA-256 of everything that determines a video and its masks: its files and the given
    options.
    """
    files = [
        [[entry.path, entry.key] for entry in media.entries] for media in (pair.clip, pair.mask)
    ]
    options = [pair.kind, list(pair.align), None if pair.clip.is_video else fps]
    return hashlib.sha256(
        json.dumps([RULES_VERSION, pair.video_id, files, options]).encode()
    ).hexdigest()


def is_whole(raw: Path, record: Record) -> bool:
    """Whether the files of a record exist."""
    has_masks = (raw / "masks" / record.video_id).is_dir() or not record.masks_sha256
    return (raw / "videos" / record.video).is_file() and has_masks


def masks_digest(folder: Path) -> str:
    """SHA-256 of names and content of the files in a folder; "" if the folder does not exist."""
    if not folder.is_dir():
        return ""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def line_text(line: Mapping[str, Any]) -> bytes:
    """The text of a line of videos.jsonl."""
    return json.dumps(line, ensure_ascii=False).encode()


def write_lines(
    raw: Path, records: Mapping[str, Record], before: Mapping[str, Record]
) -> list[str]:
    """Updates videos.jsonl. Lines that people have changed, and lines of other videos, stay byte
    for byte.

    Args:
        records: records of all videos that are adopted now.
        before: records at the start of the run. A line that is equal to its record is replaced or
            removed.

    Returns:
        Ids of adopted videos whose line people have changed.
    """
    path = raw / "videos.jsonl"
    kept: dict[str, bytes] = {}
    edited: list[str] = []
    for text in path.read_bytes().split(b"\n") if path.is_file() else ():
        if not text.strip():
            continue
        video_id = _id_of(text)
        written = before.get(video_id)
        if written is None and video_id not in records:
            kept[video_id] = text
        elif (
            video_id in records
            and (written is None or text != line_text(written.line))
            and text != line_text(records[video_id].line)
        ):
            kept[video_id] = text
            edited.append(video_id)
    for video_id, record in records.items():
        kept.setdefault(video_id, line_text(record.line))
    content = b"".join(text + b"\n" for _, text in sorted(kept.items()))
    if content and (not path.is_file() or path.read_bytes() != content):
        write_atomic(path, content)
    elif not content:
        path.unlink(missing_ok=True)
    return sorted(edited)


def _id_of(text: bytes) -> str:
    try:
        return str(parse_json(text)["video_id"])
    except (ValueError, KeyError, TypeError):
        return text.decode(errors="replace")


def strangers(raw: Path, ids: Sequence[str], records: Mapping[str, Record]) -> list[str]:
    """Those of `ids` that the raw folder already has and that were not adopted."""
    folder = raw / "videos"
    there = (
        {path.stem for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES}
        if folder.is_dir()
        else set()
    )
    return sorted((there - records.keys()) & set(ids))
