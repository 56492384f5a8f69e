"""Area, box, union and overlap against counting pixels."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from brokenvideos.masks import RLEError, area, bbox, decode, empty, encode, iou, union

BATCHES = hnp.arrays(np.bool_, st.tuples(st.integers(0, 5), *[st.integers(1, 12)] * 2))


def box_by_pixels(mask):
    y, x = np.nonzero(mask)
    return [x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1] if len(x) else [0, 0, 0, 0]


@settings(deadline=None, max_examples=150)
@given(masks=BATCHES)
def test_measures_count_pixels(masks):
    count, height, width = masks.shape
    size = {"height": height, "width": width}
    counts = encode(masks)
    areas, boxes = area(counts, **size), bbox(counts, **size)
    assert (areas.dtype, areas.shape, boxes.dtype, boxes.shape) == (
        np.int64,
        (count,),
        np.int64,
        (count, 4),
    )
    assert areas.tolist() == masks.sum(axis=(1, 2)).tolist()
    assert boxes.tolist() == [box_by_pixels(mask) for mask in masks]
    assert union(counts, **size) == encode(masks.any(axis=0)[None])[0]


@settings(deadline=None, max_examples=100)
@given(masks=BATCHES, split=st.integers(0, 5))
def test_iou_counts_pixels(masks, split):
    _, height, width = masks.shape
    a, b = masks[:split], masks[split:]
    both = (a[:, None] & b[None]).sum(axis=(2, 3))
    either = (a[:, None] | b[None]).sum(axis=(2, 3))
    got = iou(encode(a), encode(b), height=height, width=width)
    assert (got.dtype, got.shape) == (np.float64, (len(a), len(b)))
    assert np.array_equal(got, both / np.maximum(either, 1))


def test_union_of_nothing_is_the_empty_mask():
    assert (
        union([], height=4, width=5) == union([empty(4, 5)] * 3, height=4, width=5) == empty(4, 5)
    )


def test_more_than_256_masks():
    masks = np.random.default_rng(0).random((300, 30, 20)) < np.linspace(0, 1, 300)[:, None, None]
    counts = encode(masks)
    size = {"height": 30, "width": 20}
    assert area(counts, **size).tolist() == masks.sum(axis=(1, 2)).tolist()
    assert bbox(counts, **size).tolist() == [box_by_pixels(mask) for mask in masks]
    assert (
        iou(counts, counts, **size).diagonal().tolist()
        == masks.any(axis=(1, 2)).astype(float).tolist()
    )
    assert np.array_equal(decode([union(counts, **size)], **size)[0], masks.any(axis=0))


def test_area_beyond_32_bits_in_sum():
    full = "0oooooo1"
    assert area([full] * 3, height=1, width=2**31 - 1).tolist() == [2**31 - 1] * 3


@pytest.mark.parametrize(
    "measure",
    [area, bbox, union, lambda c, **s: iou(c, ["6"], **s), lambda c, **s: iou(["6"], c, **s)],
)
def test_no_measure_reads_a_string_that_the_gate_refuses(measure):
    with pytest.raises(RLEError) as caught:
        measure(["6", "5"], height=2, width=3)
    assert str(caught.value).startswith("mask 1: the runs sum to 5, wanted 6 = 2 x 3 pixels.")


def test_real_masks(sav_rles):
    counts = [rle["counts"] for rle in sav_rles[:60]]
    masks = decode(counts, height=848, width=480)
    size = {"height": 848, "width": 480}
    assert area(counts, **size).tolist() == masks.sum(axis=(1, 2)).tolist()
    assert bbox(counts, **size).tolist() == [box_by_pixels(mask) for mask in masks]
    assert np.array_equal(decode([union(counts, **size)], **size)[0], masks.any(axis=0))
