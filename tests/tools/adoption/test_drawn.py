"""Masks that are drawn over a clip are found again, for several looks and qualities; where none is
drawn, none is found.
"""

from pathlib import Path

import numpy as np
import pytest

from brokenvideos.frames import iter_frames
from brokenvideos.tools.adoption.drawn import Drawing, filled, marked, measure
from tests.tools.adoption.published import (
    FAINT_BLUE,
    GREEN_WITH_CONTOUR,
    RED,
    SOLID,
    WHITE_CONTOUR,
    Look,
    UInt8Array,
    clip_frames,
    iou,
    laid_over,
    masks_of,
    write_clip,
    write_mask,
)

LOOKS = {
    "red, half transparent": RED,
    "green with a contour": GREEN_WITH_CONTOUR,
    "solid magenta": SOLID,
    "solid white": laid_over((255, 255, 255), 1.0),
    "faint blue": FAINT_BLUE,
    "faint red with a white contour": WHITE_CONTOUR,
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> list[UInt8Array]:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


def shown(path: Path, clip: list[UInt8Array], look: Look, *, crf: int) -> list[UInt8Array]:
    write_mask(path, clip, masks_of(), look, crf=crf)
    return [rgb for _, rgb in iter_frames(path)]


def found_in(clip: list[UInt8Array], other: list[UInt8Array]) -> tuple[Drawing, list[np.ndarray]]:
    drawing = measure(zip(clip, other, strict=True), num_frames=len(clip))
    return drawing, [marked(rgb, seen, drawing) for rgb, seen in zip(clip, other, strict=True)]


@pytest.mark.parametrize("crf", [18, 23, 28])
@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_is_drawn_is_found(
    clip: list[UInt8Array], tmp_path: Path, look: Look, crf: int
) -> None:
    drawing, found = found_in(clip, shown(tmp_path / "mask.mp4", clip, look, crf=crf))
    assert iou(found, masks_of()) >= 0.9, drawing
    for number, mask in enumerate(masks_of()):
        if not mask.any():
            assert not found[number].any()


def test_the_colour_and_its_alpha_are_told(clip: list[UInt8Array], tmp_path: Path) -> None:
    drawing, _ = found_in(clip, shown(tmp_path / "mask.mp4", clip, RED, crf=18))
    (ink,) = drawing.inks
    assert ink.alpha == pytest.approx(0.5, abs=0.06)
    np.testing.assert_allclose(ink.colour, (255, 0, 0), atol=20)
    assert drawing.contour_px == 0


@pytest.mark.parametrize("crf", [18, 28, 35])
def test_nothing_is_found_where_nothing_is_drawn(
    clip: list[UInt8Array], tmp_path: Path, crf: int
) -> None:
    drawing, found = found_in(
        clip, shown(tmp_path / "mask.mp4", clip, lambda rgb, mask: rgb, crf=crf)
    )
    assert drawing.inks == ()
    assert not np.any(found)


def test_a_video_that_is_marked_in_every_frame(clip: list[UInt8Array], tmp_path: Path) -> None:
    masks = [masks_of()[5]] * len(clip)
    write_mask(tmp_path / "mask.mp4", clip, masks, RED)
    _, found = found_in(clip, [rgb for _, rgb in iter_frames(tmp_path / "mask.mp4")])
    assert iou(found, masks) >= 0.9


def test_other_tones_of_the_whole_frame_are_no_mark(clip: list[UInt8Array], tmp_path: Path) -> None:
    def darker(rgb: UInt8Array, mask: np.ndarray) -> UInt8Array:
        return (0.8 * RED(rgb, mask) + 8).astype(np.uint8)

    drawing, found = found_in(clip, shown(tmp_path / "mask.mp4", clip, darker, crf=20))
    assert iou(found, masks_of()) >= 0.9, drawing


def test_another_clip_is_not_like_this_one(clip: list[UInt8Array]) -> None:
    drawing, _ = found_in(clip, clip_frames(7))
    assert drawing.typical > 8 or drawing.likeness < 0.9


def test_what_marks_enclose_is_filled() -> None:
    ring = np.zeros((9, 12), np.bool_)
    ring[2:7, 2:8] = True
    ring[3:6, 3:7] = False
    whole = ring.copy()
    whole[2:7, 2:8] = True
    np.testing.assert_array_equal(filled(ring), whole)
    ring[4, 7] = False  # a gap
    np.testing.assert_array_equal(filled(ring), ring)
    assert not filled(np.zeros((3, 4), np.bool_)).any()
    assert filled(np.ones((3, 4), np.bool_)).all()
