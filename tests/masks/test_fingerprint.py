"""`maskfp/1`: the published vectors, three forms that agree, and wrong decoders that do not get
past it.
"""

import hashlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from brokenvideos.masks import (
    MaskError,
    RLEError,
    Runs,
    decode,
    empty,
    encode,
    fingerprint_bitmaps,
    fingerprint_counts,
    fingerprint_labels,
    format_runs,
    parse,
    weights,
)

P = 2**31 - 1
VECTORS = [
    ([[0]], 0x5FD88CFE00E6690D),
    ([[1]], 0x7A2A11941197981B),
    ([[0, 1, 0], [1, 1, 0]], 0x50618F2F75DB5835),
    (np.zeros((480, 854), np.uint8), 6503922631079993259),
]


def by_definition(mask):
    """The definition in Python integers, pixel by pixel."""
    height, width = np.shape(mask)
    lanes = []
    for lane in (0, 1):
        seed = (
            b"brokenvideos.maskfp.1\0"
            + height.to_bytes(4, "little")
            + width.to_bytes(4, "little")
            + bytes([lane])
        )
        stream = hashlib.shake_256(seed).digest(4 * (1 + height + width))
        words = [int.from_bytes(stream[i : i + 4], "little") for i in range(0, len(stream), 4)]
        origin, *rest = [1 + word % (P - 1) for word in words]
        rows, columns = rest[:height], rest[height:]
        lanes.append(
            (origin + sum(rows[y] * columns[x] for y, x in np.argwhere(mask).tolist())) % P
        )
    return lanes[1] * 2**32 + lanes[0]


@pytest.mark.parametrize(("mask", "expected"), VECTORS)
def test_published_vectors_in_every_form(mask, expected):
    mask = np.array(mask, np.uint8)
    height, width = mask.shape
    assert fingerprint_bitmaps(mask[None]).tolist() == [expected]
    assert fingerprint_counts(encode(mask[None]), height=height, width=width).tolist() == [expected]
    assert fingerprint_labels(mask) == ({1: expected} if mask.any() else {})


@settings(deadline=None, max_examples=150)
@given(
    labels=hnp.arrays(
        np.uint16,
        st.tuples(*[st.integers(1, 17)] * 2),
        elements=st.sampled_from([0, 0, 1, 2, 255, 256, 65535]),
    )
)
def test_three_forms_and_the_definition_agree(labels):
    height, width = labels.shape
    object_ids = [int(value) for value in np.unique(labels) if value]
    masks = labels == np.array(object_ids, np.uint16).reshape(-1, 1, 1)
    expected = [by_definition(mask) for mask in masks]
    from_labels = fingerprint_labels(labels)
    from_bitmaps = fingerprint_bitmaps(masks)
    from_counts = fingerprint_counts(encode(masks), height=height, width=width)
    assert from_labels == dict(zip(object_ids, expected, strict=True))
    assert (from_bitmaps.dtype, from_bitmaps.tolist()) == (np.int64, expected)
    assert (from_counts.dtype, from_counts.tolist()) == (np.int64, expected)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 300), (300, 1), (1080, 1920)])
def test_full_masks_do_not_overflow(height, width):
    of_size = weights(height, width)
    expected = [
        (
            int(of_size.origin[lane])
            + sum(of_size.rows[lane].tolist()) * sum(of_size.columns[lane].tolist())
        )
        % P
        for lane in (0, 1)
    ]
    full = np.ones((2, height, width), np.uint8)
    expected = expected[1] << 32 | expected[0]
    assert fingerprint_bitmaps(full).tolist() == [expected] * 2
    assert fingerprint_counts(encode(full), height=height, width=width).tolist() == [expected] * 2
    assert fingerprint_labels(full[0]) == {1: expected}


@pytest.mark.parametrize(("height", "width"), [(1, 2000), (2, 1000), (2000, 1), (40, 50)])
def test_many_runs_do_not_overflow(height, width):
    """Runs over several columns, so that every run adds and takes away numbers of full size."""
    flat = np.random.default_rng(6).random(2000 // 5).repeat(5) < 0.5
    mask = flat.reshape(width, height).T
    expected = by_definition(mask)
    assert fingerprint_counts(encode(mask[None]), height=height, width=width).tolist() == [expected]
    assert fingerprint_bitmaps(mask[None]).tolist() == [expected]
    assert fingerprint_labels(mask.astype(np.uint8)) == {1: expected}


def test_longest_side():
    mask = np.zeros((1, 1, 1 << 20), np.uint8)
    mask[0, 0, 5:] = 1
    [expected] = fingerprint_bitmaps(mask).tolist()
    assert fingerprint_counts(encode(mask), height=1, width=1 << 20).tolist() == [expected]
    assert fingerprint_labels(mask[0]) == {1: expected}


@pytest.mark.parametrize(
    ("height", "width"), [(9001, 3), (3, 9001), (4096, 2), (4097, 2), (8193, 1)]
)
def test_long_lines_are_summed_in_bands(height, width):
    """A line of more than 4,096 pixels, with masks that begin and end anywhere in it, in both
    memory orders.
    """
    masks = np.zeros((5, height, width), np.uint8)
    masks[0] = 1
    for mask, (first, last) in zip(
        masks[1:], [(0, 1), (4095, 4097), (4100, 9001), (8190, 8195)], strict=True
    ):
        mask.reshape(-1)[first:last] = 1
    found = fingerprint_bitmaps(masks)
    turned = fingerprint_bitmaps(np.stack([mask.T.copy() for mask in masks]).transpose(0, 2, 1))
    labels = [fingerprint_labels(mask).get(1, by_definition(np.zeros_like(mask))) for mask in masks]
    assert found.tolist() == turned.tolist() == labels


def test_empty_batch_and_background():
    assert fingerprint_bitmaps(np.zeros((0, 3, 4), np.uint8)).tolist() == []
    assert fingerprint_counts([], height=3, width=4).tolist() == []
    assert fingerprint_labels(np.zeros((3, 4), np.uint16)) == {}


def test_labels_in_any_memory_order():
    labels = np.random.default_rng(0).integers(0, 4, (9, 7)).astype(np.uint8)
    assert fingerprint_labels(np.asfortranarray(labels)) == fingerprint_labels(labels)


def test_weights_are_shared_and_read_only():
    assert weights(5, 6) is weights(5, 6)
    for array in (weights(5, 6).origin, weights(5, 6).rows, weights(5, 6).columns):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def row_major(lengths, height, width):
    flat = np.repeat(np.arange(len(lengths)) % 2, lengths)
    return flat.reshape(height, width)


def column_major(lengths, height, width):
    flat = np.zeros(height * width, np.int64)
    drawn = np.repeat(np.arange(len(lengths)) % 2, np.maximum(lengths, 0))[: height * width]
    flat[: len(drawn)] = drawn
    return flat.reshape(width, height).T


def off_by_one_run(lengths):
    changed = lengths.copy()
    changed[1] += 1
    changed[2] -= 1
    return changed


WRONG_DECODERS = {
    "row-major": row_major,
    "transposed": lambda lengths, h, w: column_major(lengths, h, w).T.reshape(h, w),
    "inverted": lambda lengths, h, w: 1 - column_major(lengths, h, w),
    "first run is foreground": lambda lengths, h, w: column_major(np.append(0, lengths), h, w),
    "flipped left to right": lambda lengths, h, w: column_major(lengths, h, w)[:, ::-1],
    "flipped upside down": lambda lengths, h, w: column_major(lengths, h, w)[::-1],
    "rotated": lambda lengths, h, w: column_major(lengths, h, w)[::-1, ::-1],
    "one run one longer": lambda lengths, h, w: column_major(off_by_one_run(lengths), h, w),
    "shifted by a pixel": lambda lengths, h, w: np.roll(column_major(lengths, h, w), 1, axis=0),
    "shifted by a column": lambda lengths, h, w: np.roll(column_major(lengths, h, w), 1, axis=1),
    "last foreground run lost": lambda lengths, h, w: column_major(
        lengths[: len(lengths) // 2 * 2 - 1], h, w
    ),
    "runs 1 and 3 exchanged": lambda lengths, h, w: column_major(
        lengths[[0, 3, 2, 1, *range(4, len(lengths))]], h, w
    ),
    "all background": lambda lengths, h, w: np.zeros((h, w), np.int64),
    "all foreground": lambda lengths, h, w: np.ones((h, w), np.int64),
}


def lopsided_masks():
    """Two blobs of different size off the centre, in 20 places: no flip, turn or exchange leaves
    one as it is.
    """
    rng = np.random.default_rng(11)
    y, x = np.mgrid[:24, :36]
    for _ in range(20):
        cy, cx, r = rng.integers(3, 9), rng.integers(3, 12), rng.integers(2, 4)
        yield ((y - cy) ** 2 + (x - cx) ** 2 <= r * r) | (
            (abs(y - cy - 9) <= 2) & (abs(x - cx - 14) <= 5)
        )


@pytest.mark.parametrize("name", WRONG_DECODERS)
def test_wrong_decoders_are_caught(name):
    for mask in lopsided_masks():
        stored = fingerprint_labels(mask.astype(np.uint8))[1]
        runs = parse(encode(mask[None]), height=24, width=36)
        assert fingerprint_bitmaps(
            column_major(runs.lengths, 24, 36)[None].astype(np.uint8)
        ).tolist() == [stored]
        wrong = np.ascontiguousarray(WRONG_DECODERS[name](runs.lengths, 24, 36), np.uint8)
        assert fingerprint_bitmaps(wrong[None]).tolist() != [stored]


def test_neighbours_that_change_places_are_caught():
    masks = np.stack(list(lopsided_masks()))
    masks = np.unique(masks, axis=0)
    stored = [fingerprint_labels(mask.astype(np.uint8))[1] for mask in masks]
    counts = encode(masks)
    counts[3], counts[4] = counts[4], counts[3]
    got = fingerprint_counts(counts, height=24, width=36).tolist()
    assert [index for index, (a, b) in enumerate(zip(stored, got, strict=True)) if a != b] == [3, 4]


def test_every_single_pixel_changes_the_fingerprint():
    mask = next(lopsided_masks())
    flips = np.eye(24 * 36, dtype=np.uint8).reshape(-1, 24, 36) ^ mask
    prints = fingerprint_bitmaps(np.concatenate([mask[None].astype(np.uint8), flips])).tolist()
    assert len(set(prints)) == 24 * 36 + 1


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (np.zeros((2, 3), np.int32), "int32[2, 3]"),
        (np.zeros((2, 3, 3), np.uint8), "uint8[2, 3, 3]"),
        (np.zeros((2, 3), bool), "bool[2, 3]"),
    ],
)
def test_refuses_other_label_maps(labels, found):
    with pytest.raises(MaskError) as caught:
        fingerprint_labels(labels)
    assert str(caught.value) == (
        f"label map is {found}, wanted uint8 or uint16 [H, W] of object ids. Read a palette PNG as "
        "indices, not as colours."
    )


def test_refuses_bitmaps_and_strings_as_everywhere():
    with pytest.raises(MaskError, match=r"^mask 0: holds the value 255, wanted only 0 and 1\."):
        fingerprint_bitmaps(np.full((1, 2, 3), 255, np.uint8))
    with pytest.raises(RLEError, match=r"^mask 0: the runs sum to 5, wanted 6 = 2 x 3 pixels\."):
        fingerprint_counts(["5"], height=2, width=3)


def test_refuses_sides_whose_weights_would_fill_the_memory():
    width = (1 << 20) + 1
    with pytest.raises(MaskError) as caught:
        fingerprint_counts([empty(1, width)], height=1, width=width)
    assert str(caught.value) == (
        "size [1, 1048577]: a fingerprint needs sides of 1 to 1048576 pixels. Cut the mask into "
        "tiles."
    )


def test_runs_that_end_anywhere_in_a_column():
    """Every pair of start and end of one run in 3 x 4 pixels."""
    lengths, offsets = [], [0]
    for start in range(12):
        for stop in range(start + 1, 13):
            lengths += [start, stop - start, 12 - stop][: 2 if stop == 12 else 3]
            offsets.append(len(lengths))
    counts = format_runs(Runs(np.array(lengths), np.array(offsets), 3, 4))
    masks = decode(counts, height=3, width=4)
    assert fingerprint_counts(counts, height=3, width=4).tolist() == [
        by_definition(mask) for mask in masks
    ]


def test_davis_masks_in_three_forms(davis_label_maps):
    for labels in itertools.islice(davis_label_maps(), 0, None, 7):
        height, width = labels.shape
        from_labels = fingerprint_labels(labels)
        masks = labels == np.array(list(from_labels), np.uint8)[:8].reshape(-1, 1, 1)
        expected = list(from_labels.values())[:8]
        assert fingerprint_bitmaps(masks).tolist() == expected
        assert fingerprint_counts(encode(masks), height=height, width=width).tolist() == expected


def test_sav_masks_from_runs_and_bitmaps(sav_rles):
    counts = [rle["counts"] for rle in sav_rles[::7]]
    height, width = sav_rles[0]["size"]
    expected = fingerprint_bitmaps(decode(counts, height=height, width=width)).tolist()
    assert fingerprint_counts(counts, height=height, width=width).tolist() == expected
