"""Lists the videos of a release, one line each, so that people can find ids."""

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
    """Facts of one video.

    Attributes:
        artifact_types: names of the types of its objects; "type not given" for objects without a
            type.
        seconds: length in seconds.
        prompt: "" if it is not known.
    """

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
    """A filter of videos. A video is listed if it fits all values that are not None.

    Attributes:
        artifact_type: takes videos with at least one object of this type.
        video_id: a pattern with * and ?, as in "kling_*".
    """

    split: str | None = None
    label: str | None = None
    generator: str | None = None
    artifact_type: str | None = None
    video_id: str | None = None

    def takes(self, video: ListedVideo) -> bool:
        """Whether a video fits all values; the split is not checked here."""
        return (
            self.label in (None, video.label)
            and self.generator in (None, video.generator)
            and (self.artifact_type is None or self.artifact_type in video.artifact_types)
            and (self.video_id is None or fnmatchcase(video.video_id, self.video_id))
        )


def listed_videos(release: str, wanted: Wanted | None = None) -> list[ListedVideo]:
    """The videos of a release, sorted by split (train, validation, test) and then by id. No video
    file is read.

    Args:
        release: a name for `sampling.release_folder`.
        wanted: the filter; None lists every video.

    Raises:
        ReleaseError: the release cannot be read, or does not have this split or generator.
        SourceError: the name is unknown.
    """
    wanted = wanted or Wanted()
    split = wanted.split
    root = release_folder(release)
    shards = read_manifest(str(root))["shards"]
    present = [name for name in SPLITS if any(shard["split"] == name for shard in shards)]
    if split is not None and split not in present:
        raise ReleaseError(f"{release}: no split {split!r}. It has {', '.join(present)}.")
    listed = []
    for shard in shards:
        if split in (None, shard["split"]):
            path = (
                root / shard_paths(shard["split"], shard["index"], shard["num_shards"])["default"]
            )
            for table in read_parquet(str(path), columns=COLUMNS):
                listed += [_listed(row, shard["split"]) for row in table.to_pylist()]
    generators = sorted({video.generator for video in listed})
    if wanted.generator is not None and wanted.generator not in generators:
        raise ReleaseError(
            f"{release}: no generator {wanted.generator!r}. It has "
            f"{', '.join(generators) or 'none'}."
        )
    return sorted(
        filter(wanted.takes, listed), key=lambda video: (SPLITS.index(video.split), video.video_id)
    )


def table_of(videos: Iterable[ListedVideo]) -> str:
    """The list as a text table with a heading; the last line is the number of videos."""
    rows = [
        (
            "video_id",
            "split",
            "label",
            "generator",
            "frames",
            "fps",
            "size",
            "objects",
            "artifact types",
        )
    ]
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
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return "\n".join([*lines, f"{len(rows) - 1} videos."])


def csv_of(videos: Iterable[ListedVideo]) -> str:
    """The list as CSV with a heading; types are separated by spaces."""
    text = io.StringIO()
    writer = csv.DictWriter(
        text, [field.name for field in fields(ListedVideo)], lineterminator="\n"
    )
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
    return (
        (TYPE_NOT_GIVEN,)
        if codes is None
        else tuple(sorted({ARTIFACT_TYPES[code] for code in codes}))
    )
