"""Splits and shards are pure functions of what was ingested."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

import brokenvideos
from brokenvideos.builder.ingest import Ingested
from brokenvideos.builder.plan.splits import (
    FILLED,
    SHARD_BYTES,
    SPLIT_FRACTIONS,
    STRATIFIED,
    assign_splits,
    empty_splits,
    fill_splits,
    plan_shards,
    rule_of,
    split_rule,
)
from brokenvideos.builder.raw.video import RawError


def video(
    number: int,
    *,
    label: str = "broken",
    generator: str = "g",
    prompt: str | None = None,
    split: str | None = None,
) -> Ingested:
    return Ingested(
        video_id=f"{generator}_{number:05d}",
        label=label,
        generator=generator,
        prompt=prompt,
        split=split,
        digest="",
        video_sha256="",
        video_bytes=SHARD_BYTES // 10,
        row_path=Path(),
        video_path=Path(),
    )


@st.composite
def collections(draw: st.DrawFn) -> list[Ingested]:
    prompts = st.sampled_from([None, "a cat", "a dog", "a street"])
    kinds = st.tuples(
        st.sampled_from(brokenvideos.LABELS), st.sampled_from(["kling", "luma"]), prompts
    )
    return [
        video(number, label=label, generator=generator, prompt=prompt)
        for number, (label, generator, prompt) in enumerate(
            draw(st.lists(kinds, min_size=1, max_size=60))
        )
    ]


@given(collections(), st.randoms())
@settings(deadline=None, max_examples=100)
def test_order_of_the_input_does_not_matter_and_prompts_stay_together(
    videos: list[Ingested], random
) -> None:
    splits = assign_splits(videos)
    assert splits.keys() == {v.video_id for v in videos}
    shuffled = list(videos)
    random.shuffle(shuffled)
    assert assign_splits(shuffled) == splits
    for prompt in {v.prompt for v in videos} - {None}:
        assert len({splits[v.video_id] for v in videos if v.prompt == prompt}) == 1


def test_every_stratum_is_split_near_the_fractions() -> None:
    videos = [
        video(n, label=label, generator=g)
        for label in brokenvideos.LABELS
        for g in ("a", "b", "c")
        for n in range(100)
    ]
    ids = [
        Ingested(
            **{
                **{f: getattr(v, f) for f in Ingested.__slots__},
                "video_id": f"{v.video_id}-{v.label}",
            }
        )
        for v in videos
    ]
    splits = assign_splits(ids, seed=3)
    for label in brokenvideos.LABELS:
        for generator in ("a", "b", "c"):
            counts = Counter(
                splits[v.video_id] for v in ids if (v.label, v.generator) == (label, generator)
            )
            assert counts == pytest.approx(
                {split: 100 * share for split, share in SPLIT_FRACTIONS.items()}, abs=2
            )
    assert assign_splits(ids, seed=4) != splits


def test_a_prompt_in_two_splits_is_refused() -> None:
    videos = [video(0, prompt="a cat", split="train"), video(1, prompt="a cat", split="test")]
    with pytest.raises(RawError) as caught:
        assign_splits(videos)
    assert str(caught.value) == (
        "videos ['g_00000', 'g_00001'] share 'prompt a cat' and name different splits ['test', "
        "'train']. Give them one split."
    )


@given(st.integers(1, 300), st.integers(1, 9))
@settings(deadline=None, max_examples=50)
def test_every_video_is_in_the_shard_of_its_id(number: int, num_shards: int) -> None:
    videos = [video(n) for n in range(number)]
    plans = plan_shards(
        videos,
        dict.fromkeys((v.video_id for v in videos), "train"),
        num_shards={"train": num_shards},
    )
    assert [plan.index for plan in plans] == list(range(num_shards))
    for plan in plans:
        ids = [v.video_id for v in plan.videos]
        assert ids == sorted(ids)
        assert all(
            brokenvideos.release.shard_of(video_id, num_shards) == plan.index for video_id in ids
        )
    assert sum(len(plan.videos) for plan in plans) == number


def test_shards_are_counted_by_bytes_where_no_number_is_given() -> None:
    videos = [video(n) for n in range(25)]
    plans = plan_shards(videos, dict.fromkeys((v.video_id for v in videos), "test"), num_shards={})
    assert [(plan.split, plan.num_shards) for plan in plans] == [("test", 3)] * 3


def test_videos_of_the_parent_stay_and_their_prompts_draw_new_ones() -> None:
    prompts = ["a cat", "a dog", None, None, "a bird"]
    before = [video(number, prompt=prompts[number % 5]) for number in range(40)]
    kept = assign_splits(before, seed=1)
    more = [video(number, prompt=prompts[number % 5]) for number in range(40, 80)]
    after = assign_splits([*more, *before], seed=2, kept=kept)
    assert {video_id: after[video_id] for video_id in kept} == kept
    for prompt in set(prompts) - {None}:
        assert len({after[v.video_id] for v in before + more if v.prompt == prompt}) == 1
    counts = Counter(after.values())
    assert counts == pytest.approx(
        {split: 80 * share for split, share in SPLIT_FRACTIONS.items()}, abs=12
    )


def test_a_prompt_that_joins_videos_of_two_splits_is_refused() -> None:
    videos = [video(0, prompt="a cat"), video(1, prompt="a cat")]
    with pytest.raises(RawError) as caught:
        assign_splits(videos, kept={"g_00000": "train", "g_00001": "test"})
    assert str(caught.value) == (
        "videos ['g_00000', 'g_00001'] share 'prompt a cat' and name or had in the parent "
        "different splits ['test', 'train']. Give them one split."
    )
    named = [video(0, prompt="a cat", split="test"), video(1, prompt="a cat")]
    assert set(assign_splits(named, kept={"g_00000": "train", "g_00001": "test"}).values()) == {
        "test"
    }


@pytest.mark.parametrize(
    ("number", "parent", "wanted"), [(25, 2, 2), (25, 1, 3), (25, 7, 7), (45, 2, 5)]
)
def test_shards_are_as_many_as_the_parent_s_until_they_grow_too_large(
    number: int, parent: int, wanted: int
) -> None:
    videos = [video(n) for n in range(number)]
    splits = {v.video_id: "test" for v in videos}
    assert len(plan_shards(videos, splits, num_shards={}, parent_shards={"test": parent})) == wanted
    assert (
        len(plan_shards(videos, splits, num_shards={"test": 4}, parent_shards={"test": parent}))
        == 4
    )


def test_shard_of_is_what_the_contract_says() -> None:
    assert [
        brokenvideos.release.shard_of(video_id, 7)
        for video_id in ("Cog5B_00000", "Kling_00412", "a")
    ] == [
        int.from_bytes(__import__("hashlib").sha256(video_id.encode()).digest()[:8], "big") % 7
        for video_id in ("Cog5B_00000", "Kling_00412", "a")
    ]


def filled(videos: list[Ingested], **options) -> dict[str, str]:
    return fill_splits(videos, assign_splits(videos, **options), **options)


@given(collections(), st.integers(0, 9), st.randoms())
@settings(deadline=None, max_examples=100)
def test_every_split_is_filled_that_can_be_and_what_was_full_stays(
    videos: list[Ingested], seed: int, random
) -> None:
    before, after = assign_splits(videos, seed=seed), filled(videos, seed=seed)
    num_groups = len({video.prompt or video.video_id for video in videos})
    assert len(set(after.values())) == min(3, num_groups)
    if len(set(before.values())) == 3:
        assert after == before
    moved = {
        video.prompt or video.video_id
        for video in videos
        if after[video.video_id] != before[video.video_id]
    }
    assert len(moved) <= 3 - len(set(before.values()))
    for prompt in {v.prompt for v in videos} - {None}:
        assert len({after[v.video_id] for v in videos if v.prompt == prompt}) == 1
    shuffled = list(videos)
    random.shuffle(shuffled)
    assert filled(shuffled, seed=seed) == after


def test_a_split_is_filled_from_the_largest_kind_by_its_smallest_group() -> None:
    takes = [video(number, prompt="a cat") for number in range(3)]
    alone = [video(number) for number in range(3, 5)]
    other = [video(5, label="normal")]
    assert Counter(assign_splits(takes + alone + other).values()) == {"train": 5, "validation": 1}
    after = filled(takes + alone + other)
    assert [split for split in after.values() if split == "test"] == ["test"]
    assert after["g_00003"] == "test" or after["g_00004"] == "test"


def test_two_groups_are_for_training_and_a_test() -> None:
    assert Counter(filled([video(0), video(1)]).values()) == {"train": 1, "test": 1}


def test_what_has_a_split_is_not_moved() -> None:
    named = [video(number, split="train") for number in range(5)]
    assert set(filled(named).values()) == {"train"}
    assert Counter(filled([*named, video(5), video(6)]).values()) == {
        "train": 5,
        "validation": 1,
        "test": 1,
    }
    kept = {f"g_{number:05d}": "train" for number in range(5)}
    videos = [video(number) for number in range(7)]
    after = filled(videos, kept=kept)
    assert {video_id: after[video_id] for video_id in kept} == kept
    assert {after["g_00005"], after["g_00006"]} == {"validation", "test"}


@pytest.mark.parametrize("grown", [False, True])
@pytest.mark.parametrize("name", [STRATIFIED, FILLED])
def test_a_manifest_names_its_rule(name: str, grown: bool) -> None:
    stated = split_rule(7, grown=grown, name=name)
    assert rule_of(stated, grown=grown) == (name, 7)
    assert rule_of(stated, grown=not grown) is None
    assert rule_of({**stated, "name": "stratified-deficit/1"}, grown=grown) is None
    assert rule_of({**stated, "seed": True}, grown=grown) is None
    assert rule_of({**stated, "text": "by hand"}, grown=grown) is None
    assert rule_of({**stated, "name": []}, grown=grown) is None
    assert rule_of(None, grown=grown) is None


def test_empty_splits_are_said_with_the_reason() -> None:
    def said(*videos: Ingested, kept: dict[str, str] | None = None) -> str | None:
        return empty_splits(videos, filled(list(videos), kept=kept))

    ending = (
        "Training needs train, validation, test; evaluation needs test: add videos of other "
        "prompts, or name the splits in videos.jsonl (split)."
    )
    alike = (
        "of one prompt, equal bytes or near-duplicates, which stay together, fewer than the 3 "
        "splits"
    )
    takes = [video(number, prompt="a cat") for number in range(6)]
    assert (
        said(*takes) == f"no video in validation and test: 6 videos are 1 group {alike}. {ending}"
    )
    assert (
        said(video(0)) == f"no video in validation and test: 1 video is 1 group {alike}. {ending}"
    )
    assert (
        said(video(0), video(1))
        == f"no video in validation: 2 videos are 2 groups {alike}. {ending}"
    )
    assert said(video(0), video(1), video(2)) is None
    assert said(
        video(0), video(1), video(2), kept={f"g_{number:05d}": "train" for number in range(3)}
    ) == (
        "no video in validation and test: 3 videos are 3 groups of one prompt, equal bytes or "
        "near-duplicates, which stay together, and keep the splits that videos name or had in the "
        f"parent. {ending}"
    )
    named = [video(number, split=split) for number, split in enumerate(("validation", "test"))]
    assert said(*named) == (
        "no video in train, as the videos name their splits. Training needs train, validation, "
        "test; evaluation needs test."
    )
