"""What every engine keeps of the protocol, whatever its masks are worth."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from brokenvideos.tools.annotation.engines import ENGINES, Click, Engine, EngineError, Prompt
from tests.tools.annotation.engines.conftest import OF_THE_DOCS


@pytest.fixture(params=[*ENGINES, OF_THE_DOCS])
def opened(
    request: pytest.FixtureRequest, new_engine: Callable[[str], Engine], film: Any
) -> Callable[[], Engine]:
    """Makes engines of one kind, with `film` open."""

    def make() -> Engine:
        engine = new_engine(request.param)
        engine.open(film.frames)
        return engine

    return make


@pytest.fixture
def engine(opened: Callable[[], Engine]) -> Engine:
    return opened()


def test_a_mask_has_the_size_of_the_frames(engine: Engine, film: Any) -> None:
    mask = engine.prompt(film.box(3))
    assert (mask.dtype, mask.shape) == (np.bool_, (96, 128))


def test_the_answer_does_not_depend_on_the_way_there(
    opened: Callable[[], Engine], film: Any
) -> None:
    stepwise, at_once = opened(), opened()
    clicks = (Click(30, 40), Click(5, 5, positive=False))
    for count in range(3):
        mask = stepwise.prompt(Prompt(1, 3, clicks=clicks[:count], box=film.box(3).box))
    whole = Prompt(1, 3, clicks=clicks, box=film.box(3).box)
    np.testing.assert_array_equal(mask, at_once.prompt(whole))
    # An undone click leaves no trace, nor does what was said about other frames and objects.
    at_once.prompt(Prompt(1, 3, clicks=(*clicks, Click(60, 60)), box=film.box(3).box))
    at_once.prompt(film.box(5))
    at_once.prompt(film.box(3, object_id=2))
    list(at_once.propagate([1], first=3, last=8))
    np.testing.assert_array_equal(mask, at_once.prompt(whole))


def test_clicks_can_start_from_a_mask(engine: Engine, film: Any) -> None:
    alone = engine.prompt(Prompt(1, 3, clicks=(Click(100, 80),)))
    started = engine.prompt(Prompt(1, 3, clicks=(Click(100, 80),), mask=film.truth[3]))
    assert (alone != started).any()


def test_a_persons_mask_comes_back_as_it_is_and_is_never_given_again(
    engine: Engine, film: Any
) -> None:
    drawn = np.zeros_like(film.truth[0])
    drawn[40:47, 50:61] = True
    mask = engine.prompt(Prompt(1, 5, mask=drawn))
    np.testing.assert_array_equal(mask, drawn)
    mask[:] = True  # nobody else's memory
    assert drawn.sum() == 77
    engine.prompt(film.box(0))
    assert [frame for frame, _, _ in engine.propagate([1], first=0, last=8)] == [
        1,
        2,
        3,
        4,
        6,
        7,
        8,
    ]
    assert [frame for frame, _, _ in engine.propagate([1], first=8, last=0)] == [4, 3, 2, 1]


def test_a_mask_after_clicks_stands(engine: Engine, film: Any) -> None:
    engine.prompt(film.box(0))
    list(engine.propagate([1], first=0, last=8))
    np.testing.assert_array_equal(engine.prompt(Prompt(1, 4, mask=film.truth[4])), film.truth[4])
    assert [frame for frame, _, _ in engine.propagate([1], first=3, last=6)] == [3, 5, 6]


def test_a_correction_on_a_propagated_frame_sticks_and_changes_what_comes_after(
    engine: Engine, film: Any
) -> None:
    engine.prompt(film.box(0))
    before = {frame: mask for frame, _, mask in engine.propagate([1], first=0, last=8)}
    engine.prompt(Prompt(1, 4, mask=np.roll(film.truth[4], 40, axis=0)))
    after = {frame: mask for frame, _, mask in engine.propagate([1], first=4, last=8)}
    assert sorted(after) == [5, 6, 7, 8]
    assert (before[5] != after[5]).any()


def test_objects_come_in_step_and_one_can_join_later(engine: Engine, film: Any) -> None:
    engine.prompt(film.box(0, object_id=1))
    list(engine.propagate([1], first=0, last=4))
    engine.prompt(film.box(2, object_id=2))
    found = [
        (frame, object_id) for frame, object_id, _ in engine.propagate([1, 2], first=0, last=4)
    ]
    assert found == [(1, 1), (2, 1), (3, 1), (3, 2), (4, 1), (4, 2)]


def test_one_object_is_nothing_to_another(opened: Callable[[], Engine], film: Any) -> None:
    alone, together = opened(), opened()
    alone.prompt(film.box(5))
    together.prompt(film.box(9, object_id=2))
    together.prompt(film.box(5))
    list(together.propagate([2], first=9, last=4))
    expected = [mask for _, _, mask in alone.propagate([1], first=5, last=11)]
    found = [
        mask
        for _, object_id, mask in together.propagate([1, 2], first=5, last=11)
        if object_id == 1
    ]
    np.testing.assert_array_equal(found, expected)


def test_a_cancelled_run_reads_no_further_and_can_be_run_again(
    opened: Callable[[], Engine], film: Any
) -> None:
    whole, broken = opened(), opened()
    for engine in (whole, broken):
        engine.prompt(film.box(0))
    expected = [mask for _, _, mask in whole.propagate([1], first=0, last=7)]
    film.frames.asked.clear()
    run = broken.propagate([1], first=0, last=7)
    first = [next(run)[2], next(run)[2]]
    run.close()
    assert max(film.frames.asked, default=0) <= 3  # an engine may need no pictures
    rest = [mask for _, _, mask in broken.propagate([1], first=3, last=7)]
    np.testing.assert_array_equal([*first, *rest], expected)
    again = [mask for _, _, mask in broken.propagate([1], first=0, last=7)]
    np.testing.assert_array_equal(again, expected)


def test_a_range_may_lie_away_from_the_marked_frame(
    opened: Callable[[], Engine], film: Any
) -> None:
    near, far = opened(), opened()
    for engine in (near, far):
        engine.prompt(film.box(2))
    expected = [found for found in near.propagate([1], first=2, last=8) if found[0] >= 6]
    found = list(far.propagate([1], first=6, last=8))
    assert [frame for frame, _, _ in found] == [6, 7, 8]
    np.testing.assert_array_equal([mask for _, _, mask in found], [mask for _, _, mask in expected])


def test_what_is_forgotten_is_not_propagated(opened: Callable[[], Engine], film: Any) -> None:
    engine, untouched = opened(), opened()
    for other in (engine, untouched):
        other.prompt(film.box(0))
    engine.prompt(film.box(6))
    engine.prompt(film.box(3, object_id=2))
    engine.forget(1, frame_index=6)
    engine.forget(1, frame_index=7)
    engine.forget(2)
    engine.forget(3)
    found = [(frame, mask) for frame, _, mask in engine.propagate([1], first=0, last=8)]
    assert [frame for frame, _ in found] == list(range(1, 9))
    expected = [mask for _, _, mask in untouched.propagate([1], first=0, last=8)]
    np.testing.assert_array_equal([mask for _, mask in found], expected)
    with pytest.raises(EngineError):
        engine.propagate([2], first=3, last=8)


def test_a_refused_prompt_and_a_refused_range_change_nothing(engine: Engine, film: Any) -> None:
    engine.prompt(film.box(4))
    for refused in (
        Prompt(1, 99, clicks=(Click(1, 1),)),
        Prompt(1, 4),
        Prompt(0, 4, clicks=(Click(1, 1),)),
    ):
        with pytest.raises(EngineError):
            engine.prompt(refused)
    with pytest.raises(EngineError):
        engine.propagate([1], first=0, last=3)
    assert [frame for frame, _, _ in engine.propagate([1], first=4, last=6)] == [5, 6]


def test_a_frame_that_was_prepared_is_not_read_again(engine: Engine, film: Any) -> None:
    engine.prepare(7)
    film.frames.asked.clear()
    engine.prompt(film.box(7))
    engine.prompt(film.box(7, object_id=2))
    assert film.frames.asked == []


def test_nothing_is_known_of_the_video_before(
    engine: Engine, film: Any, make_film: Callable[..., Any]
) -> None:
    engine.prompt(film.box(0))
    other = make_film([(10, 10), (12, 10)], height=64, width=80)
    engine.open(other.frames)
    assert engine.prompt(other.box(0)).shape == (64, 80)
    engine.forget(1)
    with pytest.raises(EngineError):
        engine.propagate([1], first=0, last=1)


def test_nothing_is_open_after_close(engine: Engine, film: Any) -> None:
    engine.close()
    engine.close()
    for call in (
        lambda: engine.prompt(film.box(0)),
        lambda: engine.prepare(0),
        lambda: engine.propagate([1], first=0, last=1),
    ):
        with pytest.raises(EngineError) as caught:
            call()
        assert str(caught.value) == "no video is open. Open one first."
    engine.open(film.frames)
    engine.prompt(film.box(0))


def test_the_log_is_told_what_answered(engine: Engine) -> None:
    assert engine.facts["engine"] in (*ENGINES, OF_THE_DOCS)
    assert {"engine", "resize", "device"} <= set(engine.facts)
    assert all(isinstance(fact, str) and fact for fact in engine.facts.values())
