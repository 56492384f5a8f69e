"""Decode and encode against pycocotools, on random masks, on edge shapes and on every mask of the
real data.
"""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from brokenvideos.masks import MaskError, RLEError, decode, decode_many, empty, encode

# pycocotools 2.0.11 decodes with a deprecated NumPy protocol.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

BATCHES = hnp.arrays(
    np.uint8, st.tuples(st.integers(0, 5), *[st.integers(1, 25)] * 2), elements=st.integers(0, 1)
)


def coco_counts(masks):
    return [coco.encode(np.asfortranarray(mask, np.uint8))["counts"].decode() for mask in masks]


def coco_decode(counts, *, height, width):
    return np.array(
        [coco.decode({"size": [height, width], "counts": entry}) for entry in counts], np.uint8
    )


@settings(deadline=None, max_examples=200)
@given(masks=BATCHES)
def test_random_masks_as_pycocotools(masks):
    _, height, width = masks.shape
    counts = encode(masks)
    assert counts == coco_counts(masks)
    decoded = decode(counts, height=height, width=width)
    assert (decoded.shape, decoded.dtype) == (masks.shape, np.uint8)
    assert np.array_equal(decoded, masks)
    if counts:
        assert np.array_equal(decoded, coco_decode(counts, height=height, width=width))


def test_fixed_vector_is_column_major():
    mask = np.array([[0, 0, 1, 1, 0], [0, 0, 1, 0, 0], [0, 1, 1, 0, 1]], np.uint8)
    assert encode(mask[None]) == ["554L"]  # by pycocotools 2.0.11
    assert decode(["554L"], height=3, width=5)[0].tolist() == mask.tolist()


def test_fixed_vector_at_480p():
    y, x = np.mgrid[:480, :854]
    disc = (x - 300) ** 2 + (y - 200) ** 2 < 25
    assert encode(disc[None]) == ["VnZ45j>2N2O00000001N2NkTQ8"]  # by pycocotools 2.0.11


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 7), (7, 1), (2, 2), (480, 854)])
def test_all_background_and_all_foreground(height, width):
    masks = np.stack([np.zeros((height, width), np.uint8), np.ones((height, width), np.uint8)])
    counts = encode(masks)
    assert counts == coco_counts(masks)
    assert counts[0] == empty(height, width)
    assert np.array_equal(decode(counts, height=height, width=width), masks)


def test_every_mask_of_two_by_three():
    masks = (np.arange(64)[:, None] >> np.arange(6) & 1).astype(np.uint8).reshape(64, 2, 3)
    counts = encode(masks)
    assert counts == coco_counts(masks)
    assert np.array_equal(decode(counts, height=2, width=3), masks)


def test_empty_batch():
    assert encode(np.zeros((0, 4, 5), np.uint8)) == []
    decoded = decode([], height=4, width=5)
    assert (decoded.shape, decoded.dtype) == ((0, 4, 5), np.uint8)
    assert decode_many([]) == []


@pytest.mark.parametrize("layout", ["C", "F", "strided", "bool", "read-only", "column-major"])
def test_encode_takes_any_memory_layout(layout):
    masks = (np.random.default_rng(1).random((6, 9, 14)) < 0.4).astype(np.uint8)
    seen = {
        "C": masks,
        "F": np.asfortranarray(masks),
        "strided": np.repeat(masks, 2, axis=2)[:, :, ::2],
        "bool": masks.astype(bool),
        "read-only": np.frombuffer(masks.tobytes(), np.uint8).reshape(masks.shape),
        "column-major": np.ascontiguousarray(masks.transpose(0, 2, 1)).transpose(0, 2, 1),
    }[layout]
    assert encode(seen) == coco_counts(masks)


def test_encode_in_several_steps_equals_one(monkeypatch):
    masks = np.random.default_rng(2).random((7, 10, 11)) < 0.3
    monkeypatch.setattr("brokenvideos.masks.bitmaps._ENCODE_BYTES", 2 * 110)
    assert encode(masks) == coco_counts(masks)


WRONG_STACK = (
    ", wanted uint8 or bool [N, H, W] of 0 and 1. Stack single masks with mask[None]; compare a "
    "label map with one object_id first (labels == object_id)."
)


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (np.zeros((2, 3), np.uint8), f"masks: got uint8[2, 3]{WRONG_STACK}"),
        (np.zeros((1, 2, 3), np.float32), f"masks: got float32[1, 2, 3]{WRONG_STACK}"),
        (np.zeros((1, 2, 3), np.int8), f"masks: got int8[1, 2, 3]{WRONG_STACK}"),
        ([[[0, 1]]], f"masks: got list{WRONG_STACK}"),
        (
            np.zeros((1, 0, 3), np.uint8),
            "masks: got 0 rows and 3 columns, wanted at least 1 of each. Pass masks of the size of "
            "the decoded frames.",
        ),
        (
            np.array([[[0, 1]], [[2, 0]], [[255, 0]]], np.uint8),
            "mask 1: holds the value 2, wanted only 0 and 1. "
            "Compare first: masks > 0 for 0/255 masks, labels == object_id for a label map.",
        ),
    ],
)
def test_encode_refuses(masks, message):
    with pytest.raises(MaskError) as caught:
        encode(masks)
    assert str(caught.value) == message


def test_decode_into_a_used_buffer():
    rng = np.random.default_rng(3)
    buffer = np.full((5, 8, 6), 77, np.uint8)
    for share in (0.5, 0.0, 1.0, 0.1, 0.9):
        masks = (rng.random((3, 6, 8)) < share).astype(np.uint8)
        decoded = decode(encode(masks), height=6, width=8, out=buffer)
        assert np.shares_memory(decoded, buffer)
        assert np.array_equal(decoded, masks)
    assert (buffer[3:] == 77).all()


@pytest.mark.parametrize(
    ("out", "found"),
    [
        (np.zeros((1, 3, 2), np.uint8), "uint8[1, 3, 2]"),
        (np.zeros((2, 2, 3), np.uint8), "uint8[2, 2, 3]"),
        (np.zeros((2, 3, 2), np.int8), "int8[2, 3, 2]"),
        (np.zeros((2, 2, 3), np.uint8).transpose(0, 2, 1), "uint8[2, 3, 2]"),
        (np.frombuffer(bytes(12), np.uint8).reshape(2, 3, 2), "uint8[2, 3, 2]"),
    ],
)
def test_decode_refuses_a_buffer_that_does_not_fit(out, found):
    with pytest.raises(RLEError) as caught:
        decode(["6", "06"], height=2, width=3, out=out)
    assert str(caught.value) == (
        f"out is {found}, wanted writeable C-contiguous uint8[M, 3, 2] with M >= 2: masks, then "
        "width, then height. Make it with np.empty((M, width, height), np.uint8)."
    )


def test_memory_bomb_is_refused():
    counts = [empty(30000, 30000)] * 10000
    with pytest.raises(RLEError) as caught:
        decode(counts, height=30000, width=30000)
    message = (
        "the bitmaps would take 9000000000000 bytes, wanted at most max_decoded_bytes=4294967296. "
        "Decode fewer masks at a time, into a buffer (out=), or raise max_decoded_bytes."
    )
    assert str(caught.value) == message
    with pytest.raises(RLEError) as caught:
        decode_many([{"size": [30000, 30000], "counts": entry} for entry in counts])
    assert str(caught.value) == message


def test_budget_is_for_the_result():
    assert decode(["6", "06"], height=2, width=3, max_decoded_bytes=12).sum() == 6
    with pytest.raises(
        RLEError, match=r"^the bitmaps would take 12 bytes, wanted at most max_decoded_bytes=11\."
    ):
        decode(["6", "06"], height=2, width=3, max_decoded_bytes=11)
    buffer = np.empty((2, 3, 2), np.uint8)
    assert decode(["6", "06"], height=2, width=3, out=buffer, max_decoded_bytes=0).sum() == 6


def test_decode_many_sizes_keeps_the_order():
    rng = np.random.default_rng(4)
    masks = [
        rng.random(size) < 0.5 for size in [(3, 4), (4, 3), (3, 4), (1, 1), (4, 3), (3, 4), (12, 1)]
    ]
    rles = [{"size": list(mask.shape), "counts": encode(mask[None])[0]} for mask in masks]
    decoded = decode_many(rles)
    assert len(decoded) == len(masks)
    assert all(np.array_equal(got, wanted) for got, wanted in zip(decoded, masks, strict=True))


WANTED_RLE = "wanted {'size': [height, width], 'counts': str}."


@pytest.mark.parametrize(
    ("rle", "message"),
    [
        (
            {"size": [3, 3], "counts": "7"},
            "mask 2: the runs sum to 7, wanted 9 = 3 x 3 pixels. Check that height and width are "
            "those of the mask, in this order, and encode it again if they are.",
        ),
        (
            {"size": [3, 0], "counts": "6"},
            "mask 2: size [3, 0]: height and width must be at least 1. Pass the size of the "
            "decoded frames, height first.",
        ),
        ({"size": [3], "counts": "6"}, f"mask 2: got {{'size': [3], 'counts': '6'}}, {WANTED_RLE}"),
        ({"size": [3, 3]}, f"mask 2: got {{'size': [3, 3]}}, {WANTED_RLE}"),
        (None, f"mask 2: got None, {WANTED_RLE}"),
    ],
)
def test_decode_many_names_the_mask(rle, message):
    good = [{"size": [2, 3], "counts": "6"}, {"size": [3, 3], "counts": "9"}]
    with pytest.raises(RLEError) as caught:
        decode_many([*good, rle, *good])
    assert (str(caught.value), caught.value.index) == (message, 2)


def test_every_davis_mask_as_pycocotools(davis_label_maps):
    checked = 0
    for labels in davis_label_maps():
        height, width = labels.shape
        # Fortran order is what pycocotools takes without a copy
        columns = np.ascontiguousarray(labels.T)
        present = np.flatnonzero(np.bincount(labels.reshape(-1)))  # the background is a mask too
        masks = np.stack([columns == label for label in present]).view(np.uint8).transpose(0, 2, 1)
        counts = encode(masks)
        assert counts == coco_counts(masks)
        assert np.array_equal(decode(counts, height=height, width=width), masks)
        checked += len(masks)
    assert checked > 6000


def test_every_sav_mask_as_pycocotools(sav_rles):
    for start in range(0, len(sav_rles), 50):
        rles = sav_rles[start : start + 50]
        decoded = decode_many(rles)
        assert np.array_equal(np.array(decoded), np.array([coco.decode(rle) for rle in rles]))
        assert encode(np.array(decoded)) == [rle["counts"] for rle in rles]
