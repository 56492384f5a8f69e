"""Predictions that know nothing."""

import numpy as np
import pytest

from brokenvideos.masks import decode, encode
from brokenvideos.tools.evaluation.floors import GRID, centre_box, mean_mask, sum_masks
from brokenvideos.tools.evaluation.truth import AnnotatedVideo, Masklet


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (48, 64), (7, 9)])
def test_the_centre_box_is_the_middle_half(height: int, width: int) -> None:
    box = decode([centre_box(height, width)], height=height, width=width)[0]
    assert box.any()
    assert np.array_equal(box, box[::-1, ::-1])
    if height % 4 == 0 and width % 4 == 0:
        assert box.sum() == height * width // 4


def video(masks: np.ndarray) -> AnnotatedVideo:
    count, height, width = masks.shape
    return AnnotatedVideo(
        video_id="a",
        split="train",
        generator="x",
        height=height,
        width=width,
        num_frames=count,
        frames=tuple(range(count)),
        masklets=(Masklet(1, "blur", dict(enumerate(encode(masks)))),),
    )


@pytest.mark.parametrize("size", [(128, 192), (100, 90), (20, 30)])
def test_the_mean_mask_lies_where_the_masks_do(size: tuple[int, int]) -> None:
    masks = np.zeros((8, *size), np.bool_)
    masks[:, : size[0] // 2, : size[1] // 2] = True
    masks[0, -3:] = True
    found = mean_mask([sum_masks(iter([video(masks)])), sum_masks(iter([video(masks)]))])
    assert found is not None
    assert found.cells[: GRID // 2 - 4, : GRID // 2 - 4].all()
    pixels = decode([found.counts(*size)], height=size[0], width=size[1])[0]
    assert pixels.mean() == pytest.approx(masks.mean(), abs=0.08)


def test_without_a_mask_there_is_no_mean() -> None:
    assert mean_mask([]) is None
    assert mean_mask([sum_masks(iter([]))]) is None
