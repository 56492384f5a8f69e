"""Which clip belongs to which mask, for the ways in which people name and lay out such files."""

from pathlib import Path

import pytest

from brokenvideos.tools.adoption.entries import Entry
from brokenvideos.tools.adoption.names import find_media, loose_key, prefix_of
from brokenvideos.tools.adoption.pairing import Pairing, pair_up

BY_NAMES = "by id and both roles in the names"
BY_MASK = "by id and the mask's role in its name"


def paired(*paths: str, **patterns: list[str]) -> Pairing:
    media, _ = find_media([Entry(path, 1, "", Path(path)) for path in paths])
    return pair_up(media, **patterns)


SURE = {
    "folders": (["videos/A_0.mp4", "masks/A_0.mp4"], [("A_0", "videos/A_0.mp4", "masks/A_0.mp4")]),
    "endings": (["A_0.mp4", "A_0_mask.mp4"], [("A_0", "A_0.mp4", "A_0_mask.mp4")]),
    "beginnings": (["A_0.mp4", "overlay-A_0.mp4"], [("A_0", "A_0.mp4", "overlay-A_0.mp4")]),
    "with masks": (["A_0.mp4", "A_0_with_masks.mp4"], [("A_0", "A_0.mp4", "A_0_with_masks.mp4")]),
    "folder per video": (
        ["A_0/video.mp4", "A_0/mask.mp4"],
        [("A_0", "A_0/video.mp4", "A_0/mask.mp4")],
    ),
    "camel case": (
        ["RawVideos/A_0.mp4", "MaskVideos/A_0.mp4"],
        [("A_0", "RawVideos/A_0.mp4", "MaskVideos/A_0.mp4")],
    ),
    "masked videos": (
        ["videos/A_0.mp4", "videos_masked/A_0.mp4"],
        [("A_0", "videos/A_0.mp4", "videos_masked/A_0.mp4")],
    ),
    "Chinese": (["原视频/A_0.mp4", "标注/A_0.mp4"], [("A_0", "原视频/A_0.mp4", "标注/A_0.mp4")]),
    "archives": (
        ["v/videos.zip/A_0.mp4", "masks.zip/x/A_0.mp4"],
        [("A_0", "v/videos.zip/A_0.mp4", "masks.zip/x/A_0.mp4")],
    ),
    "PNGs": (
        ["clips/A_0.mp4", "masks/A_0/00000.png", "masks/A_0/00001.png"],
        [("A_0", "clips/A_0.mp4", "masks/A_0")],
    ),
    "PNGs of several videos in one folder": (
        ["A_0.mp4", "A_1.mp4", "masks/A_0_0000.png", "masks/A_0_0001.png", "masks/A_1_0000.png"],
        [("A_0", "A_0.mp4", "masks/A_0_*"), ("A_1", "A_1.mp4", "masks/A_1_*")],
    ),
    "DAVIS": (
        ["JPEGImages/A_0/00000.jpg", "Annotations/A_0/00000.png"],
        [("A_0", "JPEGImages/A_0", "Annotations/A_0")],
    ),
    "a folder per generator": (
        ["A/1.mp4", "A/1_mask.mp4", "B/1.mp4", "B/1_mask.mp4"],
        [("A_1", "A/1.mp4", "A/1_mask.mp4"), ("B_1", "B/1.mp4", "B/1_mask.mp4")],
    ),
    "a folder per split": (
        ["train/videos/A_0.mp4", "masks/A_0.mp4"],
        [("A_0", "train/videos/A_0.mp4", "masks/A_0.mp4")],
    ),
    "a dot in the id": (
        ["Kling1.5_0.mp4", "Kling1.5_0_mask.mp4"],
        [("Kling1-5_0", "Kling1.5_0.mp4", "Kling1.5_0_mask.mp4")],
    ),
    "an id in two cases": (
        ["videos/A_0.mp4", "masks/a_0.mp4"],
        [("A_0", "videos/A_0.mp4", "masks/a_0.mp4")],
    ),
}


@pytest.mark.parametrize(("paths", "wanted"), SURE.values(), ids=SURE)
def test_pairs_that_names_make_sure(paths: list[str], wanted: list[tuple[str, str, str]]) -> None:
    found = paired(*paths)
    assert [(pair.video_id, pair.clip.name, pair.mask.name) for pair in found.pairs] == wanted
    assert all(pair.is_sure and not pair.doubt for pair in found.pairs)
    assert found.leftover == ()


DOUBTFUL = {
    "no name says which is the mask": (
        ["one/A_0.mp4", "two/A_0.mp4"],
        [("one/A_0.mp4", "two/A_0.mp4")],
        "no name says which of them shows the masks; give --clips and --masks patterns, or correct "
        "clip and mask here",
    ),
    "two masks": (
        ["videos/A_0.mp4", "masks/A_0.mp4", "overlays/A_0.mp4"],
        [("videos/A_0.mp4", "masks/A_0.mp4"), ("videos/A_0.mp4", "overlays/A_0.mp4")],
        "1 clips and 2 masks have this id; say yes to the right pair, no to the others",
    ),
    "two clips for one mask": (
        ["videos/A_0.mp4", "videos/A_0.webm", "masks/A_0.mp4"],
        [("videos/A_0.mp4", "masks/A_0.mp4"), ("videos/A_0.webm", "masks/A_0.mp4")],
        "2 clips and 1 masks have this id; say yes to the right pair, no to the others",
    ),
    "ids that are written differently": (
        ["videos/A_7.mp4", "masks/A-00007.mp4"],
        [("videos/A_7.mp4", "masks/A-00007.mp4")],
        "the names differ: A_7 and A-00007",
    ),
}


@pytest.mark.parametrize(("paths", "wanted", "doubt"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_pairs_that_are_in_doubt(
    paths: list[str], wanted: list[tuple[str, str]], doubt: str
) -> None:
    found = paired(*paths)
    assert [(pair.clip.name, pair.mask.name) for pair in found.pairs] == wanted
    assert not any(pair.is_sure for pair in found.pairs)
    assert {pair.doubt for pair in found.pairs} == {doubt}


def test_patterns_say_what_names_do_not() -> None:
    (pair,) = paired("one/A_0.mp4", "two/A_0.mp4", masks=["one/*"]).pairs
    assert (pair.clip.name, pair.mask.name, pair.is_sure) == ("two/A_0.mp4", "one/A_0.mp4", True)
    found = paired("videos/A_0.mp4", "masks/A_0.mp4", "overlays/A_0.mp4", masks=["overlays/*"])
    assert [(pair.mask.name, pair.is_sure) for pair in found.pairs] == [("overlays/A_0.mp4", True)]
    assert list(map(str, (left.path for left in found.leftover))) == ["masks/A_0.mp4"]


def test_what_stands_alone_is_left_over() -> None:
    found = paired("videos/A_0.mp4", "masks/B_0.mp4", "thumbs/C_1/0.jpg")
    assert [(left.path, left.why) for left in found.leftover] == [
        ("masks/B_0.mp4", "a mask without a clip of this id"),
        ("thumbs/C_1", "images without a clip of this id"),
        ("videos/A_0.mp4", "a clip without a mask"),
    ]


@pytest.mark.parametrize(
    ("stem", "prefix"),
    [
        ("Cog5B_00000", "Cog5B"),
        ("Kling1-5_00002", "Kling1-5"),
        ("Gen-3_7", "Gen-3"),
        ("00012", "00012"),
        ("clip", "clip"),
    ],
)
def test_the_prefix_of_an_id(stem: str, prefix: str) -> None:
    assert prefix_of(stem) == prefix


def test_loose_keys() -> None:
    assert loose_key("Cog5B_00007") == loose_key("cog-5b 7") != loose_key("Cog5B_00008")
