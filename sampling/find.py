"""Finds a row of a release by its video_id."""

from typing import Any

from ..release import ReleaseError, read_manifest, read_parquet, shard_paths
from .named import release_folder


def find_row(release: str, video_id: str) -> dict[str, Any]:
    """The row of one video, read from the one shard that can hold it.

    Args:
        release: a name as `release_folder` takes it.

    Raises:
        ReleaseError: the release has no such video; the message names some that it has.
    """
    root = release_folder(release)
    manifest = read_manifest(str(root))
    for shard in manifest["shards"]:
        if video_id in shard["video_ids"]:
            path = (
                root / shard_paths(shard["split"], shard["index"], shard["num_shards"])["default"]
            )
            for table in read_parquet(str(path), filters=[("video_id", "==", video_id)]):
                row: dict[str, Any] = table.to_pylist()[0]
                return row
    some = ", ".join(sorted(manifest["videos"])[:5])
    raise ReleaseError(
        f"{release}: no video {video_id!r}. It has {len(manifest['videos'])} videos, among them "
        f"{some}."
    )
