"""The videos of a release, one line each: what people look for when a command asks for an id."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from ...masks import ARTIFACT_TYPES, TYPE_NOT_GIVEN
from ...release import LABELS, SPLITS, ReleaseError, read_manifest, read_parquet, shard_paths
from ...sampling import release_folder

COLUMNS = (
    "video_id",
    "label",
    "generator",
    "prompt",
    "artifact_types",
    "objects",
    "num_frames",
    "fps",
    "height",
    "width",
)


@dataclass(frozen=True, slots=True)
class ListedVideo:
    """Facts of one video; `artifact_types` are names, of all its objects, "type not given" where nobody says; `prompt` is "" where
    nobody knows it."""

    video_id: str
    split: str
    label: str
    generator: str
    artifact_types: tuple[str, ...]
    num_frames: int
    fps: float
    height: int
    width: int
    seconds: float
    num_objects: int
    prompt: str

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which videos are listed: those that fit all that is not None.

    video_id: a pattern with * and ?, as in "kling_*". artifact_type: a broken video with at least one object of it.
    """

    split: str | None = None
    label: str | None = None
    generator: str | None = None
    artifact_type: str | None = None
    video_id: str | None = None

    def takes(self, video: ListedVideo) -> bool:
        """Whether a video fits, its split aside."""
        return (
            self.label in (None, video.label)
            and self.generator in (None, video.generator)
            and (self.artifact_type is None or self.artifact_type in video.artifact_types)
            and (self.video_id is None or fnmatchcase(video.video_id, self.video_id))
        )


def listed_videos(release: str, wanted: Wanted | None = None) -> list[ListedVideo]:
    """The videos of a release in the order train, validation, test and by id within; no video is read.

    Args:
        release: a name as `sampling.release_folder` takes it.
        wanted: None: every video.

    Raises:
        ReleaseError: no release, or one without this split or generator. SourceError: no such name.
    """
    wanted = wanted or Wanted()
    split = wanted.split
    root = release_folder(release)
    shards = read_manifest(str(root))["shards"]
    there = [name for name in SPLITS if any(shard["split"] == name for shard in shards)]
    if split is not None and split not in there:
        raise ReleaseError(f"{release}: no split {split!r}. It has {', '.join(there)}.")
    listed = []
    for shard in shards:
        if split in (None, shard["split"]):
            path = root / shard_paths(shard["split"], shard["index"], shard["num_shards"])["default"]
            for table in read_parquet(str(path), columns=COLUMNS):
                listed += [_listed(row, shard["split"]) for row in table.to_pylist()]
    generators = sorted({video.generator for video in listed})
    if wanted.generator is not None and wanted.generator not in generators:
        raise ReleaseError(f"{release}: no generator {wanted.generator!r}. It has {', '.join(generators) or 'none'}.")
    return sorted(filter(wanted.takes, listed), key=lambda video: (SPLITS.index(video.split), video.video_id))


def table_of(videos: Iterable[ListedVideo]) -> str:
    """The list as a table with a heading; the last line counts them."""
    rows = [("video_id", "split", "label", "generator", "frames", "fps", "size", "objects", "artifact types")]
    rows += [
        (
            video.video_id,
            video.split,
            video.label,
            video.generator,
            str(video.num_frames),
            f"{video.fps:g}",
            f"{video.width}x{video.height}",
            str(video.num_objects),
            ", ".join(video.artifact_types),
        )
        for video in videos
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, f"{len(rows) - 1} videos."])


def csv_of(videos: Iterable[ListedVideo]) -> str:
    """The list as CSV with a heading; types are separated by spaces."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(ListedVideo)], lineterminator="\n")
    writer.writeheader()
    for video in videos:
        writer.writerow(video.to_dict() | {"artifact_types": " ".join(video.artifact_types)})
    return text.getvalue()


def _listed(row: dict[str, Any], split: str) -> ListedVideo:
    return ListedVideo(
        video_id=row["video_id"],
        split=split,
        label=LABELS[row["label"]],
        generator=row["generator"],
        artifact_types=_types(row["artifact_types"]),
        num_frames=row["num_frames"],
        fps=row["fps"],
        height=row["height"],
        width=row["width"],
        seconds=round(row["num_frames"] / row["fps"], 3) if row["fps"] else 0.0,
        num_objects=len(row["objects"]["object_id"]),
        prompt=row["prompt"] or "",
    )


def _types(codes: Sequence[int] | None) -> tuple[str, ...]:
    return (TYPE_NOT_GIVEN,) if codes is None else tuple(sorted({ARTIFACT_TYPES[code] for code in codes}))
