"""Which values a label map has: found where values change, equal to counting every pixel."""

import numpy as np
import pytest

from brokenvideos.builder.raw import label_values


@pytest.mark.parametrize(
    "labels",
    [
        np.zeros((3, 4), np.uint16),
        np.full((2, 2), 65_535, np.uint16),
        np.array([[7]], np.uint16),
        np.array([[0, 0], [0, 300]], np.uint16),
        np.array([[5, 0], [0, 0]], np.uint16),
        np.arange(12, dtype=np.uint16).reshape(3, 4)[::-1],
        np.asfortranarray(np.tile(np.array([0, 1, 255], np.uint16), (5, 2))),
        np.random.default_rng(0).integers(0, 40, (30, 50)).astype(np.uint16),
    ],
)
def test_values_are_those_of_every_pixel(labels: np.ndarray) -> None:
    assert label_values(labels) == np.unique(labels).tolist()


def test_a_map_without_a_pixel_has_no_value() -> None:
    assert label_values(np.zeros((0, 5), np.uint16)) == []
