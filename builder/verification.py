"""Verifies a release: compares independent statements of the same facts, and reports every
difference.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Executor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..frames import VideoError, probe
from ..masks import RLEError, decoded_ahead, fingerprint_decoded, fingerprint_labels
from ..release import (
    ANNOTATION_FEATURES,
    FEATURES,
    MANIFEST,
    SUMS,
    ReleaseError,
    in_words,
    of_format,
    read_manifest,
    read_parquet,
    read_tar,
    shard_of,
    shard_paths,
)
from .check_clips import check_clips, is_sampled
from .check_row import Finding, check_row
from .folder_files import folder_files
from .ingest import ingest
from .layouts import read_layout
from .manifest import library_versions, read_sums, reading_of
from .raw import RawError, RawVideo, coded_masks, included, read_video
from .work import Progress, executor_of, file_sha256, no_progress, run_tasks


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The result of `verify`; `ok` is True if nothing differs.

    Attributes:
        notes: entries of the folder that other tools have left there; they are not differences.
    """

    release: str
    data_version: str | None
    num_files: int
    num_videos: int
    num_masks: int
    compared_with_raw: bool
    device: Mapping[str, str | None]
    versions: Mapping[str, str]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"ok": self.ok, **asdict(self)}


@dataclass(frozen=True, slots=True)
class ShardResult:
    """The findings and counts of `verify_shard`."""

    findings: tuple[Finding, ...]
    num_videos: int
    num_masks: int


def verify(
    release: str | Path,
    *,
    raw: str | Path | None = None,
    device: str = "cpu",
    workers: int = 1,
    on_progress: Progress = no_progress,
) -> VerifyReport:
    """Compares everything in a release that is stated twice.

    It compares: the SHA-256 of files with SHA256SUMS and manifest; rows with the manifest; every
    stored fingerprint, computed from the raw annotation during the build, with the fingerprint of
    the decoded bitmap; digests with the masks; frame_pts, num_frames and packets with a demux of
    the video's bytes; clips of some videos, read by their packets, with a plain decode; the
    annotations Parquet and the tar with the Parquet. With `raw`, it also compares the masks and
    videos of a raw folder.

    Args:
        device: the device that decodes masks: "cpu", "cuda", "cuda:1". Only strings are sent to it,
            while the next row is read.

    Returns:
        A report with every finding, in the order of the shards. Problems of the release are
        findings, not errors.

    Raises:
        DeviceError: the device does not exist.

    Examples:
        >>> report = brokenvideos.verify("release", raw="raw")
        >>> report.ok, report.num_videos, report.compared_with_raw
        (True, 9, True)

        Every difference is a finding that says where it is:

        >>> _ = shutil.copytree("release", "changed")
        >>> _ = Path("changed/README.md").write_text("other words")
        >>> [finding.file for finding in brokenvideos.verify("changed").findings]
        ['README.md']
    """
    release, raw = Path(release), None if raw is None else Path(raw)
    used = _device_facts(device)
    files, others = folder_files(release)
    notes = [f"note: {path}: no file of a release." for path in others]
    with executor_of(workers, device=device) as executor:
        findings, sums = _check_files(release, files, executor)
        try:
            manifest = read_manifest(str(release))
        except ReleaseError as error:
            return _report(
                release,
                None,
                len(sums),
                [],
                [*findings, Finding(MANIFEST, str(error))],
                raw,
                used,
                notes,
            )
        findings += check_manifest(manifest, sums)
        raw_videos, raw_findings = _raw_videos(raw, manifest)
        tasks = _shard_tasks(release, manifest, raw_videos, device)
        on_done = partial(on_progress, "verify shards")
        results = list(run_tasks(executor, verify_shard, tasks, on_done, size_of=_size_of))
    findings += [finding for result in results for finding in result.findings] + raw_findings
    return _report(
        release, manifest["data_version"], len(sums), results, findings, raw, used, notes
    )


def _shard_tasks(
    release: Path, manifest: Mapping[str, Any], raw_videos: dict[str, RawVideo] | None, device: str
) -> "list[ShardTask]":
    return [
        (
            release,
            shard,
            {i: manifest["videos"].get(i, {}) for i in shard["video_ids"]},
            raw_videos and _only(raw_videos, shard),
            device,
            manifest["format_version"],
        )
        for shard in manifest["shards"]
    ]


def _size_of(task: "ShardTask") -> int:
    """How many videos a shard has: its bytes in the manifest are still to be checked."""
    return len(task[1]["video_ids"])


def _device_facts(device: str) -> Mapping[str, str | None]:
    if device == "cpu":
        return {"device": "cpu", "backend": "numpy"}
    from ..masks.device import describe

    return {key: value if value is None else str(value) for key, value in describe(device).items()}


def _report(
    release: Path,
    data_version: str | None,
    num_files: int,
    results: Sequence[ShardResult],
    findings: Sequence[Finding],
    raw: Path | None,
    device: Mapping[str, str | None],
    notes: Sequence[str],
) -> VerifyReport:
    return VerifyReport(
        release=str(release),
        data_version=data_version,
        num_files=num_files,
        num_videos=sum(result.num_videos for result in results),
        num_masks=sum(result.num_masks for result in results),
        compared_with_raw=raw is not None,
        device=device,
        versions=library_versions(),
        findings=tuple(findings),
        notes=tuple(notes),
    )


# --- Files and manifest ---------------------------------------------------------------------------


def _check_files(
    release: Path, files: Set[str], executor: Executor | None
) -> tuple[list[Finding], dict[str, str]]:
    """Findings, and the sha256 by path in SHA256SUMS."""
    try:
        sums = read_sums((release / SUMS).read_text())
    except (OSError, ValueError) as error:
        return [
            Finding(
                SUMS, f"cannot be read ({in_words(error)}). Download or build the release again."
            )
        ], {}
    findings = []
    present = files - {SUMS}
    for path in sorted(present ^ sums.keys()):
        if path in sums and (release / path).is_symlink():
            to_do = "Fetch its target (`git annex get`, `dvc pull`), or download this file again."
            findings.append(Finding(path, f"a broken link; {SUMS} lists it. {to_do}"))
        elif path in sums:
            findings.append(
                Finding(path, f"missing; {SUMS} lists it. Download or build this file again.")
            )
        else:
            findings.append(
                Finding(path, f"not in {SUMS}. A release holds nothing else; remove it.")
            )
    listed = sorted(present & sums.keys())
    paths = [release / path for path in listed]
    hashed = run_tasks(
        executor,
        file_sha256,
        paths,
        lambda done, total: None,
        size_of=lambda path: path.stat().st_size,
    )
    for path, sha256 in zip(listed, hashed, strict=True):
        if sha256 != sums[path]:
            findings.append(
                Finding(
                    path,
                    f"SHA-256 is {sha256}, {SUMS} says {sums[path]}. Download or build this file "
                    "again.",
                )
            )
    return findings, sums


def check_manifest(manifest: Mapping[str, Any], sums: Mapping[str, str]) -> list[Finding]:
    """The places where a manifest contradicts SHA256SUMS (`sums`, sha256 by path) or itself."""
    findings = []
    listed: dict[str, str] = {}
    seen: set[str] = set()
    for shard in manifest["shards"]:
        split, index, num_shards = shard["split"], shard["index"], shard["num_shards"]
        name = f"shard {split} {index}"
        for file in shard["files"]:
            listed[file["path"]] = file["sha256"]
            if sums.get(file["path"]) != file["sha256"]:
                stated = sums.get(file["path"], "nothing")
                findings.append(
                    Finding(
                        MANIFEST,
                        f"{file['path']} has SHA-256 {file['sha256']}, {SUMS} says {stated}. Build "
                        "the release again.",
                    )
                )
        for video_id in shard["video_ids"]:
            if video_id in seen:
                findings.append(
                    Finding(
                        MANIFEST,
                        f"{name}: this id is listed twice. Build the release again.",
                        video_id,
                    )
                )
            if shard_of(video_id, num_shards) != index:
                right = shard_of(video_id, num_shards)
                findings.append(
                    Finding(
                        MANIFEST,
                        f"{name}: this id belongs to shard {right}. Build the release again.",
                        video_id,
                    )
                )
            seen.add(video_id)
    for path in sorted(sums.keys() - listed.keys()):
        if path.endswith((".parquet", ".tar")):
            findings.append(Finding(MANIFEST, f"{path} is not listed. Build the release again."))
    for video_id in sorted(seen ^ manifest["videos"].keys()):
        findings.append(
            Finding(
                MANIFEST,
                "listed only once under `shards` and `videos`. Build the release again.",
                video_id,
            )
        )
    return findings


# --- One shard ------------------------------------------------------------------------------------

ShardTask = tuple[
    Path, dict[str, Any], dict[str, dict[str, str]], dict[str, RawVideo] | None, str, int
]
"""A folder that holds the shard's files, the shard and its videos as the manifest lists them, raw
videos, device, format.
"""


def verify_shard(task: ShardTask) -> ShardResult:
    """Compares everything that the rows of one shard state twice; the checksums of its files are
    not checked.
    """
    release, shard, facts, raw_videos, device, format_version = task
    paths = shard_paths(shard["split"], shard["index"], shard["num_shards"])
    findings: list[Finding] = []
    ids: list[str] = []
    num_masks = 0
    codecs: set[str] = set()
    parquet = _readable(
        paths["default"],
        _parquet_rows(release / paths["default"], of_format(FEATURES, format_version)),
        findings,
    )
    annotations = _readable(
        paths["annotations"],
        _parquet_rows(
            release / paths["annotations"], of_format(ANNOTATION_FEATURES, format_version)
        ),
        findings,
    )
    tar = _readable(paths["webdataset"], _tar_rows(release / paths["webdataset"]), findings)
    # A thread decodes the masks of the next row while this one's video is hashed and demuxed.
    for checked, annotation, packed in zip_longest(
        decoded_ahead(parquet, _strings, device=device), annotations, tar
    ):
        if checked is None:
            extra = (annotation or packed)["video_id"]
            findings.append(
                Finding(
                    paths["default"],
                    "in the annotations Parquet or the tar, not here. Build this shard again.",
                    extra,
                )
            )
            continue
        row, decoded = checked
        ids.append(row["video_id"])
        num_masks += len(row["masks"]["counts"])
        row_findings = list(
            check_row(row, paths["default"], facts.get(row["video_id"], {}), decoded)
        )
        if not row_findings and (row["codec"]["name"] not in codecs or is_sampled(row)):
            row_findings += check_clips(row, paths["default"])
        codecs.add(row["codec"]["name"])
        findings += row_findings
        findings += _same_row(row, annotation, paths["annotations"])
        findings += _same_row(row, packed, paths["webdataset"])
        if raw_videos is not None and row["video_id"] in raw_videos:
            findings += _same_as_raw(row, raw_videos[row["video_id"]], paths["default"], decoded)
    if ids != shard["video_ids"]:
        wrong = sorted(set(ids) ^ set(shard["video_ids"])) or "in another order"
        findings.append(
            Finding(
                paths["default"],
                f"its videos differ from the manifest: {wrong}. Build this shard again.",
            )
        )
    return ShardResult(tuple(findings), len(ids), num_masks)


def verify_row(row: Mapping[str, Any], file: str, facts: Mapping[str, str]) -> list[Finding]:
    """Findings of one row: values that are stated twice and differ, and packets that give other
    pixels than a plain decode.

    Args:
        row: a row of format 2, with its video.
        file: path of the shard, named in the findings.
        facts: the video's entry in manifest.json.
    """
    counts, height, width = _strings(row)
    decoded = fingerprint_decoded(counts, height=height, width=width)
    return list(check_row(row, file, facts, decoded)) or check_clips(row, file)


def verify_raw(video: RawVideo, *, layout: str) -> list[str]:
    """All problems for which a build would refuse this video of a raw folder. The video is decoded
    and its masks are read.

    Args:
        layout: name of the folder's layout.
    """
    with TemporaryDirectory() as folder:
        result = ingest(video, Path(folder) / "row.arrow", layout=layout)
    return [str(problem) for problem in result] if isinstance(result, list) else []


def _readable(
    file: str, rows: Iterator[dict[str, Any]], findings: list[Finding]
) -> Iterator[dict[str, Any]]:
    """The rows up to the first that cannot be read, which becomes a finding."""
    try:
        yield from rows
    except (OSError, ValueError, pa.ArrowException) as error:
        findings.append(
            Finding(
                file,
                f"cannot be read further ({in_words(error)}). Download or build this file again.",
            )
        )


def _parquet_rows(path: Path, features: Any) -> Iterator[dict[str, Any]]:
    stored, expected = pq.read_schema(path), features.arrow_schema
    if not stored.equals(expected):
        names = sorted({*stored.names, *expected.names})
        differing = [
            n
            for n in names
            if n not in stored.names
            or n not in expected.names
            or stored.field(n) != expected.field(n)
        ]
        raise ReleaseError(
            f"its schema differs from this version's in {differing or 'the order of columns'}"
        )
    for table in read_parquet(str(path)):
        yield from table.to_pylist()


def _tar_rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from read_tar(file, name=path.name)


def _same_row(
    row: Mapping[str, Any], other: Mapping[str, Any] | None, file: str
) -> Iterator[Finding]:
    if other is None:
        yield Finding(
            file, "missing here, the Parquet has it. Build this shard again.", row["video_id"]
        )
        return
    for column, value in other.items():
        if value != row[column]:
            yield Finding(
                file,
                f"column {column} differs from the Parquet's. Build this shard again.",
                row["video_id"],
            )


# --- Raw folder -----------------------------------------------------------------------------------


def _raw_videos(
    raw: Path | None, manifest: Mapping[str, Any]
) -> tuple[dict[str, RawVideo] | None, list[Finding]]:
    if raw is None:
        return None, []
    try:
        videos, problems = read_layout(raw, **reading_of(manifest))
    except RawError as error:
        return None, [Finding(str(raw), str(error))]
    findings = [Finding(str(raw), str(problem)) for problem in problems]
    by_id = {
        video.video_id: video for video in included(videos, manifest["reading"].get("include"))
    }
    for video_id in sorted(by_id.keys() ^ manifest["videos"].keys()):
        where = (
            "in the raw folder, not in the release"
            if video_id in by_id
            else "in the release, not in the raw folder"
        )
        findings.append(Finding(MANIFEST, f"{where}. Build the release again.", video_id))
    return by_id, findings


def _only(raw_videos: Mapping[str, RawVideo], shard: Mapping[str, Any]) -> dict[str, RawVideo]:
    return {
        video_id: raw_videos[video_id] for video_id in shard["video_ids"] if video_id in raw_videos
    }


def _strings(row: Mapping[str, Any]) -> tuple[Sequence[str], int, int]:
    return row["masks"]["counts"], row["height"], row["width"]


def _same_as_raw(
    row: Mapping[str, Any], video: RawVideo, file: str, decoded: Sequence[int | RLEError]
) -> Iterator[Finding]:
    """Compares the decoded masks of a row with the label maps of the raw folder, by fingerprint,
    and the videos' bytes.
    """
    video_id = row["video_id"]
    try:
        if read_video(video.video_path) != row["video"]["bytes"]:
            yield Finding(file, f"the video's bytes differ from {video.video_path}.", video_id)
        # a row does not hold an angle that is not a quarter turn
        shown = probe(row["video"]["bytes"])
        raw_by_place = {
            (object_id, frame.frame_index): fingerprint
            for frame in coded_masks(
                video, shown.orientation, height=shown.height, width=shown.width
            )
            for plane in frame.planes
            for object_id, fingerprint in fingerprint_labels(plane).items()
        }
    except (OSError, RawError, VideoError) as error:
        yield Finding(file, f"the raw video or masks cannot be read: {in_words(error)}", video_id)
        return
    places: Iterable[tuple[int, int]] = zip(
        row["masks"]["object_id"], row["masks"]["frame_index"], strict=True
    )
    decoded_by_place = dict(zip(places, decoded, strict=True))
    for object_id, frame in sorted(decoded_by_place.keys() | raw_by_place.keys()):
        place = (object_id, frame)
        if decoded_by_place.get(place) != raw_by_place.get(place):
            what = (
                "differs from"
                if place in decoded_by_place and place in raw_by_place
                else "is missing in"
                if place in decoded_by_place
                else "is only in"
            )
            yield Finding(
                file,
                f"the decoded mask {what} the raw folder. Build the release again.",
                video_id,
                frame,
                object_id,
            )
