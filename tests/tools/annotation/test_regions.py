"""Stray pieces and holes."""

import numpy as np
import pytest

from brokenvideos.masks import decode, encode
from brokenvideos.tools.annotation.regions import cleaned, regions_of

PICTURE = """
.....................
.xxxxxxx....x.....xx.
.x..xxxx..........xx.
.x..xxxx.............
.xxxx.xx...........x.
.xxxxxxx..x.......x..
...........x.........
"""
MASK = np.array([[character == "x" for character in line] for line in PICTURE.split()], np.uint8)
SIZE = {"height": MASK.shape[0], "width": MASK.shape[1]}
COUNTS = encode(MASK[None])[0]


def cells(counts):
    return int(decode([counts], **SIZE)[0].sum())


@pytest.mark.parametrize(
    ("max_area_px", "stray", "num_stray", "holes", "num_holes"),
    [(0, 0, 0, 0, 0), (1, 1, 1, 1, 1), (2, 5, 3, 1, 1), (4, 9, 4, 5, 2), (1000, 9, 4, 5, 2)],
)
def test_pieces_and_holes_up_to_a_size(max_area_px, stray, num_stray, holes, num_holes):
    found = regions_of(COUNTS, max_area_px=max_area_px, **SIZE)
    assert (cells(found.stray), found.num_stray) == (stray, num_stray)
    assert (cells(found.holes), found.num_holes) == (holes, num_holes)


def test_what_is_removed_and_filled():
    before = cells(COUNTS)
    assert cells(cleaned(COUNTS, max_area_px=2, what="stray", **SIZE)) == before - 5
    assert cells(cleaned(COUNTS, max_area_px=2, what="holes", **SIZE)) == before + 1
    whole = cleaned(COUNTS, max_area_px=1000, what="both", **SIZE)
    assert (decode([whole], **SIZE)[0] > 0).sum() == 35
    assert cleaned(whole, max_area_px=1000, what="both", **SIZE) == whole


@pytest.mark.parametrize("mask", [np.zeros_like(MASK), np.ones_like(MASK)])
def test_an_empty_and_a_full_mask_have_neither(mask):
    counts = encode(mask[None])[0]
    found = regions_of(counts, max_area_px=1000, **SIZE)
    assert (found.num_stray, found.num_holes) == (0, 0)
    assert cleaned(counts, max_area_px=1000, what="both", **SIZE) == counts


def test_a_person_cleans_what_was_propagated(serve, clips):
    ada = serve(clips).person("Ada", "a")
    ada.do("add-object", artifact_type="blur", subtype=None)
    clicks = [[8, 8, 1], [9, 8, 1], [20, 20, 1]]
    ada.do("prompt", object_id=1, frame_index=2, clicks=clicks, box=None, keep_mask=False)
    ada.propagate(1, 2, 5)
    stray = ada.get("api/video/a/stray?object_id=1&frame_index=3&max_area=25").json
    assert (stray["num_stray"], stray["num_holes"]) == (1, 0)
    ada.do("lock-frames", first=4, last=4)
    ada.do("clean", object_id=1, first=2, last=5, max_area=25, what="both")
    assert {frame: (mask["from"], mask["area"]) for (_, frame), mask in ada.masks().items()} == {
        2: ("drawn", 30),
        3: ("drawn", 30),
        4: ("propagated", 55),
        5: ("drawn", 30),
    }
    # what a rule has changed in several frames is to be looked at again
    assert ada.state["seen"] == []
    again = ada.try_to("clean", object_id=1, first=2, last=5, max_area=25, what="both")
    assert again.error == (422, "refused", "object 1 has no such pieces or holes in frames 2 to 5")
