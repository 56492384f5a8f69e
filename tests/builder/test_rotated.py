"""Masks of videos that players turn: they lie on what they mark, or the build asks how they were
drawn.
"""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import brokenvideos
from brokenvideos.builder import BuildOptions, RawError, build, rebuild, verify
from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.raw import coded_masks
from brokenvideos.frames import Orientation, encode_video, probe, to_coded, to_displayed
from tests.odd_videos import mirrored, rotated

NUM_FRAMES = 3
STORED = {"oblong": (48, 64), "square": (64, 64)}
TURNS = {
    "90": (lambda data: rotated(data, 90), Orientation(1)),
    "180": (lambda data: rotated(data, 180), Orientation(2)),
    "270": (lambda data: rotated(data, 270), Orientation(3)),
    "mirrored": (mirrored, Orientation(0, mirrored=True)),
}


def square_at(height: int, width: int) -> np.ndarray:
    """bool[H, W]: near a corner, so that every turn moves it."""
    mask = np.zeros((height, width), bool)
    mask[4:20, 8:28] = True
    return mask


@cache
def upright(size: str, tmp: str) -> bytes:
    height, width = STORED[size]
    picture = np.where(square_at(height, width)[..., None], (250, 220, 30), (20, 40, 90)).astype(
        np.uint8
    )
    encode_video(path := Path(tmp, f"{size}.mp4"), [picture] * NUM_FRAMES, fps=12)
    return path.read_bytes()


@pytest.fixture
def make(write_raw, tmp_path_factory):
    """A raw folder of one turned video; its masks are drawn on the frame as players show it, or as
    it is stored.
    """

    def raw(turn: str, size: str, *, drawn: str):
        change, orientation = TURNS[turn]
        mask = square_at(*STORED[size]).astype(np.uint8)
        mask = to_displayed(mask, orientation) if drawn == "displayed" else mask
        masks = {f"masks/v/{frame:05d}.png": mask for frame in range(NUM_FRAMES)}
        return write_raw(
            {"videos/v.mp4": change(upright(size, str(tmp_path_factory.getbasetemp()))), **masks}
        )

    return raw


def on_stored(raw, **options) -> np.ndarray:
    """bool[T, H, W]: what the masks mark on the stored frames."""
    (video,), problems = read_layout(raw, artifact_type="blur", **options)
    assert problems == []
    shown = probe(video.video_path)
    frames = coded_masks(video, shown.orientation, height=shown.height, width=shown.width)
    return np.stack([np.any(frame.planes, axis=0) for frame in frames])


@pytest.mark.parametrize("drawn", ["displayed", "coded"])
@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("size", STORED)
def test_masks_lie_on_what_they_mark(make, turn, size, drawn):
    told_by_size = size == "oblong" and turn in ("90", "270")
    masks = on_stored(make(turn, size, drawn=drawn), masks_are=None if told_by_size else drawn)
    assert np.array_equal(masks, [square_at(*STORED[size])] * NUM_FRAMES)


@pytest.mark.parametrize(
    ("turn", "size", "masks_are"), [("90", "oblong", None), ("mirrored", "square", "displayed")]
)
def test_a_release_keeps_how_its_masks_were_drawn(make, tmp_path, turn, size, masks_are):
    raw, out, notes = make(turn, size, drawn="displayed"), tmp_path / "release", []
    options = BuildOptions(artifact_type="blur", num_shards={"train": 1}, masks_are=masks_are)
    manifest = build(raw, out, options, on_note=notes.append)
    assert (
        notes[0]
        == "masks of v: masks drawn on the frame as players show it were turned onto the stored "
        "frame"
    )
    assert manifest["reading"].get("masks_are") == masks_are
    assert verify(out, raw=raw).findings == ()
    assert rebuild(out, raw).findings == ()
    (path,) = (out / "data").glob("*.parquet")
    (row,) = pq.read_table(path).to_pylist()
    masks = brokenvideos.decode_masks(row).astype(bool)
    assert np.array_equal(
        masks.reshape(NUM_FRAMES, *STORED[size]), [square_at(*STORED[size])] * NUM_FRAMES
    )


ASKED = [("180", "oblong"), ("mirrored", "oblong"), *((turn, "square") for turn in TURNS)]
SHOWN = {
    "90": "turned clockwise by 90 degrees",
    "180": "turned clockwise by 180 degrees",
    "mirrored": "mirrored",
}
SHOWN |= {"270": "turned clockwise by 270 degrees"}


@pytest.mark.parametrize(("turn", "size"), ASKED)
def test_what_the_size_does_not_tell_is_asked(make, tmp_path, turn, size):
    raw = make(turn, size, drawn="displayed")
    with pytest.raises(RawError) as caught:
        build(raw, tmp_path / "release", BuildOptions(artifact_type="blur"))
    assert str(caught.value).splitlines()[1] == (
        f"video v: mask of frame 0: players show the video {SHOWN[turn]} (its display matrix), and "
        "the size of the mask does not show whether it was drawn on that or on the stored frame; "
        "give --masks-are displayed or --masks-are coded"
    )


def test_a_size_that_contradicts_is_refused(make, tmp_path):
    raw = make("90", "oblong", drawn="coded")
    with pytest.raises(RawError) as caught:
        build(raw, tmp_path / "release", BuildOptions(artifact_type="blur", masks_are="displayed"))
    assert str(caught.value).splitlines()[1] == (
        "video v: mask of frame 0: has the size of the frame as it is stored, not displayed; leave "
        "--masks-are out, or correct it"
    )


def test_a_turned_video_without_marks_is_not_asked_about(write_raw, tmp_path, tmp_path_factory):
    video = rotated(upright("square", str(tmp_path_factory.getbasetemp())), 180)
    raw = write_raw({"videos/v.mp4": video, "masks/v/00000.png": np.zeros((64, 64), np.uint8)})
    build(raw, tmp_path / "release", BuildOptions(artifact_type="blur"))


def test_masks_are_one_of_two(write_raw):
    with pytest.raises(RawError) as caught:
        read_layout(write_raw({"masks/": None}), masks_are="shown")
    assert str(caught.value) == "masks are 'shown': wanted displayed or coded"


@pytest.mark.parametrize("turn", TURNS)
def test_a_mask_video_that_is_turned_too_fits(write_raw, tmp_path, tmp_path_factory, turn):
    """Exported with the turn of its video: it is not asked about. Upright, it shows what players
    do, and is.
    """
    change, orientation = TURNS[turn]
    mask = square_at(48, 64)
    white = np.repeat(mask[..., None] * np.uint8(255), 3, axis=2)
    encode_video(tmp_path / "mask.mp4", [white] * NUM_FRAMES, fps=12, crf=0)
    video = upright("oblong", str(tmp_path_factory.getbasetemp()))
    turned = change((tmp_path / "mask.mp4").read_bytes())
    raw = write_raw({"videos/v.mp4": change(video), "masks/v.mp4": turned})
    assert np.array_equal(on_stored(raw), [mask] * NUM_FRAMES)
    shown = to_displayed(white, orientation)
    encode_video(raw / "masks/v.mp4", [np.ascontiguousarray(shown)] * NUM_FRAMES, fps=12, crf=0)
    assert np.array_equal(on_stored(raw, masks_are="displayed"), [mask] * NUM_FRAMES)


def test_boxes_are_where_players_show_them(write_raw, tmp_path_factory):
    video = rotated(upright("oblong", str(tmp_path_factory.getbasetemp())), 90)
    # of 48x64: the square of the upright frame, turned
    box = {
        "frame": 0,
        "x": 28,
        "y": 8,
        "width": 16,
        "height": 20,
    }
    entry = {"video": "v.mp4", "artifacts": [{"category": "blur", "boxes": [box]}]}
    raw = write_raw({"videos/v.mp4": video, "geneva.json": b""})
    (raw / "geneva.json").write_text(f"[{json.dumps(entry)}]")
    assert np.array_equal(on_stored(raw)[0], square_at(48, 64))


@pytest.mark.parametrize(
    "orientation",
    [Orientation(turns, mirrored=flip) for turns in range(4) for flip in (False, True)],
)
def test_turning_back_undoes_turning(orientation):
    plane = np.arange(12).reshape(3, 4)
    assert np.array_equal(to_coded(to_displayed(plane, orientation), orientation), plane)


def test_an_angle_of_its_own_cannot_be_turned_back():
    with pytest.raises(ValueError, match="turned by no quarter turn"):
        to_coded(np.zeros((2, 2)), Orientation(None))
