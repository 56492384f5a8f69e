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
# Times `SHARD_BYTES` that shards of a later release may hold before their number changes, and with it every file.
MAX_GROWTH = 2
SPLIT_FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """One shard: everything that decides its bytes. Picklable, independent of every other shard."""

    split: str
    index: int
    num_shards: int
    videos: tuple[Ingested, ...]


def split_rule(seed: int, *, grown: bool = False) -> dict[str, object]:
    """What the manifest says of the assignment, so that anyone can repeat it.

    Args:
        grown: the release has a parent, whose videos keep their splits.
    """
    text = (
        "A video's own `split` wins. The others form groups: videos of one prompt together, else one video. Groups are "
        "ordered by (generator, label, SHA-256 of 'seed/key') and each goes to the split that is furthest below its fraction."
    )
    if grown:
        text += (
            " A video of the parent release stays in its split, and new videos of its prompt join it; both count from the "
            "start."
        )
    return {"name": "stratified-deficit/1", "seed": seed, "fractions": SPLIT_FRACTIONS, "text": text}


def assign_splits(
    videos: Iterable[Ingested], *, seed: int = 0, kept: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Split of every video by id, as `split_rule` says; videos of one prompt are never apart.

    Args:
        kept: split by id of the parent's videos, which stay there unless they name another themselves.

    Raises:
        RawError: videos of one prompt name different splits themselves, or stand in different splits of the parent.
    """
    kept = kept or {}
    groups: dict[str, list[Ingested]] = defaultdict(list)
    for video in sorted(videos, key=lambda v: v.video_id):
        groups[f"prompt {video.prompt}" if video.prompt else f"video {video.video_id}"].append(video)
    fixed = {key: _fixed_split(key, group, kept) for key, group in sorted(groups.items())}
    placed: dict[str, str] = {}
    totals = dict.fromkeys(SPLIT_FRACTIONS, 0)
    for key, split in fixed.items():
        if split is not None and all(video.split is None for video in groups[key]):
            totals[split] += len(groups[key])
    for _, key in sorted((_order(group, key, seed), key) for key, group in groups.items()):
        group = groups[key]
        if (split := fixed[key]) is None:
            split = _furthest_below(totals, len(group))
            totals[split] += len(group)
        placed.update({video.video_id: split for video in group})
    return placed


def _fixed_split(key: str, group: Sequence[Ingested], kept: Mapping[str, str]) -> str | None:
    """The split that a group has without being assigned one, if any."""
    splits = {split for video in group if (split := video.split or kept.get(video.video_id)) is not None}
    if len(splits) > 1:
        ids = [video.video_id for video in group]
        named = {video.split for video in group} - {None}
        how = "name different splits" if splits == named else "name or had in the parent different splits"
        raise RawError(f"videos {ids} share {key!r} and {how} {sorted(splits)}. Give them one split.")
    return splits.pop() if splits else None


def _order(group: Sequence[Ingested], key: str, seed: int) -> tuple[str, str, str]:
    return group[0].generator, group[0].label, hashlib.sha256(f"{seed}/{key}".encode()).hexdigest()


def _furthest_below(totals: Mapping[str, int], size: int) -> str:
    after = sum(totals.values()) + size
    return max(SPLIT_FRACTIONS, key=lambda split: SPLIT_FRACTIONS[split] * after - totals[split])


def plan_shards(
    videos: Iterable[Ingested],
    splits: Mapping[str, str],
    *,
    num_shards: Mapping[str, int],
    parent_shards: Mapping[str, int] | None = None,
) -> list[ShardPlan]:
    """The shards of a release in the order train, validation, test; a split without videos has none.

    Args:
        num_shards: shards of a split by name; a split that is not named gets as many as in `parent_shards`, while they hold no more
            than `MAX_GROWTH` times `SHARD_BYTES` of video each, else one per `SHARD_BYTES`.
        parent_shards: the same of the parent release.
    """
    parent_shards = parent_shards or {}
    plans = []
    for split in brokenvideos.SPLITS:
        members = sorted((v for v in videos if splits[v.video_id] == split), key=lambda v: v.video_id)
        if not members:
            continue
        by_size = ceil(sum(v.video_bytes for v in members) / SHARD_BYTES)
        as_before = parent_shards.get(split, 0)
        # Another count would put most videos into other shards, and every file would be new.
        count = num_shards.get(split) or (as_before if by_size <= MAX_GROWTH * as_before else by_size)
        shards: list[list[Ingested]] = [[] for _ in range(count)]
        for video in members:
            shards[brokenvideos.shard_of(video.video_id, count)].append(video)
        plans += [ShardPlan(split, i, count, tuple(shard)) for i, shard in enumerate(shards)]
    return plans
