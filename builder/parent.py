"""What a release reuses from its parent: splits, shard counts and unchanged files."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..release import FORMAT_VERSION, read_manifest
from .differences import VideoFacts, demanded_step, next_version, version_of, video_facts
from .errata import Content, returning
from .ingest import Ingested
from .manifest import library_versions
from .plan import ShardPlan
from .raw import Problem, RawVideo
from .shards import FileFacts
from .tasks import ParentShard


@dataclass(frozen=True, slots=True)
class ReleasedShard:
    """One shard of the parent release."""

    video_ids: frozenset[str]
    files: tuple[FileFacts, ...]


@dataclass(frozen=True, slots=True)
class Parent:
    """The parent release. For a rebuild, the values that a release has from its parent, read from
    its own manifest.

    Attributes:
        version: data version of the parent.
        splits: split by video_id.
        num_shards: number of shards by split.
        release: folder of the parent; None: no file can be reused and no version step is needed.
        videos: facts by video_id.
        shards: shards by (split, index, num_shards).
        same_versions: True if it was written in the format and with the library versions of this
            process.
        errata: errata of its manifest; the next release repeats them.
    """

    version: str
    splits: Mapping[str, str]
    num_shards: Mapping[str, int]
    release: Path | None = None
    videos: Mapping[str, VideoFacts] = field(default_factory=dict)
    shards: Mapping[tuple[str, int, int], ReleasedShard] = field(default_factory=dict)
    same_versions: bool = False
    errata: Sequence[Mapping[str, Any]] = ()

    def shard(self, plan: ShardPlan) -> ParentShard | None:
        """The parent's files of a planned shard, if there are any."""
        shard = self.shards.get((plan.split, plan.index, plan.num_shards))
        if shard is None or self.release is None:
            return None
        rows = {video.video_id: video.row_digest for video in plan.videos}
        same = rows == {video_id: self.videos[video_id].row_digest for video_id in shard.video_ids}
        return ParentShard(self.release, shard.files, unchanged=same and self.same_versions)


def read_parent(release: Path) -> Parent:
    """The values and files that a new release can reuse from `release`.

    Raises:
        ReleaseError: it is not a release, or has no row digests.
    """
    manifest = read_manifest(str(release))
    is_current = manifest["format_version"] == FORMAT_VERSION
    return Parent(
        version=manifest["data_version"],
        **layout_of(manifest),
        release=release,
        videos=video_facts(manifest, name=str(release)),
        shards={
            (shard["split"], shard["index"], shard["num_shards"]): _released(shard)
            for shard in manifest["shards"]
        },
        same_versions=is_current and manifest.get("built_with") == library_versions(),
        errata=manifest.get("errata", ()),
    )


def _released(shard: Mapping[str, Any]) -> ReleasedShard:
    files = (
        FileFacts(file["path"], file["sha256"], file["bytes"], file["rows"])
        for file in shard["files"]
    )
    return ReleasedShard(frozenset(shard["video_ids"]), tuple(files))


def layout_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """`splits` and `num_shards` of a manifest."""
    return {
        "splits": {
            video_id: shard["split"]
            for shard in manifest["shards"]
            for video_id in shard["video_ids"]
        },
        "num_shards": {shard["split"]: shard["num_shards"] for shard in manifest["shards"]},
    }


def check_step(parent: Parent, plans: Sequence[ShardPlan], data_version: str) -> None:
    """Checks a version against the changes since the parent.

    Raises:
        ValueError: the step from the parent's version is too small for the changes.
    """
    if parent.release is None:
        return
    facts = {
        video.video_id: VideoFacts(plan.split, video.digest, video.video_sha256, video.row_digest)
        for plan in plans
        for video in plan.videos
    }
    added, removed = facts.keys() - parent.videos.keys(), parent.videos.keys() - facts.keys()
    changed = {
        video_id
        for video_id in facts.keys() & parent.videos.keys()
        if facts[video_id] != parent.videos[video_id]
    }
    step = demanded_step(added=len(added), removed=len(removed), changed=len(changed)) or "patch"
    least = next_version(parent.version, step)
    if version_of(data_version) < version_of(least):
        raise ValueError(
            f"data version {data_version}: {len(added)} videos were added, {len(removed)} removed "
            f"and {len(changed)} changed since {parent.version}, which needs a {step} step. Give "
            f"--data-version {least} or later."
        )


def withdrawn(
    parent: Parent, videos: Iterable[RawVideo | Ingested], *, bring_back: Collection[str] = ()
) -> list[Problem]:
    """A problem for every withdrawn video, so that no build brings it back unnoticed, not even
    under another id.

    Videos that the parent still has are allowed. The bytes and look of a video are known after it
    was ingested.

    Args:
        bring_back: ids that come back on purpose.
    """
    held = dict.fromkeys(parent.splits) | {
        video_id: facts.video_sha256 for video_id, facts in parent.videos.items()
    }
    contents = {
        video.video_id: Content(video.video_sha256, video.perceptual_hash)
        if isinstance(video, Ingested)
        else Content("")
        for video in videos
    }
    return [
        Problem(
            f"video {come.video_id}",
            f"{come}. Remove it from the raw folder; to publish it after all, give --bring-back "
            f"{come.video_id}.",
        )
        for come in returning(parent.errata, contents, held=held, allowed=bring_back)
    ]
