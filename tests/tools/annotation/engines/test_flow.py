"""The engine without a model: what it finds, what it propagates, what it refuses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from brokenvideos.tools.annotation.engines import Click, Engine, Prompt, make_engine
from brokenvideos.tools.annotation.engines.regions import overlap

pytest.importorskip(
    "cv2", reason="opencv-python-headless is not installed: pip install '.[annotate]'"
)


@pytest.fixture
def engine(film: Any) -> Engine:
    engine = make_engine("flow")
    engine.open(film.frames)
    return engine


def test_a_box_finds_the_object(engine: Engine, film: Any) -> None:
    mask = engine.prompt(film.box(3))
    assert mask.dtype == np.bool_
    assert overlap(mask, film.truth[3]) > 0.9


def test_one_click_finds_the_object(engine: Engine, film: Any) -> None:
    y, x = np.argwhere(film.truth[3]).mean(axis=0)
    assert overlap(engine.prompt(Prompt(1, 3, clicks=(Click(x, y),))), film.truth[3]) > 0.6


def test_a_click_away_from_the_mask_takes_back_what_is_there(engine: Engine, film: Any) -> None:
    ys, xs = np.nonzero(film.truth[3])
    x0, y0, x1, y1 = float(xs.min()), float(ys.min()), float(xs.max()) + 1, float(ys.max()) + 1
    wide = Prompt(1, 3, mask=np.zeros_like(film.truth[3]))
    wide.mask[int(y0) : int(y1), int(x0) : int(x1) + 25] = True
    click = Click(x1 + 12, (y0 + y1) / 2, positive=False)
    corrected = engine.prompt(Prompt(1, 3, clicks=(click,), mask=wide.mask))
    assert not corrected[int(click.y), int(click.x)]
    assert overlap(corrected, film.truth[3]) > overlap(wide.mask, film.truth[3]) + 0.1


@pytest.mark.parametrize(("first", "last"), [(0, 11), (11, 0)])
def test_masks_are_propagated_both_ways(engine: Engine, film: Any, first: int, last: int) -> None:
    engine.prompt(film.box(first))
    found = {frame: mask for frame, _, mask in engine.propagate([1], first=first, last=last)}
    step = 1 if first < last else -1
    assert list(found) == [frame for frame in range(first, last + step, step) if frame != first]
    assert min(overlap(mask, film.truth[frame]) for frame, mask in found.items()) > 0.85


def test_an_object_that_jumps_is_found_again(make_film: Callable[..., Any]) -> None:
    film = make_film([(5, 5), (90, 60), (8, 50), (60, 10)])
    engine = make_engine("flow")
    engine.open(film.frames)
    engine.prompt(film.box(0))
    for frame, _, mask in engine.propagate([1], first=0, last=3):
        assert overlap(mask, film.truth[frame]) > 0.85, frame


def test_an_empty_mask_ends_the_object(engine: Engine, film: Any) -> None:
    engine.prompt(film.box(0))
    engine.prompt(Prompt(1, 5, mask=np.zeros_like(film.truth[0])))
    found = {frame: mask for frame, _, mask in engine.propagate([1], first=0, last=8)}
    assert [bool(found[frame].any()) for frame in (1, 2, 6, 7, 8)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_frames_between_two_marked_ones_lean_on_both(engine: Engine, film: Any) -> None:
    drawn = np.roll(film.truth[0], 12, axis=1)  # what frame 0 says is wrong on purpose
    engine.prompt(Prompt(1, 0, mask=drawn))
    alone = {frame: mask for frame, _, mask in engine.propagate([1], first=1, last=5)}
    engine.prompt(Prompt(1, 6, mask=film.truth[6]))
    both = {frame: mask for frame, _, mask in engine.propagate([1], first=1, last=5)}
    assert overlap(both[5], film.truth[5]) > overlap(alone[5], film.truth[5]) + 0.2


def test_a_range_may_lie_away_from_the_marked_frame(engine: Engine, film: Any) -> None:
    engine.prompt(film.box(2))
    found = {frame: mask for frame, _, mask in engine.propagate([1], first=6, last=8)}
    assert sorted(found) == [6, 7, 8]
    assert overlap(found[8], film.truth[8]) > 0.85


def test_large_frames_are_worked_on_small_and_masks_come_back_large(
    make_film: Callable[..., Any],
) -> None:
    film = make_film([(200, 180), (230, 200)], height=720, width=1280, side=240)
    engine = make_engine("flow")
    engine.open(film.frames)
    assert overlap(engine.prompt(film.box(0)), film.truth[0]) > 0.9
    for _, _, mask in engine.propagate([1], first=0, last=1):
        assert overlap(mask, film.truth[1]) > 0.9


def test_the_pixels_that_clicks_leave_alone_stay(make_film: Callable[..., Any]) -> None:
    film = make_film([(200, 180)], height=720, width=1280, side=240)
    engine = make_engine("flow")
    engine.open(film.frames)
    drawn = film.truth[0].copy()
    drawn[180:420:2, 200] = False  # too fine for the working size
    drawn[300:420, 440:520] = True
    mask = engine.prompt(Prompt(1, 0, clicks=(Click(480, 360, positive=False),), mask=drawn))
    assert not mask[360, 480]
    np.testing.assert_array_equal(mask[190:280, 195:210], drawn[190:280, 195:210])


def test_the_log_is_told_what_answered(engine: Engine) -> None:
    import cv2

    assert engine.facts["engine"] == "flow"
    assert engine.facts["opencv"] == cv2.__version__
    assert set(engine.facts) == {"engine", "method", "opencv", "resize", "device"}


def test_a_line_too_thin_for_the_working_size_is_propagated(make_film: Callable[..., Any]) -> None:
    film = make_film([(200, 180), (200, 180)], height=720, width=1280, side=240)
    engine = make_engine("flow")
    engine.open(film.frames)
    line = np.zeros_like(film.truth[0])
    line[200:400, 301] = True
    engine.prompt(Prompt(1, 0, mask=line))
    [(_, _, mask)] = engine.propagate([1], first=0, last=1)
    assert mask.any()
