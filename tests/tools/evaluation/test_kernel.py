"""The packed counts against a plain reading of the formulas."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from brokenvideos.masks import encode, parse
from brokenvideos.tools.evaluation.counts import FIELDS, count_bitmaps, count_strings
from brokenvideos.tools.evaluation.kernel import boundary_radius, count_planes
from brokenvideos.tools.evaluation.overlap import areas, foreground, intersections

BoolArray = npt.NDArray[np.bool_]


def plain_boundary(mask: BoolArray) -> BoolArray:
    """A pixel that differs from its right, lower or lower right neighbour; beyond the image lies a
    copy of its edge.
    """
    padded = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    here = padded[:-1, :-1]
    return (here != padded[1:, :-1]) | (here != padded[:-1, 1:]) | (here != padded[1:, 1:])


def plain_grow(mask: BoolArray, radius: int) -> BoolArray:
    grown = np.zeros_like(mask)
    height, width = mask.shape
    for y, x in np.argwhere(mask).tolist():
        rows, columns = np.ogrid[:height, :width]
        grown |= (rows - y) ** 2 + (columns - x) ** 2 <= radius * radius
    return grown


def plain_counts(truth: BoolArray, pred: BoolArray, radius: int) -> tuple[int, ...]:
    a, b = plain_boundary(truth), plain_boundary(pred)
    found = (a, b, a & plain_grow(b, radius), b & plain_grow(a, radius))
    return tuple(int(plane.sum()) for plane in found)


@pytest.mark.parametrize("radius", [1, 2, 5, 9, 18, 36, 70])
def test_the_grown_point_is_the_disk(radius: int) -> None:
    side = 2 * radius + 40
    truth = np.zeros((side, side), np.uint8)
    truth[side // 2 :, side // 2 :] = 1  # one corner of boundary pixels
    for shift in (0, 1, radius - 1, radius, radius + 1):
        pred = np.zeros_like(truth)
        pred[side // 2 + shift :, side // 2 - shift :] = 1
        found = count_planes(truth, pred, 0, side, radius=radius)
        assert found[3:] == plain_counts(truth.T > 0, pred.T > 0, radius)


@pytest.mark.parametrize(
    ("first", "last"),
    [(0, 1), (0, 24), (7, 9), (23, 24), (40, 180), (150, 200), (191, 200), (199, 200)],
)
def test_counts_equal_the_formulas_where_bands_end(first: int, last: int) -> None:
    """Masks of which lines are cut at every place of a band, at both edges of the frame and away
    from them.
    """
    stream = np.random.default_rng(last)
    for radius, left, right in ((1, 0, 30), (3, 5, 24), (9, 20, 30)):
        truth, pred = np.zeros((2, 200, 30), np.uint8)
        for plane in (truth, pred):
            plane[first:last, left:right] = stream.random((last - first, right - left)) < 0.7
        found = count_planes(truth, pred, first, last, radius=radius)
        wanted = (
            truth.sum(),
            pred.sum(),
            (truth & pred).sum(),
            *plain_counts(truth.T > 0, pred.T > 0, radius),
        )
        assert found == tuple(int(value) for value in wanted)


@pytest.mark.parametrize("seed", range(12))
def test_counts_equal_the_formulas_for_any_size(
    seed: int, random_masks: Callable[..., BoolArray]
) -> None:
    stream = np.random.default_rng(seed)
    height, width = (int(side) for side in stream.integers(1, 70, 2))
    truth, pred = random_masks(stream, 3, height, width), random_masks(stream, 3, height, width)
    found = count_bitmaps(truth, pred)
    for index in range(3):
        wanted = (
            int(truth[index].sum()),
            int(pred[index].sum()),
            int((truth[index] & pred[index]).sum()),
            *plain_counts(truth[index], pred[index], boundary_radius(height, width)),
        )
        assert tuple(int(getattr(found, name)[index]) for name in FIELDS) == wanted


@pytest.mark.parametrize("seed", range(12))
def test_strings_bitmaps_and_tensors_give_equal_counts(
    seed: int, random_masks: Callable[..., BoolArray]
) -> None:
    torch = pytest.importorskip("torch")
    from brokenvideos.tools.evaluation.device import count_tensors

    stream = np.random.default_rng(100 + seed)
    height, width = (int(side) for side in stream.integers(1, 150, 2))
    truth, pred = random_masks(stream, 5, height, width), random_masks(stream, 5, height, width)
    by_bitmap = count_bitmaps(truth, pred)
    by_string = count_strings(
        encode(truth), encode(pred), frames=range(5), height=height, width=width
    )
    by_tensor = count_tensors(torch.from_numpy(truth), torch.from_numpy(pred))
    for name in ("frames", *FIELDS):
        wanted = getattr(by_bitmap, name).tolist()
        assert getattr(by_string, name).tolist() == wanted, name
        assert getattr(by_tensor, name).tolist() == wanted, name


@pytest.mark.gpu
def test_a_gpu_gives_equal_counts(random_masks: Callable[..., BoolArray]) -> None:
    import torch

    from brokenvideos.tools.evaluation.device import count_tensors

    stream = np.random.default_rng(7)
    truth, pred = random_masks(stream, 20, 480, 854), random_masks(stream, 20, 480, 854)
    wanted = count_bitmaps(truth, pred)
    found = count_tensors(torch.from_numpy(truth).cuda(), torch.from_numpy(pred).cuda())
    for name in FIELDS:
        assert getattr(found, name).tolist() == getattr(wanted, name).tolist(), name


def test_4k_frames() -> None:
    truth, pred = np.zeros((2, 1, 2160, 3840), np.bool_)
    truth[0, 500:900, 1000:2000] = True
    pred[0, 480:890, 1030:1990] = True
    assert boundary_radius(2160, 3840) == 36
    found = count_bitmaps(truth, pred)
    assert found.both_px[0] == 390 * 960
    assert found.f().tolist() == [1.0]
    assert found.j()[0] == pytest.approx(390 * 960 / (400 * 1000 + 410 * 960 - 390 * 960))


def test_the_radius_is_that_of_davis() -> None:
    sizes = [(480, 854), (480, 910), (720, 1280), (1080, 1920), (2160, 3840), (1, 1)]
    assert [boundary_radius(*size) for size in sizes] == [8, 9, 12, 18, 36, 1]
    # ceil(0.008 * 5 * 25): the product of an exact diagonal may lie above a whole number.
    assert boundary_radius(75, 100) == math.ceil(0.008 * 125.0) == 1


def test_areas_and_intersections_come_from_runs(random_masks: Callable[..., BoolArray]) -> None:
    masks = random_masks(np.random.default_rng(5), 40, 33, 47)
    others = random_masks(np.random.default_rng(6), 40, 33, 47)
    runs, other_runs = (
        foreground(parse(encode(stack), height=33, width=47)) for stack in (masks, others)
    )
    assert areas(runs).tolist() == masks.sum(axis=(1, 2)).tolist()
    assert intersections(runs, other_runs).tolist() == (masks & others).sum(axis=(1, 2)).tolist()


def test_no_mask_has_no_pixel() -> None:
    runs = foreground(parse([], height=4, width=5))
    assert (areas(runs).tolist(), intersections(runs, runs).tolist()) == ([], [])
    empty = np.zeros((5, 4), np.uint8)
    assert (
        count_planes(empty, empty, 0, 0, radius=1)
        == count_planes(empty, empty, 0, 5, radius=1)
        == (0,) * 7
    )
