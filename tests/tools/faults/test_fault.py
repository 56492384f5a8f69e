"""Faults that are made on purpose: where they are is marked exactly, and a seed says everything."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from brokenvideos.masks import ARTIFACT_TYPES
from brokenvideos.tools.faults import OPERATIONS, add_fault, operations_without
from brokenvideos.tools.faults.fault import LEAST_SHARE, VISIBLE_LEVELS
from brokenvideos.tools.synthetic import make_scene, render

NAMES = [operation.name for operation in OPERATIONS]


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    """uint8[8, 48, 64, 3] of a moving scene."""
    scene = make_scene(
        np.random.default_rng(3), height=48, width=64, num_frames=8, generator="synth-a"
    )
    return render(scene, ()).frames


def only(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    chosen = tuple(operation for operation in OPERATIONS if operation.name == name)
    monkeypatch.setattr("brokenvideos.tools.faults.operations.OPERATIONS", chosen)


def require_exact(before: np.ndarray, seed: int) -> None:
    given = before.copy()
    found = add_fault(before, seed=seed)
    assert np.array_equal(before, given)
    assert (found.frames.shape, found.frames.dtype) == (before.shape, np.uint8)
    assert (found.masks.shape, found.masks.dtype) == (before.shape[:3], np.bool_)
    changed = (found.frames != before).any(axis=-1)
    assert not (changed & ~found.masks).any()
    assert found.masks.any() == (found.operation is not None)
    for mask, frame, was in zip(found.masks, found.frames, before, strict=True):
        if mask.any():
            assert mask.mean() >= LEAST_SHARE
            shows = np.abs(frame.astype(int) - was).max(axis=-1) >= VISIBLE_LEVELS
            assert shows[mask].mean() > 0.25


@pytest.mark.parametrize("name", NAMES)
def test_outside_the_mask_nothing_changes_and_inside_it_shows(
    clip: np.ndarray, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(monkeypatch, name)
    made = [add_fault(clip, seed=seed).operation for seed in range(4)]
    assert sum(operation is not None for operation in made) >= 3
    for seed in range(4):
        require_exact(clip, seed)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(0, 4), st.integers(16, 40), st.integers(16, 40)),
    level=st.sampled_from([0, 128, 255, None]),
)
def test_masks_are_exact_on_any_frames(
    seed: int, shape: tuple[int, int, int], level: int | None
) -> None:
    rng = np.random.default_rng(seed)
    frames = rng.integers(0, 256, (*shape, 3)) if level is None else np.full((*shape, 3), level)
    require_exact(frames.astype(np.uint8), seed)


def test_a_seed_says_everything(clip: np.ndarray) -> None:
    one, same, other = (add_fault(clip, seed=seed) for seed in (7, 7, 8))
    assert np.array_equal(one.frames, same.frames)
    assert np.array_equal(one.masks, same.masks)
    assert one.operation == same.operation
    assert not np.array_equal(one.masks, other.masks)


def test_what_cannot_be_seen_is_no_fault() -> None:
    grey = np.full((1, 20, 20, 3), 128, np.uint8)
    dull = {"cut-paste", "poisson", "blur", "coarse", "warp", "sharpen"}
    found = {
        fault.operation.name
        for seed in range(30)
        if (fault := add_fault(grey, seed=seed)).operation
    }
    assert found
    assert not found & dull


def test_a_held_out_type_leaves_out_what_resembles_it(clip: np.ndarray) -> None:
    for name in ARTIFACT_TYPES:
        left = operations_without([name])
        assert len(left) >= 3
        assert all(name not in operation.resembles for operation in left)
        names = {add_fault(clip, seed=seed, without=[name]).operation.name for seed in range(12)}
        assert names <= {operation.name for operation in left}
    assert "blur" not in {operation.name for operation in operations_without(["blur"])}
    assert operations_without([]) == OPERATIONS
    with pytest.raises(ValueError) as caught:
        add_fault(clip, seed=0, without=["blurr"])
    assert str(caught.value) == "without 'blurr': wanted names of motion, deformation, blur."


@pytest.mark.parametrize(
    ("frames", "found"),
    {
        "floats": (np.zeros((2, 20, 20, 3)), "float64[2, 20, 20, 3]"),
        "channels first": (np.zeros((2, 3, 20, 20), np.uint8), "uint8[2, 3, 20, 20]"),
        "one frame alone": (np.zeros((20, 20, 3), np.uint8), "uint8[20, 20, 3]"),
        "too small": (np.zeros((2, 15, 20, 3), np.uint8), "uint8[2, 15, 20, 3]"),
    }.values(),
)
def test_frames_of_another_form_are_refused(frames: np.ndarray, found: str) -> None:
    with pytest.raises(ValueError) as caught:
        add_fault(frames, seed=0)
    assert (
        str(caught.value) == f"frames are {found}; wanted uint8[T, H, W, 3] with H and W from 16."
    )
