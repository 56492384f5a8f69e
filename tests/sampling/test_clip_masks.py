import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from brokenvideos.frames.geometry import random_geometry, sampled_pixels, whole
from brokenvideos.masks import MaskError, RLEError, decode, decode_masks, encode, parse
from brokenvideos.sampling.clip_masks import clip_masks, sample_runs, sample_runs_on


@settings(deadline=None)
@given(st.data())
def test_sampled_runs_are_sampled_bitmaps(data):
    height, width, count = (data.draw(st.integers(1, 12)) for _ in range(3))
    rows = np.asarray(
        data.draw(st.lists(st.integers(0, height - 1), min_size=1, max_size=20)), dtype=np.int64
    )
    columns = np.asarray(
        data.draw(st.lists(st.integers(0, width - 1), min_size=1, max_size=20)), dtype=np.int64
    )
    density = data.draw(st.sampled_from([0, 0.1, 0.5, 1]))
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    counts = encode((random.random((count, height, width)) < density).astype(np.uint8))
    expected = decode(counts, height=height, width=width)[:, rows[:, None], columns]
    runs = parse(counts, height=height, width=width)
    np.testing.assert_array_equal(sample_runs(runs, rows, columns), expected)
    np.testing.assert_array_equal(
        sample_runs_on(runs, rows, columns, device="cpu").numpy(), expected
    )


@pytest.fixture(scope="module")
def row():
    random = np.random.default_rng(0)
    bitmaps = (random.random((12, 30, 41)) < 0.3).astype(np.uint8)
    return {
        "video_id": "a",
        "height": 30,
        "width": 41,
        "num_frames": 8,
        "objects": {"object_id": [3, 7], "artifact_type": [2, 0]},
        "masks": {
            "object_id": [3] * 6 + [7] * 6,
            "frame_index": [*range(6), *range(2, 8)],
            "counts": encode(bitmaps),
        },
    }


GEOMETRIES = {
    "whole": whole(30, 41),
    "smaller": whole(30, 41, size=(7, 11)),
    "larger": whole(30, 41, size=(64, 50)),
    "cropped": random_geometry(
        30, 41, size=(16, 16), crop=0.4, flip=0, random=np.random.default_rng(5)
    ),
    "cropped and flipped": random_geometry(
        30, 41, size=(16, 16), crop=0.4, flip=1, random=np.random.default_rng(6)
    ),
    "cropped, own pixels, flipped": random_geometry(
        30, 41, size=None, crop=0.4, flip=1, random=np.random.default_rng(7)
    ),
}


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
@pytest.mark.parametrize("layout", ["union", "object", "type"])
def test_masks_are_those_of_the_video_scaled_cut_and_mirrored(row, geometry, layout):
    frame_index = np.asarray([1, 4, 7, 7, 2])
    by = layout
    full = decode_masks(row, frames=frame_index, by=by)
    scaled_rows, scaled_columns = sampled_pixels(whole(30, 41, size=geometry.scaled), 30, 41)
    scaled = full[..., scaled_rows[:, None], scaled_columns]
    height, width = geometry.size
    cut = scaled[..., geometry.top : geometry.top + height, geometry.left : geometry.left + width]
    expected = cut[..., ::-1] if geometry.flipped else cut
    masks = clip_masks(row, frame_index, geometry, layout)
    assert masks.dtype == torch.uint8
    assert masks.is_contiguous()
    np.testing.assert_array_equal(masks, expected)
    np.testing.assert_array_equal(
        clip_masks(row, frame_index, geometry, layout, device="cpu"), expected
    )


def test_rle_is_what_objects_show(row):
    geometry, frame_index = GEOMETRIES["cropped and flipped"], np.asarray([0, 3, 3])
    objects = clip_masks(row, frame_index, geometry, "object").numpy()
    drawn = np.zeros_like(objects)
    entries = clip_masks(row, frame_index, geometry, "rle")
    for entry in entries:
        assert entry["rle"]["size"] == [16, 16]
        plane = [3, 7].index(entry["object_id"])
        assert entry["artifact_type"] == [2, 0][plane]
        drawn[entry["frame"], plane] = decode([entry["rle"]["counts"]], height=16, width=16)[0]
    np.testing.assert_array_equal(drawn, objects)
    assert [entry["frame"] for entry in entries] == [0, 1, 1, 2, 2]


def test_a_video_without_objects():
    nothing = {"object_id": [], "frame_index": [], "counts": []}
    row = {
        "video_id": "a",
        "height": 4,
        "width": 6,
        "objects": {"object_id": [], "artifact_type": []},
        "masks": nothing,
    }
    shapes = {
        layout: clip_masks(row, np.asarray([0, 1]), whole(4, 6), layout).shape
        for layout in ("union", "object", "type")
    }
    assert shapes == {"union": (2, 4, 6), "object": (2, 0, 4, 6), "type": (2, 3, 4, 6)}
    assert clip_masks(row, np.asarray([0, 1]), whole(4, 6), "rle") == []


def test_bad_masks_say_where(row):
    wrong = {**row, "masks": {**row["masks"], "counts": ["?"] * 12}}
    with pytest.raises(RLEError) as refused:
        clip_masks(wrong, np.asarray([2]), whole(30, 41), "union")
    assert str(refused.value).startswith(
        "mask 2: video a frame 2 object 3: the runs sum to 15, wanted 1230"
    )
    wrong = {**row, "objects": {"object_id": [3], "artifact_type": [2]}}
    with pytest.raises(MaskError) as error:
        clip_masks(wrong, np.asarray([2]), whole(30, 41), "union")
    assert str(error.value) == "video a mask 6: object 7, wanted one of [3]. Build the row again."
    wrong = {**row, "objects": {"object_id": [3, 7], "artifact_type": [2, 3]}}
    with pytest.raises(MaskError) as error:
        clip_masks(wrong, np.asarray([2]), whole(30, 41), "union")
    assert (
        str(error.value) == "video a artifact_type is [2, 3], wanted 0 to 2. Build the row again."
    )


def test_objects_whose_type_is_not_given_have_masks_but_no_type_planes(row):
    untyped = {**row, "objects": {"object_id": [3, 7], "artifact_type": [2, None]}}
    frame_index = np.asarray([1, 4, 7])
    for layout in ("union", "object"):
        found = clip_masks(untyped, frame_index, whole(30, 41), layout)
        assert torch.equal(found, clip_masks(row, frame_index, whole(30, 41), layout))
    listed = clip_masks(untyped, frame_index, whole(30, 41), "rle")
    assert {(entry["object_id"], entry["artifact_type"]) for entry in listed} == {(3, 2), (7, None)}
    with pytest.raises(MaskError) as caught:
        clip_masks(untyped, frame_index, whole(30, 41), "type")
    assert str(caught.value) == (
        'video a object 7: its artifact type is not given. Use masks="union" or masks="object".'
    )
