"""Which split and which shard every video goes to: pure functions of what was ingested."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import brokenvideos
from brokenvideos.builder.ingest import Ingested
from brokenvideos.builder.raw import RawError

# Video bytes that a shard is aimed at: downloads do not resume across processes, and few files keep clear of rate limits.
SHARD_BYTES = 384 * 2**20
SPLIT_FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """One shard: everything that decides its bytes. Picklable, independent of every other shard."""

    split: str
    index: int
    num_shards: int
    videos: tuple[Ingested, ...]


def split_rule(seed: int) -> dict[str, object]:
    """What the manifest says of the assignment, so that anyone can repeat it."""
    return {
        "name": "stratified-deficit/1",
        "seed": seed,
        "fractions": SPLIT_FRACTIONS,
        "text": "A video's own `split` wins. The others form groups: videos of one prompt together, else one video. Groups are "
        "ordered by (generator, label, SHA-256 of 'seed/key') and each goes to the split that is furthest below its fraction.",
    }


def assign_splits(videos: Iterable[Ingested], *, seed: int = 0) -> dict[str, str]:
    """Split of every video by id, as `split_rule` says; videos of one prompt are never apart.

    Raises:
        RawError: videos of one prompt name different splits themselves.
    """
    groups: dict[str, list[Ingested]] = defaultdict(list)
    for video in sorted(videos, key=lambda v: v.video_id):
        groups[f"prompt {video.prompt}" if video.prompt else f"video {video.video_id}"].append(video)
    placed: dict[str, str] = {}
    totals = dict.fromkeys(SPLIT_FRACTIONS, 0)
    for _, key in sorted((_order(group, key, seed), key) for key, group in groups.items()):
        group = groups[key]
        named = {video.split for video in group if video.split is not None}
        if len(named) > 1:
            ids = [video.video_id for video in group]
            raise RawError(
                f"videos {ids} share {key!r} and name different splits {sorted(named)}. Give them one split."
            )
        split = named.pop() if named else _furthest_below(totals, len(group))
        totals[split] += len(group) if group[0].split is None else 0
        placed.update({video.video_id: split for video in group})
    return placed


def _order(group: Sequence[Ingested], key: str, seed: int) -> tuple[str, str, str]:
    return group[0].generator, group[0].label, hashlib.sha256(f"{seed}/{key}".encode()).hexdigest()


def _furthest_below(totals: Mapping[str, int], size: int) -> str:
    after = sum(totals.values()) + size
    return max(SPLIT_FRACTIONS, key=lambda split: SPLIT_FRACTIONS[split] * after - totals[split])


def plan_shards(
    videos: Iterable[Ingested], splits: Mapping[str, str], *, num_shards: Mapping[str, int]
) -> list[ShardPlan]:
    """The shards of a release in the order train, validation, test; a split without videos has none.

    Args:
        num_shards: shards of a split by name; a split that is not named gets one per `SHARD_BYTES` of video.
    """
    plans = []
    for split in brokenvideos.SPLITS:
        members = sorted((v for v in videos if splits[v.video_id] == split), key=lambda v: v.video_id)
        if not members:
            continue
        count = num_shards.get(split) or ceil(sum(v.video_bytes for v in members) / SHARD_BYTES)
        shards: list[list[Ingested]] = [[] for _ in range(count)]
        for video in members:
            shards[brokenvideos.shard_of(video.video_id, count)].append(video)
        plans += [ShardPlan(split, i, count, tuple(shard)) for i, shard in enumerate(shards)]
    return plans
