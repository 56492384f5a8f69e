"""Chooses the split and the shard of every video; pure functions of the ingested videos."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from ...release import SPLITS, shard_of
from ..ingest import Ingested
from ..raw import RawError
from .near_duplicates import ALIKE_FRAMES, MAX_DISTANCE, MIN_BITS, join_equal, near_duplicate_groups

# Target for the video bytes of a shard. An interrupted download repeats the whole shard, so it must
# not be larger. Smaller shards mean more files, and the Hub limits the rate of requests.
SHARD_BYTES = 384 * 2**20
# A later release keeps its number of shards until a shard would hold this many times `SHARD_BYTES`.
# A new number changes every file.
MAX_GROWTH = 2
SPLIT_FRACTIONS = {"train": 0.8, "validation": 0.1, "test": 0.1}

STRATIFIED = "stratified-deficit/2"
"""The name of the rule that uses only fractions; it can leave splits of a small release empty."""

FILLED = "stratified-deficit/3"
"""The name of the rule that also moves a group of videos into every split that `STRATIFIED` left
empty.

It is used only if a group was moved.
"""

SPLIT_RULES = (STRATIFIED, FILLED)
# test and validation first: a release with one of them can at least be scored.
_FILL_ORDER = ("test", "validation", "train")


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """One shard: everything that decides its bytes. Picklable, independent of every other shard."""

    split: str
    index: int
    num_shards: int
    videos: tuple[Ingested, ...]


def split_rule(seed: int, *, grown: bool = False, name: str = STRATIFIED) -> dict[str, object]:
    """The `split_rule` of the manifest, with which anyone can repeat the assignment.

    Args:
        grown: True if the release has a parent; its videos keep their splits.
        name: one of `SPLIT_RULES`.
    """
    text = (
        "A video's own `split` wins. Videos of one prompt, of equal bytes, and near-duplicates are "
        "a group, with whatever any of them leads to. Near-duplicates: in the perceptual hashes "
        f"dhash4/1 at least {ALIKE_FRAMES} of the 4 frames differ in at most {MAX_DISTANCE} of 64 "
        f"bits, of which at least {MIN_BITS} are set in both. A group goes where one of its videos "
        "has a split. The others are ordered by (generator and label of the smallest id, SHA-256 "
        "of 'seed/key'), the key being the smallest of 'prompt PROMPT' or, without one, 'video "
        "ID', and each goes to the split that is furthest below its fraction."
    )
    if name == FILLED:
        text += (
            f" Then each split that got no video, in the order {', '.join(_FILL_ORDER)}, takes one "
            "of the groups that were ordered so and that are not alone in their split: of the "
            "generator and label that most of these groups of a split have, the group with fewest "
            "videos, the first in that order."
        )
    if grown:
        text += (
            " A video of the parent release stays in its split, and new videos of its group join "
            "it; where the parent has a group in several splits, that with most of its videos. All "
            "of them count from the start."
        )
    return {"name": name, "seed": seed, "fractions": SPLIT_FRACTIONS, "text": text}


def rule_of(stated: object, *, grown: bool = False) -> tuple[str, int] | None:
    """Name and seed of a manifest's `split_rule`; None if this version does not know the rule."""
    name, seed = (
        (stated.get("name"), stated.get("seed")) if isinstance(stated, dict) else (None, None)
    )
    if type(seed) is not int or not isinstance(name, str) or name not in SPLIT_RULES:
        return None
    return (name, seed) if stated == split_rule(seed, grown=grown, name=name) else None


def assign_splits(
    videos: Iterable[Ingested], *, seed: int = 0, kept: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The split of every video by id, by the rule `STRATIFIED`.

    Videos of one prompt, videos with equal bytes, and near-duplicates stay together.

    One exception: near-duplicates that are in different splits of the parent stay there.

    Args:
        kept: split by id of the parent's videos. They stay there unless videos.jsonl gives another
            split.

    Raises:
        RawError: videos.jsonl gives videos of one prompt different splits, or they are in different
            splits of the parent; or it gives near-duplicates different splits, or another split
            than one of them has in the parent.
    """
    kept = kept or {}
    groups = _groups(sorted(videos, key=lambda v: v.video_id))
    fixed = {key: _fixed_splits(group, kept) for key, group in sorted(groups.items())}
    placed: dict[str, str] = {}
    totals = dict.fromkeys(SPLIT_FRACTIONS, 0)
    for key, splits in fixed.items():
        placed.update(splits)
        if all(video.split is None for video in groups[key]):
            for split in splits.values():
                totals[split] += 1
    for group in _free(groups, fixed, seed):
        split = _furthest_below(totals, len(group))
        totals[split] += len(group)
        placed.update({video.video_id: split for video in group})
    return placed


def fill_splits(
    videos: Iterable[Ingested],
    splits: Mapping[str, str],
    *,
    seed: int = 0,
    kept: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The split of every video by id, by the rule `FILLED`: moves a group into each empty split, if
    there is one to move.

    Args:
        splits: the result of `assign_splits` for the same videos, seed and kept splits. If no split
            is empty, nothing changes.
    """
    filled = dict(splits)
    empty = [split for split in _FILL_ORDER if split not in splits.values()]
    if not empty:
        return filled
    groups = _groups(sorted(videos, key=lambda v: v.video_id))
    free = _free(
        groups, {key: _fixed_splits(group, kept or {}) for key, group in groups.items()}, seed
    )
    for split in empty:
        if (group := _to_move(free, filled)) is None:
            break
        filled.update({video.video_id: split for video in group})
    return filled


def _free(
    groups: Mapping[str, list[Ingested]], fixed: Mapping[str, Mapping[str, str]], seed: int
) -> list[list[Ingested]]:
    """The groups without a fixed split, in the order in which they get one."""
    return [
        groups[key]
        for _, key in sorted(
            (_order(groups[key], key, seed), key) for key in groups if not fixed[key]
        )
    ]


def _to_move(
    free: Sequence[Sequence[Ingested]], splits: Mapping[str, str]
) -> Sequence[Ingested] | None:
    """The group to move into an empty split; None if every group is alone in its split."""
    sizes = Counter(splits.values())
    movable = [group for group in free if len(group) < sizes[splits[group[0].video_id]]]
    kinds = Counter(
        (splits[group[0].video_id], group[0].generator, group[0].label) for group in movable
    )
    return min(
        movable,
        key=lambda group: (
            -kinds[splits[group[0].video_id], group[0].generator, group[0].label],
            len(group),
        ),
        default=None,
    )


def empty_splits(videos: Iterable[Ingested], splits: Mapping[str, str]) -> str | None:
    """A line that says which splits have no video, why, and what to do; None if every split has a
    video.

    Args:
        splits: split by id, of every video.
    """
    used_splits = set(splits.values())
    empty = [split for split in SPLITS if split not in used_splits]
    if not empty:
        return None
    videos = sorted(videos, key=lambda video: video.video_id)
    what = f"no video in {' and '.join(empty)}"
    needs = f"Training needs {', '.join(SPLITS)}; evaluation needs test"
    if all(video.split for video in videos):
        return f"{what}, as the videos name their splits. {needs}."
    num_groups = len(_groups(videos))
    alike = (
        f"{len(videos)} video{'s are' if len(videos) > 1 else ' is'} {num_groups} "
        f"group{'s' if num_groups > 1 else ''}"
    )
    fewer = num_groups < len(SPLITS)
    why = (
        f"fewer than the {len(SPLITS)} splits"
        if fewer
        else "and keep the splits that videos name or had in the parent"
    )
    return (
        f"{what}: {alike} of one prompt, equal bytes or near-duplicates, which stay together, "
        f"{why}. {needs}: add videos of other prompts, or name the splits in videos.jsonl (split)."
    )


def _groups(videos: Sequence[Ingested]) -> dict[str, list[Ingested]]:
    """The groups of videos that must stay together, by key, in the order of the videos."""
    labels = near_duplicate_groups([video.perceptual_hash for video in videos])
    join_equal(labels, [[f"prompt {video.prompt}"] if video.prompt else [] for video in videos])
    join_equal(labels, [[video.video_sha256] if video.video_sha256 else [] for video in videos])
    members: dict[int, list[Ingested]] = defaultdict(list)
    for video, label in zip(videos, labels.tolist(), strict=True):
        members[label].append(video)
    return {min(map(_key, group)): group for group in members.values()}


def _key(video: Ingested) -> str:
    return f"prompt {video.prompt}" if video.prompt else f"video {video.video_id}"


def _fixed_splits(group: Sequence[Ingested], kept: Mapping[str, str]) -> dict[str, str]:
    """Split by id of a group whose split is already fixed; empty if it is not."""
    fixed = {
        video.video_id: split
        for video in group
        if (split := video.split or kept.get(video.video_id)) is not None
    }
    by_key: dict[str, list[str]] = defaultdict(list)
    for video in group:
        by_key[_key(video)].append(video.video_id)
    for key, ids in sorted(by_key.items()):
        if len({fixed[video_id] for video_id in ids if video_id in fixed}) > 1:
            raise _different_splits(ids, f"share {key!r}", fixed, kept)
    # A group that the parent has in several splits stays there: moving its videos would change
    # released data.
    if (
        any(kept.get(video_id) != split for video_id, split in fixed.items())
        and len(set(fixed.values())) > 1
    ):
        raise _different_splits(
            sorted(fixed),
            "are near-duplicates, or are connected by near-duplicates and prompts,",
            fixed,
            kept,
        )
    counts = Counter(fixed.values())
    most = max(SPLITS, key=counts.__getitem__)
    return {video.video_id: fixed.get(video.video_id, most) for video in group} if fixed else {}


def _different_splits(
    ids: list[str], why: str, fixed: Mapping[str, str], kept: Mapping[str, str]
) -> RawError:
    splits = sorted({fixed[video_id] for video_id in ids if video_id in fixed})
    how = "name or had in the parent" if kept else "name"
    return RawError(f"videos {ids} {why} and {how} different splits {splits}. Give them one split.")


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
    """The shards of a release in the order train, validation, test; a split without videos has
    none.

    Args:
        num_shards: number of shards by split. A split without a number gets the number in
            `parent_shards`, while its shards hold at most `MAX_GROWTH` times `SHARD_BYTES` of video
            each; otherwise one shard per `SHARD_BYTES`.
        parent_shards: number of shards by split in the parent release.
    """
    parent_shards = parent_shards or {}
    plans = []
    for split in SPLITS:
        members = sorted(
            (v for v in videos if splits[v.video_id] == split), key=lambda v: v.video_id
        )
        if not members:
            continue
        by_size = ceil(sum(v.video_bytes for v in members) / SHARD_BYTES)
        as_before = parent_shards.get(split, 0)
        # With another number, most videos would move to other shards and every file would be new.
        count = num_shards.get(split) or (
            as_before if by_size <= MAX_GROWTH * as_before else by_size
        )
        shards: list[list[Ingested]] = [[] for _ in range(count)]
        for video in members:
            shards[shard_of(video.video_id, count)].append(video)
        plans += [ShardPlan(split, i, count, tuple(shard)) for i, shard in enumerate(shards)]
    return plans
