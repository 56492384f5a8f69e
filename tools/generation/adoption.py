"""Adopts finished files, for example of a service. Their records hold claims; the files cannot be
made again.
"""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...builder.raw import VIDEO_SUFFIXES
from ...builder.work import link_or_copy
from ...frames import VideoError, index_video
from ...release import VIDEO_ID
from ..prompts import Prompt
from .embedded import read_embedded
from .error import GenerateError
from .plan import VIDEOS
from .raw_folder import write_videos_jsonl
from .record import ADOPTED, FORMAT, read_records, slug, write_record

REQUIRED = ("file", "generator")
COLUMNS = (
    *REQUIRED,
    "video_id",
    "generator_version",
    "prompt_id",
    "prompt",
    "negative_prompt",
    "seed",
    "url",
    "license",
    "created",
    "settings",
    "notes",
)

Claim = Mapping[str, str]


def adopt(folder: Path, claims: Path, out: Path, *, prompts: Sequence[Prompt] = ()) -> int:
    """Adds the files of a folder to a raw folder, each with a record and a line; the original files
    are not changed.

    Args:
        claims: a CSV with one row per file and the columns `COLUMNS`; a value that is not known is
            empty.
        prompts: the prompts in which a claimed prompt_id is looked up.

    Returns:
        The number of adopted files.

    Raises:
        GenerateError: all problems of the claims or the files, one per line; then nothing is
            written.
    """
    rows = read_claims(claims)
    files = _video_files(folder)
    by_id = {prompt.prompt_id: prompt for prompt in prompts}
    problems = [
        f"{folder / name}: no row of {claims} has this file; add a row with what is known about it"
        for name in files
        if name not in rows
    ]
    records: dict[str, tuple[dict[str, Any], Path]] = {}
    existing = read_records(out)
    for name, (line, claim) in rows.items():
        where = f"{claims} line {line}"
        try:
            if name not in files:
                raise GenerateError(
                    f"file {name!r} is not in {folder}; wanted the name of a video there"
                )
            record = _record(files[name], claim, by_id)
            video_id = record["video_id"]
            if video_id in records:
                raise GenerateError(f"video_id {video_id} is given to two files; give each its own")
            if existing.get(video_id, record)["video"]["sha256"] != record["video"]["sha256"]:
                raise GenerateError(
                    f"video_id {video_id} is another clip in {out}; give a video_id of its own"
                )
            records[video_id] = record, files[name]
        except (GenerateError, VideoError, OSError) as error:
            problems.append(f"{where}: {error}")
    if problems:
        raise GenerateError("\n".join(problems))
    for record, path in records.values():
        link_or_copy(path, out / VIDEOS / record["video"]["file"])
        write_record(out, record)
    write_videos_jsonl(out)
    return len(records)


def read_claims(path: Path) -> dict[str, tuple[int, Claim]]:
    """Line number and claims by file name.

    Raises:
        GenerateError: not a CSV with these columns, or a row without a required value. OSError: the
            file cannot be read.
    """
    try:
        reader = csv.DictReader(
            io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""), strict=True
        )
        head, rows = list(reader.fieldnames or ()), [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise GenerateError(f"{path}: not a CSV file in UTF-8 ({error}).") from None
    unknown = [name for name in head if name not in COLUMNS]
    missing = [name for name in REQUIRED if name not in head]
    if unknown or missing:
        what = f"unknown column {unknown[0]!r}" if unknown else f"no column {missing[0]!r}"
        raise GenerateError(
            f"{path}: {what}; wanted {', '.join(REQUIRED)} and, as known, {', '.join(COLUMNS[2:])}."
        )
    problems: list[str] = []
    claims: dict[str, tuple[int, Claim]] = {}
    for line, row in rows:
        claim = {
            key: value.strip()
            for key, value in row.items()
            if isinstance(value, str) and value.strip()
        }
        empty = next((name for name in REQUIRED if name not in claim), None)
        if None in row or empty is not None:
            what = "more values than columns" if None in row else f"no {empty}"
            problems.append(
                f"{path} line {line}: {what}; wanted {', '.join(REQUIRED)} in every row"
            )
        elif claim["file"] in claims:
            problems.append(
                f"{path} line {line}: file {claim['file']!r} is already on line "
                f"{claims[claim['file']][0]}"
            )
        else:
            claims[claim["file"]] = line, claim
    if not rows:
        problems.append(f"{path}: no row in it; wanted one per file")
    if problems:
        raise GenerateError("\n".join(problems))
    return claims


def _record(path: Path, claim: Claim, prompts: Mapping[str, Prompt]) -> dict[str, Any]:
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    index = index_video(data)
    video_id = claim.get("video_id") or _id_of(path, claim["generator"], sha256)
    if not VIDEO_ID.fullmatch(video_id):
        raise GenerateError(f"video_id {video_id!r} is not 1 to 128 of A-Z, a-z, 0-9, _ and -")
    return {
        "format": FORMAT,
        "video_id": video_id,
        "status": ADOPTED,
        "rerunnable": False,
        "generator": claim["generator"],
        "prompt": _prompt(claim, prompts),
        "claims": {key: value for key, value in claim.items() if key != "file"},
        "embedded": read_embedded(path),
        "video": {
            "file": f"{video_id}{path.suffix.lower()}",
            "bytes": len(data),
            "sha256": sha256,
            "frames_sha256": index.frames_sha256,
            "num_frames": index.num_frames,
            "height": index.height,
            "width": index.width,
            "fps": index.fps,
        },
    }


def _id_of(path: Path, generator: str, sha256: str) -> str:
    return path.stem if VIDEO_ID.fullmatch(path.stem) else f"{slug(generator)}_{sha256[:16]}"


def _prompt(claim: Claim, prompts: Mapping[str, Prompt]) -> dict[str, Any] | None:
    prompt_id, text = claim.get("prompt_id"), claim.get("prompt")
    if prompt_id is None:
        return None
    prompt = prompts.get(prompt_id)
    if prompt is None:
        raise GenerateError(
            f"prompt_id {prompt_id} is not in the prompt file given; give the file, or leave the "
            "id out"
        )
    if text is not None and text != prompt.prompt:
        raise GenerateError(
            f"the prompt of {prompt_id} is {text!r}, its prompt file says {prompt.prompt!r}"
        )
    return {key: value for key, value in prompt.to_dict().items() if key != "seeds"}


def _video_files(folder: Path) -> dict[str, Path]:
    """Video files by name.

    Raises:
        GenerateError: no such folder, or no video in it.
    """
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    files = {
        path.name: path
        for path in paths
        if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()
    }
    if not files:
        raise GenerateError(
            f"{folder}: no video in it; wanted a folder with {', '.join(VIDEO_SUFFIXES)} files."
        )
    return files
