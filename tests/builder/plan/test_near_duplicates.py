"""Videos that look alike are found, all of them and no others, and stay in one split whatever leads
from one to the other.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import brokenvideos
from brokenvideos.builder import BuildOptions, RawError, build, rebuild
from brokenvideos.builder.ingest import Ingested
from brokenvideos.builder.manifest import manifest_bytes
from brokenvideos.builder.plan.near_duplicates import (
    ALIKE_FRAMES,
    MAX_DISTANCE,
    MIN_BITS,
    near_duplicate_groups,
    release_groups,
)
from brokenvideos.builder.plan.splits import assign_splits
from brokenvideos.card import card_files
from brokenvideos.tools.synthetic.sample import write_sample

FRAMES, BITS = 4, 64


def brute_force(hashes: Sequence[str]) -> list[int]:
    """The definition: compare every pair, and follow the pairs until nobody is left."""
    frames = [
        [int(text[16 * k : 16 * k + 16] or "0", 16) for k in range(FRAMES)] for text in hashes
    ]
    labels = list(range(len(frames)))
    changed = True
    while changed:
        changed = False
        for i, one in enumerate(frames):
            for j, other in enumerate(frames):
                shown = [
                    min(a.bit_count(), b.bit_count()) >= MIN_BITS
                    for a, b in zip(one, other, strict=True)
                ]
                alike = [
                    (a ^ b).bit_count() <= MAX_DISTANCE for a, b in zip(one, other, strict=True)
                ]
                near = i != j and sum(map(all, zip(shown, alike, strict=True))) >= ALIKE_FRAMES
                if near and labels[i] != labels[j]:
                    labels[i] = labels[j] = min(labels[i], labels[j])
                    changed = True
    return labels


@st.composite
def hash_lists(draw: st.DrawFn) -> list[str]:
    """Few centres, dense and nearly empty, and copies of them in whose frames about as many bits
    are changed as still count.
    """
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = draw(st.sampled_from([0.15, 0.5]))
    centres = random.random((draw(st.integers(1, 3)), FRAMES, BITS)) < share
    hashes = [""] * draw(st.integers(0, 1))
    for _ in range(draw(st.integers(0, 24))):
        frames = centres[draw(st.integers(0, len(centres) - 1))].copy()
        for frame in frames:
            flipped = draw(
                st.sampled_from([0, 1, MAX_DISTANCE - 1, MAX_DISTANCE, MAX_DISTANCE + 1, 20])
            )
            # Anywhere, or one after the other: where they fall decides which segments stay equal.
            among = (
                random.permutation(BITS)
                if draw(st.booleans())
                else np.arange(BITS) + random.integers(BITS)
            )
            frame[among[:flipped] % BITS] ^= True
        hashes.append(np.packbits(frames).tobytes().hex())
    return hashes


@given(hash_lists(), st.randoms())
@settings(deadline=None, max_examples=40)
def test_groups_are_those_of_comparing_all_pairs(hashes: list[str], random) -> None:
    labels = near_duplicate_groups(hashes).tolist()
    assert labels == brute_force(hashes)
    order = list(range(len(hashes)))
    random.shuffle(order)
    shuffled = near_duplicate_groups([hashes[index] for index in order]).tolist()
    members: dict[int, set[int]] = {}
    for index, label in zip(order, shuffled, strict=True):
        members.setdefault(label, set()).add(index)
    assert {min(group): group for group in members.values()} == {
        label: {i for i, other in enumerate(labels) if other == label} for label in labels
    }


def test_the_hardest_pairs() -> None:
    """Five bits in five segments of each of two frames, the others unlike; and one bit more in the
    sixth.
    """
    one = [0x5555555555555555] * 4
    for alike in ([0, 1], [0, 3], [1, 2], [2, 3]):
        for more in (0, 1):
            flips = [
                sum(1 << 10 * bit for bit in range(5)) | more << 5 if k in alike else 2**64 - 1
                for k in range(4)
            ]
            other = [frame ^ flip for frame, flip in zip(one, flips, strict=True)]
            hashes = ["".join(f"{frame:016x}" for frame in frames) for frames in (one, other)]
            assert near_duplicate_groups(hashes).tolist() == [0, more]


def test_flat_frames_are_like_nothing_and_no_videos_are_no_groups() -> None:
    enough, too_few = f"{2**MIN_BITS - 1:016x}", f"{2 ** (MIN_BITS - 1) - 1:016x}"
    flat = [too_few * 4, too_few * 4, "0" * 64, "", enough + too_few * 3, enough + too_few * 3]
    assert near_duplicate_groups(flat).tolist() == [0, 1, 2, 3, 4, 5]
    half_flat = [enough * 2 + too_few * 2, "", too_few * 2 + enough * 2]
    assert near_duplicate_groups(half_flat * 2).tolist() == [0, 1, 2, 0, 4, 2]
    assert near_duplicate_groups([]).tolist() == []


# --- Splits ---------------------------------------------------------------------------------------


def video(
    number: int,
    *,
    look: int | None = None,
    prompt: str | None = None,
    split: str | None = None,
    sha256: str = "",
) -> Ingested:
    """`look`: which of some hashes that are far from each other."""
    return Ingested(
        video_id=f"v{number:03d}",
        label="broken",
        generator="g",
        prompt=prompt,
        split=split,
        digest="",
        video_sha256=sha256,
        video_bytes=1,
        row_path=Path(),
        video_path=Path(),
        perceptual_hash="" if look is None else np.random.default_rng(look).bytes(32).hex(),
    )


@given(
    st.lists(
        st.tuples(st.sampled_from([None, 1, 2, 3, 4]), st.sampled_from([None, "a", "b", "c"])),
        max_size=40,
    )
)
@settings(deadline=None, max_examples=60)
def test_splits_never_cut_through_looks_and_prompts_together(
    kinds: list[tuple[int | None, str | None]],
) -> None:
    videos = [
        video(number, look=look, prompt=prompt) for number, (look, prompt) in enumerate(kinds)
    ]
    splits = assign_splits(videos, seed=1)
    assert assign_splits(list(reversed(videos)), seed=1) == splits
    for one in videos:
        for other in videos:
            alike = one.perceptual_hash and one.perceptual_hash == other.perceptual_hash
            if alike or (one.prompt and one.prompt == other.prompt):
                assert splits[one.video_id] == splits[other.video_id]


def test_a_chain_of_look_prompt_and_bytes_is_one_group() -> None:
    chain = [
        video(0, look=1),
        video(1, look=1, prompt="a cat "),
        video(2, prompt="a cat "),
        video(3, prompt="a cat ", sha256="00"),
        video(4, sha256="00"),
    ]
    others = [video(number) for number in range(5, 200)]
    for seed in range(20):
        splits = assign_splits([*others, *chain], seed=seed)
        assert len({splits[one.video_id] for one in chain}) == 1
    # A split of any of them is the split of all.
    chain[0] = video(0, look=1, split="test")
    assert {assign_splits(chain)[one.video_id] for one in chain} == {"test"}


def test_near_duplicates_that_name_different_splits_are_refused() -> None:
    videos = [video(0, look=1, split="test"), video(1, look=1), video(2, look=1, split="train")]
    with pytest.raises(RawError) as caught:
        assign_splits(videos)
    message = (
        "videos ['v000', 'v002'] are near-duplicates, or are connected by near-duplicates and "
        "prompts, and {} different splits ['test', 'train']. Give them one split."
    )
    assert str(caught.value) == message.format("name")
    with pytest.raises(RawError) as caught:
        assign_splits([video(0, look=1, split="test"), video(2, look=1)], kept={"v002": "train"})
    assert str(caught.value) == message.format("name or had in the parent")


def test_what_a_parent_of_another_rule_has_apart_stays_and_new_ones_join_most_of_them() -> None:
    kept = {"v000": "train", "v001": "test", "v002": "test"}
    videos = [video(0, look=1), video(1, look=1), video(2, look=1, split="test"), video(3, look=1)]
    assert assign_splits(videos, kept=kept) == kept | {"v003": "test"}
    # as many here as there
    assert assign_splits([videos[0], videos[1], videos[3]], kept=kept)["v003"] == "train"


# --- Releases -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A raw folder in which every broken video stands beside itself without the artifact, and no
    prompt gives it away.
    """
    raw = write_sample(
        tmp_path_factory.mktemp("twins") / "raw",
        videos=12,
        num_frames=12,
        height=64,
        width=96,
        clean_twins=True,
    )
    videos = [
        json.loads(line) | {"prompt": None}
        for line in (raw / "videos.jsonl").read_text().splitlines()
    ]
    (raw / "videos.jsonl").write_text("".join(json.dumps(video) + "\n" for video in videos))
    return raw


@pytest.fixture(scope="module")
def twin_release(twins: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("twins") / "release"
    build(twins, out, more_files=card_files)
    return out


def test_twins_are_found_and_nothing_else_and_are_never_apart(twin_release: Path) -> None:
    manifest = brokenvideos.read_manifest(str(twin_release))
    groups = release_groups(manifest, name="x")
    ids = manifest["videos"]
    wanted = [
        sorted([video_id, f"{video_id}_clean"])
        for video_id in sorted(ids)
        if f"{video_id}_clean" in ids
    ]
    assert len(wanted) == 8
    assert [list(group) for group in groups] == wanted
    assert all(len(set(group.values())) == 1 for group in groups)


def without(raw: Path, copy: Path, ending: str) -> Path:
    """The raw folder without the videos whose ids end so."""
    (copy / "videos").mkdir(parents=True)
    videos = [json.loads(line) for line in (raw / "videos.jsonl").read_text().splitlines()]
    videos = [video for video in videos if not video["video_id"].endswith(ending)]
    (copy / "videos.jsonl").write_text("".join(json.dumps(video) + "\n" for video in videos))
    for video in videos:
        name = f"{video['video_id']}.mp4"
        (copy / "videos" / name).symlink_to(raw / "videos" / name)
    (copy / "masks").symlink_to(raw / "masks")
    return copy


def test_new_videos_join_what_they_look_like_in_the_parent(twins: Path, tmp_path: Path) -> None:
    first = without(twins, tmp_path / "first", "_clean")
    build(first, tmp_path / "old", more_files=card_files)
    # A parent of the rule before, which knew no hashes, is a parent all the same, but can no longer
    # be assigned again.
    manifest = brokenvideos.read_manifest(str(tmp_path / "old"))
    for facts in manifest["videos"].values():
        del facts["perceptual_hash"]
    manifest["split_rule"] |= {"name": "stratified-deficit/1"}
    (tmp_path / "old" / "manifest.json").write_bytes(manifest_bytes(manifest))
    assert release_groups(manifest, name="old") is None
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        rebuild(tmp_path / "old", first)
    assert str(caught.value) == (
        f"{tmp_path}/old/manifest.json: this version does not know its split_rule, so the splits "
        "cannot be assigned again. Install the version of brokenvideos that wrote it."
    )
    new = build(
        twins, tmp_path / "new", BuildOptions(data_version="1.1.0", seed=7), parent=tmp_path / "old"
    )
    was, now = (
        {video_id: shard["split"] for shard in m["shards"] for video_id in shard["video_ids"]}
        for m in (manifest, new)
    )
    assert {video_id: now[video_id] for video_id in was} == was
    for video_id, split in was.items():
        assert now.get(f"{video_id}_clean", split) == split


def test_a_perceptual_hash_that_is_none(twin_release: Path) -> None:
    manifest = brokenvideos.read_manifest(str(twin_release))
    video_id = min(manifest["videos"])
    manifest["videos"][video_id]["perceptual_hash"] = "0x"
    with pytest.raises(brokenvideos.ReleaseError) as caught:
        release_groups(manifest, name="there")
    assert str(caught.value) == (
        f"there/manifest.json: perceptual_hash of {video_id} is '0x', wanted 64 hex digits. Build "
        "the release again."
    )
