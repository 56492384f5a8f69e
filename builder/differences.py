"""Finds the changes from one release to the next, and the version step that they need."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ..masks import area, iou
from ..release import ReleaseError, read_manifest, read_parquet, shard_paths

Step = Literal["major", "minor", "patch"]
"""Step of the data version. major: existing data changed or removed; minor: videos were added;
patch: same data, other bytes.
"""

Kind = Literal["video", "masks", "metadata"]

OF_VIDEO = ("height", "width", "num_frames", "fps", "frame_pts", "time_base", "packets", "codec")
"""Columns that follow from the video's bytes. If they differ while the bytes are equal, the version
of the reader differs.
"""

OF_PERSON = ("split", "generator", "prompt")
"""Metadata that people give for a video; `source` and the artifact types of its objects belong to
it too.
"""


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """The entry of one video in a manifest."""

    split: str
    digest: str
    video_sha256: str
    row_digest: str


@dataclass(frozen=True, slots=True)
class MaskChange:
    """The mask of one object in one frame that has changed.

    Attributes:
        old_pixels, new_pixels: number of pixels of the mask; 0 if there is no mask.
        iou: IoU of the two masks; 0 if only one exists, None if their frame sizes differ.
    """

    object_id: int
    frame_index: int
    old_pixels: int
    new_pixels: int
    iou: float | None


@dataclass(frozen=True, slots=True)
class VideoChange:
    """One video that is in both releases and differs.

    Attributes:
        kinds: "video": other bytes; "masks": other annotation; "metadata": a change that follows
            from neither.
        columns: names of the row's columns that differ, also "split"; never "masks".
        masks: changed masks, sorted by object and frame.
    """

    video_id: str
    kinds: tuple[Kind, ...]
    columns: tuple[str, ...]
    masks: tuple[MaskChange, ...]

    def __str__(self) -> str:
        text = f"{self.video_id} ({', '.join(self.kinds)}): {', '.join(self.columns)}"
        if not self.masks:
            return text
        old, new = (
            sum(getattr(mask, name) for mask in self.masks) for name in ("old_pixels", "new_pixels")
        )
        known = [mask.iou for mask in self.masks if mask.iou is not None]
        overlap = f", mean IoU {sum(known) / len(known):.3f}" if known else ""
        masks = f"{len(self.masks)} mask{'s' if len(self.masks) > 1 else ''}"
        return f"{text}; {masks}: {old} -> {new} pixels{overlap}"


@dataclass(frozen=True, slots=True)
class ReleaseDiff:
    """The result of `diff`.

    Attributes:
        old_format, new_format: format of the files. If they differ, every shard is new, even if no
            video has changed.
        step: the version step that the changes need; None if all shards are equal byte for byte.
        kept_bytes, rewritten_bytes: sizes of the new release's shard files that the old release has
            too, and of all others.
    """

    old_version: str
    new_version: str
    old_format: int
    new_format: int
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[VideoChange, ...]
    kept_bytes: int
    rewritten_bytes: int
    step: Step | None

    @property
    def least_version(self) -> str:
        """The smallest version that the new release may have."""
        return self.old_version if self.step is None else next_version(self.old_version, self.step)

    @property
    def version_ok(self) -> bool:
        return version_of(self.new_version) >= version_of(self.least_version)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**asdict(self), "least_version": self.least_version, "version_ok": self.version_ok}

    def lines(self) -> Iterator[str]:
        """The result as text for people, one line per video."""
        yield from (f"added {video_id}" for video_id in self.added)
        yield from (f"removed {video_id}" for video_id in self.removed)
        yield from (f"changed {change}" for change in self.changed)
        counts = (
            f"{len(self.added)} added, {len(self.removed)} removed, {len(self.changed)} changed"
        )
        size = (
            f"{self.rewritten_bytes / 1e6:.1f} MB of shards are new, {self.kept_bytes / 1e6:.1f} "
            "MB are as they were"
        )
        yield f"{self.old_version} -> {self.new_version}: {counts}; {size}."
        if self.old_format != self.new_format:
            yield (
                f"Format {self.old_format} -> {self.new_format}: every shard is written again; "
                "this alone changes no video."
            )
        if self.step is None:
            yield "No shard differs."
        else:
            verdict = "is enough" if self.version_ok else "is too small"
            yield (
                f"These changes need a {self.step} step, to {self.least_version} or later; "
                f"{self.new_version} {verdict}."
            )


def diff(old: Path, new: Path) -> ReleaseDiff:
    """Compares the manifests of two releases, then the annotations of the videos that differ there.

    Raises:
        ReleaseError: one of them is not a release, or was built before manifests had row digests.
            OSError: a shard is missing.
    """
    old_manifest, new_manifest = (read_manifest(str(release)) for release in (old, new))
    was, now = video_facts(old_manifest, name=str(old)), video_facts(new_manifest, name=str(new))
    differing = sorted(
        video_id for video_id in was.keys() & now.keys() if was[video_id] != now[video_id]
    )
    added, removed = sorted(now.keys() - was.keys()), sorted(was.keys() - now.keys())
    changed = tuple(_changes(old, new, old_manifest, new_manifest, differing))
    files_was, files_now = (
        {f["path"]: (f["sha256"], f["bytes"]) for s in manifest["shards"] for f in s["files"]}
        for manifest in (old_manifest, new_manifest)
    )
    kept = sum(
        size for path, (sha256, size) in files_now.items() if files_was.get(path) == (sha256, size)
    )
    step = demanded_step(added=len(added), removed=len(removed), changed=len(changed))
    return ReleaseDiff(
        old_version=old_manifest["data_version"],
        new_version=new_manifest["data_version"],
        old_format=old_manifest["format_version"],
        new_format=new_manifest["format_version"],
        added=tuple(added),
        removed=tuple(removed),
        changed=changed,
        kept_bytes=kept,
        rewritten_bytes=sum(size for _, size in files_now.values()) - kept,
        step=step or ("patch" if files_was != files_now else None),
    )


def video_facts(manifest: Mapping[str, Any], *, name: str) -> dict[str, VideoFacts]:
    """The entries of a manifest's videos, by video_id.

    Raises:
        ReleaseError: the manifest was written before manifests had row digests.
    """
    splits = {
        video_id: shard["split"] for shard in manifest["shards"] for video_id in shard["video_ids"]
    }
    lacking = [
        video_id for video_id, facts in manifest["videos"].items() if "row_digest" not in facts
    ]
    if lacking or splits.keys() != manifest["videos"].keys():
        what = (
            f"no row_digest for {lacking[0]}" if lacking else "shards and videos list different ids"
        )
        raise ReleaseError(
            f"{name}: {what} in its manifest. It was built by an older version or is damaged; "
            "build it again from its raw folder."
        )
    return {
        video_id: VideoFacts(
            splits[video_id], facts["digest"], facts["video_sha256"], facts["row_digest"]
        )
        for video_id, facts in manifest["videos"].items()
    }


# --- Versions -------------------------------------------------------------------------------------


def demanded_step(*, added: int, removed: int, changed: int) -> Step | None:
    """The version step for these numbers of videos; None if all are 0. None means the same data,
    perhaps in other bytes.
    """
    return "major" if removed or changed else "minor" if added else None


def next_version(version: str, step: Step) -> str:
    """The smallest version that is one such step later."""
    major, minor, patch = version_of(version)
    if step == "major":
        return f"{major + 1}.0.0"
    return f"{major}.{minor + 1}.0" if step == "minor" else f"{major}.{minor}.{patch + 1}"


def version_of(version: str) -> tuple[int, int, int]:
    """The three numbers of MAJOR.MINOR.PATCH, for comparing versions.

    Raises:
        ValueError: the text has another form.
    """
    parts = version.split(".")
    if len(parts) != 3 or not all(part.isdecimal() and str(int(part)) == part for part in parts):
        raise ValueError(f"data version {version!r}: wanted MAJOR.MINOR.PATCH, as in 1.0.0.")
    major, minor, patch = map(int, parts)
    return major, minor, patch


# --- Rows -----------------------------------------------------------------------------------------


def _changes(
    old: Path,
    new: Path,
    old_manifest: Mapping[str, Any],
    new_manifest: Mapping[str, Any],
    video_ids: Sequence[str],
) -> Iterator[VideoChange]:
    """Changes sorted by video_id. Only the rows of one new shard, and their old versions, are in
    memory at a time.
    """
    chosen_ids = set(video_ids)
    old_shards = {
        video_id: shard for shard in old_manifest["shards"] for video_id in shard["video_ids"]
    }
    changes = []
    for shard in new_manifest["shards"]:
        ids = [video_id for video_id in shard["video_ids"] if video_id in chosen_ids]
        now = dict(_rows(new, dict.fromkeys(ids, shard)))
        was = dict(_rows(old, {video_id: old_shards[video_id] for video_id in ids}))
        changes += [_change(video_id, was[video_id], now[video_id]) for video_id in ids]
    yield from sorted(changes, key=lambda change: change.video_id)


def _rows(
    release: Path, shards: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(video_id, row) from the shards that hold them: rows without `video`, with their split."""
    ids_by_path: dict[str, list[str]] = {}
    for video_id, shard in shards.items():
        paths = shard_paths(shard["split"], shard["index"], shard["num_shards"])
        ids_by_path.setdefault(str(release / paths["annotations"]), []).append(video_id)
    for path, ids in ids_by_path.items():
        for table in read_parquet(path, filters=[("video_id", "in", ids)]):
            for row in table.to_pylist():
                yield row["video_id"], {**row, "split": shards[row["video_id"]]["split"]}


def _change(video_id: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> VideoChange:
    columns = sorted(column for column in now if now[column] != was[column] and column != "masks")
    masks = tuple(_mask_changes(was, now))
    kinds: list[Kind] = []
    if "video_sha256" in columns:
        kinds.append("video")
    if "digest" in columns or masks:
        kinds.append("masks")
    by_reader = "video" not in kinds and not set(columns).isdisjoint(OF_VIDEO)
    if by_reader or _said(was) != _said(now) or _types_differ(was, now) or not kinds:
        kinds.append("metadata")
    # The manifest's row digest covers one thing that no column shows: the name of the video's file.
    return VideoChange(
        video_id, tuple(kinds), tuple(columns) or (() if masks else ("video",)), masks
    )


def _said(row: Mapping[str, Any]) -> list[Any]:
    source = {field: value for field, value in row["source"].items() if field != "frames_sha256"}
    return [*(row[column] for column in OF_PERSON), source]


def _types_differ(was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    before, after = (
        dict(zip(o["object_id"], o["artifact_type"], strict=True))
        for o in (was["objects"], now["objects"])
    )
    return any(before[object_id] != after[object_id] for object_id in before.keys() & after.keys())


def _mask_changes(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[MaskChange]:
    before, after = _masks(was), _masks(now)
    same_size = (was["height"], was["width"]) == (now["height"], now["width"])
    for place in sorted(before.keys() | after.keys()):
        old, new = before.get(place), after.get(place)
        if same_size and old == new:
            continue
        old_pixels, new_pixels = _pixels(old, was), _pixels(new, now)
        overlap: float | None = 0.0
        if old is not None and new is not None:
            overlap = (
                float(iou([old], [new], height=now["height"], width=now["width"])[0, 0])
                if same_size
                else None
            )
        yield MaskChange(*place, old_pixels, new_pixels, overlap)


def _masks(row: Mapping[str, Any]) -> dict[tuple[int, int], str]:
    masks = row["masks"]
    places = zip(masks["object_id"], masks["frame_index"], strict=True)
    return dict(zip(places, masks["counts"], strict=True))


def _pixels(counts: str | None, row: Mapping[str, Any]) -> int:
    return 0 if counts is None else int(area([counts], height=row["height"], width=row["width"])[0])
