"""The two kinds of task of a build. Each is a pure function of a picklable task, so it may run
anywhere and any number of times.

A task does nothing if its receipt exists with the same inputs and versions, and its files are
unchanged.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import shards
from .ingest import Ingested, ingest
from .manifest import library_versions
from .plan import ShardPlan
from .raw import Problem, RawVideo
from .shards import FileFacts, write_shard
from .work import BuildError, Receipt, file_sha256, finished, key_of, link_or_copy, write_receipt

_OF_INGEST = (
    "label",
    "digest",
    "row_digest",
    "video_sha256",
    "video_bytes",
    "perceptual_hash",
    "rules",
)


@dataclass(frozen=True, slots=True)
class IngestTask:
    """One video to decode; it writes `ROWS/{video_id}.arrow` and a receipt."""

    video: RawVideo
    layout: str
    raw: Path
    rows: Path
    versions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ParentShard:
    """The files of a shard in the parent release.

    Attributes:
        unchanged: True if videos, rows and versions are the same, so that writing the shard would
            give the same bytes.
    """

    release: Path
    files: tuple[FileFacts, ...]
    unchanged: bool


@dataclass(frozen=True, slots=True)
class ShardTask:
    """One shard to write below `release`; its receipt goes into `receipts`."""

    plan: ShardPlan
    release: Path
    receipts: Path
    parent: ParentShard | None
    versions: Mapping[str, str]


def run_ingest(task: IngestTask) -> Ingested | list[Problem]:
    """Decodes a video and reads its masks, unless this is done already. If the video has problems,
    returns all of them.

    Raises:
        BuildError: this process has other library versions than the process that made the task.
            OSError: the row cannot be written.
    """
    _check_versions(task.versions)
    video = task.video
    row_path, receipt_path = (
        task.rows / f"{video.video_id}{suffix}" for suffix in (".arrow", ".json")
    )
    key = key_of("ingest", _OF_INGEST, task.layout, task.versions, video, root=task.raw)
    if receipt := finished(receipt_path, key=key, folder=task.rows):
        return Ingested(
            video_id=video.video_id,
            generator=video.generator,
            prompt=video.prompt,
            split=video.split,
            row_path=row_path,
            video_path=video.video_path,
            **{name: receipt.result[name] for name in _OF_INGEST}
            | {"rules": tuple(receipt.result["rules"])},
        )
    result = ingest(video, row_path, layout=task.layout)
    if isinstance(result, Ingested):
        facts = {name: getattr(result, name) for name in _OF_INGEST}
        write_receipt(receipt_path, Receipt(key, {row_path.name: file_sha256(row_path)}, facts))
    return result


def run_shard(task: ShardTask) -> tuple[FileFacts, ...]:
    """Writes the files of a shard, unless they exist already. Files of the parent with the same
    bytes are reused.

    Raises:
        BuildError: other library versions. ValueError: a video changed since it was ingested.
            OSError: a file cannot be written.
    """
    _check_versions(task.versions)
    plan = task.plan
    rows = [(video.video_id, video.row_digest) for video in plan.videos]
    layout = (shards.ROW_GROUP_BYTES, shards.MAX_ROW_GROUP_ROWS, shards.ZSTD_LEVEL)
    key = key_of(
        "shard",
        plan.split,
        plan.index,
        plan.num_shards,
        rows,
        layout,
        task.versions,
        root=task.release,
    )
    receipt_path = task.receipts / f"{plan.split}-{plan.index:05d}-of-{plan.num_shards:05d}.json"
    if receipt := finished(receipt_path, key=key, folder=task.release):
        return tuple(FileFacts(**facts) for facts in receipt.result["files"])
    files = _keep(task)
    if files is None:
        files = write_shard(plan, task.release)
        _link_equal(files, task)
    result: dict[str, Any] = {"files": [asdict(file) for file in files]}
    write_receipt(receipt_path, Receipt(key, {file.path: file.sha256 for file in files}, result))
    return files


def _check_versions(required: Mapping[str, str]) -> None:
    installed = library_versions()
    differing = [
        f"{name} {installed.get(name)} instead of {required[name]}"
        for name in required
        if installed.get(name) != required[name]
    ]
    if differing:
        raise BuildError(
            f"a worker has {', '.join(differing)}, so it could write other bytes. Install the same "
            "versions on every node."
        )


def _keep(task: ShardTask) -> tuple[FileFacts, ...] | None:
    """Reuses an unchanged shard of the parent, if its files still match the parent's manifest."""
    if task.parent is None or not task.parent.unchanged:
        return None
    if not all(_is_there(task.parent.release, file) for file in task.parent.files):
        return None
    for file in task.parent.files:
        link_or_copy(task.parent.release / file.path, task.release / file.path)
    return task.parent.files


def _link_equal(files: tuple[FileFacts, ...], task: ShardTask) -> None:
    """Links files that came out equal to the parent's, for example a tar after a change of pyarrow,
    to save disk space.
    """
    if task.parent is None:
        return
    for file in files:
        if file in task.parent.files and _is_there(task.parent.release, file):
            link_or_copy(task.parent.release / file.path, task.release / file.path)


def _is_there(release: Path, file: FileFacts) -> bool:
    path = release / file.path
    return path.is_file() and path.stat().st_size == file.bytes and file_sha256(path) == file.sha256
