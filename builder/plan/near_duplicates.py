"""Finds near-duplicate videos by their perceptual hashes, and groups of videos that near-duplicates
connect.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
import numpy.typing as npt

from ...release import ReleaseError

Int64Array = npt.NDArray[np.int64]
UInt64Array = npt.NDArray[np.uint64]
UInt32Array = npt.NDArray[np.uint32]

MAX_DISTANCE = 5
"""Bits of 64 in which the hashes of two alike frames may differ. Unrelated frames differ in about
32, give or take 5.
"""

ALIKE_FRAMES = 2
"""Least number of the four hashed frames that must be alike in two near-duplicates, each compared
at the same position.
"""

MIN_BITS = 10
"""A frame whose hash has fewer set bits is not compared: it is black, a fade or a plain colour."""

_HASH = re.compile(r"[0-9a-f]{64}")
_FRAMES, _SEGMENTS = 4, MAX_DISTANCE + 1


def near_duplicate_groups(hashes: Sequence[str]) -> Int64Array:
    """int64[n]: for every video the smallest index in its group. Near-duplicates are in one group,
    also through other videos.

    Two videos are near-duplicates if at least `ALIKE_FRAMES` of their frames are alike, each
    compared at the same position. Two frames are alike if their hashes both have at least
    `MIN_BITS` set bits and differ in at most `MAX_DISTANCE` bits. So a part of the frame or of the
    time may differ.

    Every pair of near-duplicates is found without comparing all pairs. A frame's 64 bits are cut
    into `MAX_DISTANCE` + 1 segments, so alike frames are equal in at least one segment, and
    near-duplicates are equal in one segment of each of two frames. Only videos that are equal there
    are compared, for every choice of two frames and of their segments.

    Args:
        hashes: 64 hex digits each, as `frames.perceptual` gives them; "" is alike to no video.
    """
    words = _words(hashes)
    distinct, first, place = np.unique(words, axis=0, return_index=True, return_inverse=True)
    comparable_frames = np.bitwise_count(distinct) >= MIN_BITS
    segments = _segments(distinct)
    labels_of_distinct = np.arange(len(distinct))
    for frames in combinations(range(_FRAMES), ALIKE_FRAMES):
        chosen = np.flatnonzero(comparable_frames[:, frames].all(axis=1))
        if not len(chosen):
            continue
        for first_segment, second_segment in product(range(_SEGMENTS), repeat=ALIKE_FRAMES):
            first_key, second_key = (
                segments[f, s, chosen]
                for f, s in zip(frames, (first_segment, second_segment), strict=True)
            )
            keys = first_key.astype(np.uint32) << np.uint32(16) | second_key
            _join_within(labels_of_distinct, chosen, keys, distinct[:, frames])
    labels, place = np.arange(len(words)), place.reshape(-1)
    # Equal hashes of videos with too few comparable frames prove nothing.
    with_proof = np.flatnonzero(comparable_frames.sum(axis=1)[place] >= ALIKE_FRAMES)
    join(labels, with_proof, first[labels_of_distinct[place[with_proof]]])
    return labels


def are_alike(one: str, others: Sequence[str]) -> npt.NDArray[np.bool_]:
    """bool[n]: which of the other videos are themselves near-duplicates of `one`, by the rule of
    `near_duplicate_groups`.

    Args:
        one, others: hashes as for `near_duplicate_groups`.
    """
    word, words = _words([one]), _words(others)
    comparable_frames = (np.bitwise_count(word) >= MIN_BITS) & (np.bitwise_count(words) >= MIN_BITS)
    near: npt.NDArray[np.bool_] = np.bitwise_count(word ^ words) <= MAX_DISTANCE
    alike: npt.NDArray[np.bool_] = (comparable_frames & near).sum(axis=1) >= ALIKE_FRAMES
    return alike


def join(labels: Int64Array, one: Int64Array, other: Int64Array) -> None:
    """Joins the groups of one[i] and other[i] for every i, in place. `labels` holds the smallest
    index of each video's group.
    """
    while len(apart := np.flatnonzero(labels[one] != labels[other])):
        pair = np.stack([labels[one[apart]], labels[other[apart]]])
        np.minimum.at(labels, pair.max(axis=0), pair.min(axis=0))
        while not np.array_equal(labels, further := labels[labels]):
            labels[:] = further


def release_groups(manifest: Mapping[str, Any], *, name: str) -> list[dict[str, str]] | None:
    """The groups of at least two videos that look alike or have equal bytes: for each group the
    split by video_id, sorted.

    Returns:
        None if the manifest was written before videos had perceptual hashes.

    Raises:
        ReleaseError: an invalid perceptual hash.
    """
    split_of = {
        video_id: shard["split"] for shard in manifest["shards"] for video_id in shard["video_ids"]
    }
    ids = sorted(split_of.keys() & manifest["videos"].keys())
    facts = [manifest["videos"][video_id] for video_id in ids]
    hashes = [video.get("perceptual_hash") for video in facts]
    if any(value is None for value in hashes):
        return None
    for video_id, value in zip(ids, hashes, strict=True):
        if not isinstance(value, str) or not _HASH.fullmatch(value):
            raise ReleaseError(
                f"{name}/manifest.json: perceptual_hash of {video_id} is {value!r}, wanted 64 hex "
                "digits. Build the release again."
            )
    labels = near_duplicate_groups(hashes)
    join_equal(labels, [[video["video_sha256"]] for video in facts])
    groups: dict[int, dict[str, str]] = {}
    for video_id, label in zip(ids, labels.tolist(), strict=True):
        groups.setdefault(label, {})[video_id] = split_of[video_id]
    return [group for group in groups.values() if len(group) > 1]


def join_equal(labels: Int64Array, keys: Sequence[Sequence[str]]) -> None:
    """Joins all videos that have a key in common, as `join` does."""
    first: dict[str, int] = {}
    pairs = [
        (index, first.setdefault(key, index)) for index, of_one in enumerate(keys) for key in of_one
    ]
    join(labels, *np.array(pairs, np.int64).reshape(-1, 2).T)


def _words(hashes: Sequence[str]) -> UInt64Array:
    """uint64[n, 4]: one word per hashed frame."""
    digits = "".join(text or "0" * 64 for text in hashes)
    return np.frombuffer(bytes.fromhex(digits), ">u8").astype(np.uint64).reshape(-1, _FRAMES)


def _segments(words: UInt64Array) -> npt.NDArray[np.uint16]:
    """uint16[4, 6, n]: a segment holds every sixth bit of a frame, because neighbouring bits are
    often equal (sky, black bars).
    """
    bits = np.unpackbits(words.astype(">u8").view(np.uint8).reshape(-1, _FRAMES, 8), axis=2)
    segments = np.zeros((_FRAMES, _SEGMENTS, len(words)), np.uint16)
    for place in range(bits.shape[2]):
        segment = segments[:, place % _SEGMENTS]
        np.bitwise_or(segment << 1, bits[:, :, place].T, out=segment, casting="unsafe")
    return segments


def _join_within(
    labels: Int64Array, chosen: Int64Array, keys: UInt32Array, frames: UInt64Array
) -> None:
    """Joins near-duplicates among videos with equal keys; memory grows with the number of videos,
    not of pairs.

    Args:
        chosen: indices into `labels` and `frames`, one for each of `keys`.
        frames: uint64[n, 2], the two frames that have to be alike.
    """
    order = np.argsort(keys)
    keys, order = keys[order], chosen[order]
    columns = frames[order].T.copy()
    for one, other in _equal_pairs(keys):
        for column in columns:
            near = np.bitwise_count(column[one] ^ column[other]) <= MAX_DISTANCE
            one, other = one[near], other[near]
        join(labels, order[one], order[other])


def _equal_pairs(keys: UInt32Array) -> Iterator[tuple[Int64Array, Int64Array]]:
    """All pairs of positions with equal keys, ordered by their distance; `keys` is sorted."""
    places, apart = np.flatnonzero(keys[1:] == keys[:-1]), 1
    while len(places):
        yield places, places + apart
        apart += 1
        places = places[: np.searchsorted(places, len(keys) - apart)]
        places = places[keys[places] == keys[places + apart]]
