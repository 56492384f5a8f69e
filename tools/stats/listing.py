"""The videos of a release, one line each: what people look for when a command asks for an id."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ...masks import ARTIFACT_TYPES, TYPE_NOT_GIVEN
from ...release import LABELS, SPLITS, ReleaseError, read_manifest, read_parquet, shard_paths
from ...sampling import release_folder

COLUMNS = ("video_id", "label", "generator", "artifact_types", "num_frames", "fps", "height", "width")


@dataclass(frozen=True, slots=True)
class ListedVideo:
    """Facts of one video; `artifact_types` are names, of all its objects; "type not given" where nobody says."""

    video_id: str
    split: str
    label: str
    generator: str
    artifact_types: tuple[str, ...]
    num_frames: int
    fps: float
    height: int
    width: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def listed_videos(release: str, *, split: str | None = None, label: str | None = None) -> list[ListedVideo]:
    """The videos of a release in the order train, validation, test and by id within; no video is read.

    Args:
        release: a name as `sampling.release_folder` takes it.
        split, label: only of these.

    Raises:
        ReleaseError: no release, or one without this split. SourceError: no such name.
    """
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
    wanted = (video for video in listed if label in (None, video.label))
    return sorted(wanted, key=lambda video: (SPLITS.index(video.split), video.video_id))


def table_of(videos: Iterable[ListedVideo]) -> str:
    """The list as a table with a heading; the last line counts them."""
    rows = [("video_id", "split", "label", "generator", "frames", "fps", "size", "artifact types")]
    rows += [
        (
            video.video_id,
            video.split,
            video.label,
            video.generator,
            str(video.num_frames),
            f"{video.fps:g}",
            f"{video.width}x{video.height}",
            ", ".join(video.artifact_types),
        )
        for video in videos
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, f"{len(rows) - 1} videos."])


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
    )


def _types(codes: Sequence[int] | None) -> tuple[str, ...]:
    return (TYPE_NOT_GIVEN,) if codes is None else tuple(sorted({ARTIFACT_TYPES[code] for code in codes}))
