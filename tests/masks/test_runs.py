"""The gate: what it refuses and how it says so, and that the batched parser judges as a slow one
does.
"""

import itertools
import pickle
import random

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from brokenvideos.masks import RLEError, Runs, check, encode, format_runs, parse

RE_ENCODE = "ncode the mask again with brokenvideos.masks.encode or pycocotools.mask.encode."
WRONG_SIZE = (
    "Check that height and width are those of the mask, in this order, and encode it "
    "again if they are."
)
NO_EMPTY_RUN = f"wanted none after run 0. Join the runs beside it: e{RE_ENCODE}"
NO_STR = (
    "wanted str. Decode bytes with .decode('ascii'); leave out frames that are not annotated "
    "(None)."
)
NO_RLE = f"The string was damaged or is no COCO RLE; e{RE_ENCODE}"

# Counts for 2 x 3 pixels; "6" is the empty mask. The second mask of each batch is the bad one
# unless the case says otherwise.
REFUSED = {
    "empty string": (
        ["6", ""],
        "mask 1: counts is an empty string, wanted at least one run. "
        "A mask without a pixel is brokenvideos.masks.empty(height, width).",
    ),
    "byte below": (["6", "1/5"], "mask 1: byte 1 of counts is 47 ('/'), wanted 48 ('0') to 111 "
                                 f"('o'). {NO_RLE}"),
    "byte above": (["6", "p"], "mask 1: byte 0 of counts is 112 ('p'), wanted 48 ('0') to 111 "
                               f"('o'). {NO_RLE}"),
    "NUL": (["6", "6\0"], "mask 1: byte 1 of counts is 0 ('\\x00'), wanted 48 ('0') to 111 ('o'). "
                          f"{NO_RLE}"),
    "newline": (["6\n"], "mask 0: byte 1 of counts is 10 ('\\n'), wanted 48 ('0') to 111 ('o'). "
                         f"{NO_RLE}"),
    "not ASCII": (["6", "1漢5"], "mask 1: byte 1 of counts is 28450 ('漢'), wanted 48 ('0') to 111 "
                                f"('o'). {NO_RLE}"),
    "wraps modulo 256": (["6", chr(256 + 54)], "mask 1: byte 0 of counts is 310 ('Ķ'), wanted 48 "
                                               f"('0') to 111 ('o'). {NO_RLE}"),
    "cut off": (
        ["6", "51P", "6"],
        "mask 1: counts ends inside a number: its last byte 'P' says that another follows, wanted "
        "a complete last number. The string was cut off; fetch it again from its source.",
    ),
    "too many groups": (
        ["6", "5QPPPPPP0"],
        f"mask 1: the number at byte 1 of counts has 8 bytes, wanted at most 7. E{RE_ENCODE}",
    ),
    "not minimal, positive": (
        ["6", "5Q0"],
        "mask 1: the number at byte 1 of counts has 2 bytes, of which the last adds nothing, "
        f"wanted the shortest form. E{RE_ENCODE}",
    ),
    "not minimal, negative": (
        ["6", "1311oO2"],
        "mask 1: the number at byte 4 of counts has 2 bytes, of which the last adds nothing, "
        f"wanted the shortest form. E{RE_ENCODE}",
    ),
    "negative run": (["6", "6O1"], f"mask 1: run 1 is -1, wanted no negative run. E{RE_ENCODE}"),
    "negative by difference": (["6", "121M4"], "mask 1: run 3 is -1, wanted no negative run. "
                                               f"E{RE_ENCODE}"),
    "run too long": (["7", "6"], "mask 0: run 0 is 7, wanted at most the 6 pixels of 2 x 3. "
                                 f"{WRONG_SIZE}"),
    "empty run in the middle": (["6", "303"], f"mask 1: run 1 is 0, {NO_EMPTY_RUN}"),
    "empty run at the end": (["6", "60"], f"mask 1: run 1 is 0, {NO_EMPTY_RUN}"),
    "sum too small": (["6", "5"], "mask 1: the runs sum to 5, wanted 6 = 2 x 3 pixels. "
                                  f"{WRONG_SIZE}"),
    "sum too large": (["6", "52"], "mask 1: the runs sum to 7, wanted 6 = 2 x 3 pixels. "
                                   f"{WRONG_SIZE}"),
    "bytes": (["6", b"6"], f"mask 1: counts is bytes, {NO_STR}"),
    "None": (["6", None], f"mask 1: counts is NoneType, {NO_STR}"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_and_says_what_where_and_what_to_do(case):
    counts, message = REFUSED[case]
    with pytest.raises(RLEError) as caught:
        check(counts, height=2, width=3)
    assert str(caught.value) == message
    assert message.startswith(f"mask {caught.value.index}: ")


@pytest.mark.parametrize(
    ("height", "width", "message"),
    [
        (
            0,
            3,
            "size [0, 3]: height and width must be at least 1. Pass the size of the decoded "
            "frames, height first.",
        ),
        (
            3,
            -1,
            "size [3, -1]: height and width must be at least 1. Pass the size of the decoded "
            "frames, height first.",
        ),
        (
            2**16,
            2**15,
            "size [65536, 32768]: 2147483648 pixels, wanted fewer than 2147483648. Cut the mask "
            "into tiles.",
        ),
        (2.0, 3, "size [2.0, 3]: wanted two integers, [height, width] in pixels."),
        (2, None, "size [2, None]: wanted two integers, [height, width] in pixels."),
    ],
)
def test_refuses_sizes(height, width, message):
    for counts in (["6"], []):
        with pytest.raises(RLEError) as caught:
            check(counts, height=height, width=width)
        assert (str(caught.value), caught.value.index) == (message, None)


def test_largest_size_is_accepted():
    runs = parse(["oooooo1", "0oooooo1"], height=1, width=2**31 - 1)
    assert runs.lengths.tolist() == [2**31 - 1, 0, 2**31 - 1]


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (
            {"max_masks": 2},
            "3 masks, wanted at most max_masks=2. Split the batch or raise max_masks.",
        ),
        (
            {"max_bytes": 4},
            "the strings have 5 bytes, wanted at most max_bytes=4. Split the batch or raise "
            "max_bytes.",
        ),
    ],
)
def test_refuses_more_than_the_budget(budget, message):
    counts = ["6", "06", "15"]
    check(counts, height=2, width=3, max_masks=3, max_bytes=5)
    with pytest.raises(RLEError) as caught:
        check(counts, height=2, width=3, **budget)
    assert (str(caught.value), caught.value.index) == (message, None)


@pytest.mark.parametrize("counts", ["6", b"6"])
def test_refuses_one_string_for_a_batch(counts):
    with pytest.raises(
        RLEError,
        match=rf"^counts is one {type(counts).__name__}, wanted a sequence of strings\. Wrap it: "
        r"\[counts\]\.$",
    ):
        check(counts, height=2, width=3)


def test_error_survives_pickling():
    for error in (RLEError("a problem", 3), RLEError("a problem")):
        copy = pickle.loads(pickle.dumps(error))
        assert (str(copy), copy.index, copy.problem) == (str(error), error.index, error.problem)


def test_empty_batch():
    runs = parse([], height=2, width=3)
    assert (runs.lengths.tolist(), runs.offsets.tolist(), len(runs), format_runs(runs)) == (
        [],
        [0],
        0,
        [],
    )


@pytest.mark.parametrize(
    ("height", "width", "counts", "lengths"),
    [
        (2, 3, "6", [6]),
        (2, 3, "06", [0, 6]),
        (2, 3, "1121", [1, 1, 2, 2]),
        (1, 1, "01", [0, 1]),
        # The third run stands raw, later ones as differences of either sign and of up to three
        # bytes.
        (10, 10, "14R1NM1J", [1, 4, 34, 2, 31, 3, 25]),
        (40, 50, "X61Wo0oh0", [200, 1, 999, 800]),
        (40, 50, "0l^11RbN4b=", [0, 1500, 1, 30, 5, 464]),
    ],
)
def test_fixed_vectors_of_pycocotools(height, width, counts, lengths):
    runs = parse([counts], height=height, width=width)
    assert runs.lengths.tolist() == lengths
    assert format_runs(runs) == [counts]


@pytest.mark.parametrize(
    ("lengths", "offsets", "message"),
    [
        ([3, 0, 3], [0, 3], f"mask 0: run 1 is 0, {NO_EMPTY_RUN}"),
        ([6, 6, 1], [0, 1, 3], f"mask 1: the runs sum to 7, wanted 6 = 2 x 3 pixels. {WRONG_SIZE}"),
        ([6, 6], [0, 1, 1, 2], "mask 1: no run at all, wanted runs that sum to 6 pixels. One run "
                               "of background is the empty mask."),
    ],
)  # fmt: skip
def test_format_refuses_runs_that_no_string_stands_for(lengths, offsets, message):
    with pytest.raises(RLEError) as caught:
        format_runs(Runs(np.array(lengths), np.array(offsets), 2, 3))
    assert str(caught.value) == message


def judged_alike(reference_parse, counts, *, height, width):
    """Both parsers accept with the same runs, alone and between neighbours, or both refuse. True
    when they accept.
    """
    neighbour = format_runs(Runs(np.array([height * width]), np.array([0, 1]), height, width))
    try:
        expected = reference_parse(counts, height=height, width=width)
    except ValueError:
        for batch, index in (([counts], 0), ([*neighbour, counts, *neighbour], 1)):
            with pytest.raises(RLEError) as caught:
                parse(batch, height=height, width=width)
            assert caught.value.index == index
        return False
    assert parse([counts], height=height, width=width).lengths.tolist() == expected
    runs = parse([*neighbour, counts, *neighbour], height=height, width=width)
    assert runs.lengths.tolist() == [height * width, *expected, height * width]
    assert format_runs(runs) == [*neighbour, counts, *neighbour]
    return True


def test_all_strings_of_two_bytes_are_judged_as_by_the_slow_parser(reference_parse):
    alphabet = [chr(code) for code in range(47, 113)]
    strings = [a + b for a in ["", *alphabet] for b in alphabet]
    accepted = sum(judged_alike(reference_parse, string, height=5, width=4) for string in strings)
    # the empty mask, and one switch after 5 to 15 pixels: 15 is the largest number of one byte
    assert accepted == 12


def test_short_strings_of_telling_bytes_are_judged_as_by_the_slow_parser(reference_parse):
    telling = "012?@NOPQo"
    for size in (3, 4):
        for letters in itertools.islice(
            itertools.product(telling, repeat=size), 0, None, 1 if size == 3 else 11
        ):
            judged_alike(reference_parse, "".join(letters), height=2, width=2)


def changed_bits(text, place, bit):
    return text[:place] + chr((ord(text[place]) - 48 ^ bit) + 48) + text[place + 1 :]


def moved_pixel(text, place):
    """One pixel more in a run and one less in the run two behind, more or less: most of these keep
    the sum.
    """
    part = [
        chr(min(ord(c) + d, 111)) for c, d in zip(text[place : place + 3], (1, 0, -1), strict=False)
    ]
    return text[:place] + "".join(part) + text[place + 3 :]


MUTATIONS = {
    "replace": lambda rng, s, i: s[:i] + chr(rng.randrange(46, 114)) + s[i + 1 :],
    "delete": lambda rng, s, i: s[:i] + s[i + 1 :],
    "insert": lambda rng, s, i: s[:i] + chr(rng.randrange(46, 114)) + s[i:],
    "cut": lambda rng, s, i: s[:i],
    "swap": lambda rng, s, i: s[:i] + s[i : i + 2][::-1] + s[i + 2 :],
    "repeat": lambda rng, s, i: s[: i + 1] + s[i:],
    "flip the continuation bit": lambda rng, s, i: (
        changed_bits(s, i, 32) if 48 <= ord(s[i]) < 112 else s
    ),
    "flip the sign bit": lambda rng, s, i: changed_bits(s, i, 16) if 48 <= ord(s[i]) < 112 else s,
    "move one pixel between runs": lambda rng, s, i: moved_pixel(s, i),
    "pad a number": lambda rng, s, i: s[:i] + chr((ord(s[i]) - 48 | 32) + 48) + "0" + s[i + 1 :],
}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_damaged_strings_are_judged_as_by_the_slow_parser(reference_parse, mutation):
    rng = random.Random(mutation)
    bits = np.random.default_rng(7)
    for _ in range(400):
        height, width = rng.randint(1, 40), rng.randint(1, 40)
        [counts] = encode(bits.random((1, height, width)) < rng.choice([0.02, 0.3, 0.98]))
        damaged = counts
        for _ in range(rng.choice([1, 1, 2])):
            damaged = (
                MUTATIONS[mutation](rng, damaged, rng.randrange(len(damaged)))
                if damaged
                else damaged
            )
        judged_alike(reference_parse, damaged, height=height, width=width)


@settings(deadline=None, max_examples=300)
@given(
    counts=st.lists(
        st.text(st.characters(min_codepoint=46, max_codepoint=113), max_size=12), max_size=4
    ),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
def test_any_text_is_judged_as_by_the_slow_parser(reference_parse, counts, height, width):
    for string in counts:
        judged_alike(reference_parse, string, height=height, width=width)


@settings(deadline=None, max_examples=200)
@given(
    data=st.data(), height=st.integers(1, 3000), width=st.integers(1, 3000), count=st.integers(1, 5)
)
def test_any_runs_survive_the_string(reference_parse, data, height, width, count):
    """Runs of all lengths, so numbers of one to five bytes and differences of either sign."""
    lengths, offsets = [], [0]
    for _ in range(count):
        cuts = data.draw(st.sets(st.integers(0, height * width - 1), max_size=12))
        bounds = [0, *sorted(cuts), height * width]
        lengths += np.diff(bounds).tolist()
        offsets.append(len(lengths))
    counts = format_runs(Runs(np.array(lengths), np.array(offsets), height, width))
    runs = parse(counts, height=height, width=width)
    assert runs.lengths.tolist() == lengths
    assert runs.offsets.tolist() == offsets
    assert [reference_parse(string, height=height, width=width) for string in counts] == [
        lengths[start:stop] for start, stop in itertools.pairwise(offsets)
    ]


@settings(deadline=None, max_examples=100)
@given(
    masks=hnp.arrays(np.bool_, st.tuples(st.integers(1, 6), st.integers(1, 20), st.integers(1, 20)))
)
def test_a_batch_holds_what_its_masks_hold(reference_parse, masks):
    _, height, width = masks.shape
    counts = encode(masks)
    runs = parse(counts, height=height, width=width)
    expected = [reference_parse(string, height=height, width=width) for string in counts]
    assert [runs.lengths[a:b].tolist() for a, b in itertools.pairwise(runs.offsets)] == expected
