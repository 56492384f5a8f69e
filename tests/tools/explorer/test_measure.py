"""Numbers of masks from their runs alone, against the decoded pixels."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from brokenvideos.frames import orientation_of_rotation, to_displayed
from brokenvideos.masks import decode_masks, encode, parse
from brokenvideos.sampling import find_row
from brokenvideos.tools.explorer.measure import (
    TIME_BINS,
    _displayed,
    frame_areas,
    measured,
    moments,
)
from brokenvideos.tools.explorer.open_source import open_source


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_moments_are_those_of_the_pixels(seed: int, height: int, width: int, number: int) -> None:
    masks = np.random.default_rng(seed).random((number, height, width)) < 0.5
    pixels, columns, rows = moments(parse(encode(masks), height=height, width=width))
    for place, mask in enumerate(masks):
        y, x = np.nonzero(mask)
        assert (pixels[place], columns[place], rows[place]) == (len(x), x.sum(), y.sum())


def test_a_video_in_numbers(release: Path) -> None:
    source = open_source(str(release))
    for listed in source.videos:
        row = find_row(str(release), listed.video_id)
        union = decode_masks(row)
        found = measured(source.show(listed.video_id))
        areas = union.sum((1, 2))
        marked = np.flatnonzero(areas)
        assert found.marked_frames == len(marked)
        assert found.area == areas.max() / union[0].size
        assert found.worst == (int(areas.argmax()) if len(marked) else None)
        assert found.times == sum(
            1 << place for place in {frame * TIME_BINS // len(union) for frame in marked}
        )
        assert found.label == ("broken" if len(marked) else "normal")
        assert frame_areas(source.show(listed.video_id)) == {
            int(frame): int(areas[frame]) for frame in marked
        }
        by_object = decode_masks(row, by="object")
        expected = []
        for plane in range(by_object.shape[1]):
            _, y, x = np.nonzero(by_object[:, plane])
            expected.append(((x.mean() + 0.5) / row["width"], (y.mean() + 0.5) / row["height"]))
        np.testing.assert_allclose(
            np.reshape(found.centres, (-1, 2)), np.reshape(expected, (-1, 2))
        )


@pytest.mark.parametrize("rotation", [0, 90, 180, 270, 360, 450, 540, 630])
def test_a_centre_is_turned_as_its_picture_is(rotation: int) -> None:
    stored = np.zeros((6, 10), np.uint8)
    stored[1, 7] = 1
    shown = to_displayed(stored, orientation_of_rotation(rotation))
    ((y, x),) = np.argwhere(shown)
    assert _displayed(7.5 / 10, 1.5 / 6, rotation) == pytest.approx(
        ((x + 0.5) / shown.shape[1], (y + 0.5) / shown.shape[0])
    )
