"""Brushes of Label Studio, against what its own converter makes of a picture and against our
reader.
"""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from brokenvideos.builder.export.brush import encode_brush
from brokenvideos.builder.layouts.label_studio import decode_brush
from tests.label_studio_brush import PICTURE, RLE


def test_the_bytes_are_those_of_the_sdk() -> None:
    assert (
        encode_brush(np.array([[int(pixel) for pixel in row] for row in PICTURE], np.uint8)) == RLE
    )


@given(st.integers(1, 9), st.integers(1, 9), st.randoms(use_true_random=False))
def test_what_is_written_is_read(height: int, width: int, random) -> None:
    bitmap = np.array(
        [[random.random() < 0.4 for _ in range(width)] for _ in range(height)], np.uint8
    )
    assert np.array_equal(decode_brush(encode_brush(bitmap), height=height, width=width), bitmap)


@pytest.mark.parametrize("value", [0, 1])
def test_a_run_longer_than_the_longest_class(value: int) -> None:
    bitmap = np.full((200, 300), value, np.uint8)
    bitmap[-1, -1] = 1
    assert np.array_equal(decode_brush(encode_brush(bitmap), height=200, width=300), bitmap)
