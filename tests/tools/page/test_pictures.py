"""Frames by index, in any order, with little kept."""

import random

import numpy as np
import pytest

from brokenvideos.frames import VideoError, encode_video, frames_from, index_video, read_frames
from brokenvideos.tools.page import pictures
from brokenvideos.tools.page.pictures import Pictures

FRAMES = 40


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    rng = np.random.default_rng(1)
    encode_video(path, [rng.integers(0, 255, (16, 32, 3), np.uint8) for _ in range(FRAMES)], fps=8)
    return path, index_video(path), read_frames(path, range(FRAMES))


ORDERS = {
    "forwards": list(range(FRAMES)),
    "backwards": list(range(FRAMES - 1, -1, -1)),
    "with skips": [0, 3, 6, 20, 21, 19, 18, 39, 38, 0],
    "at random": random.Random(3).choices(range(FRAMES), k=120),
}


@pytest.mark.parametrize("kept", [3, 8])
@pytest.mark.parametrize("order", ORDERS)
def test_every_frame_is_the_one_that_was_asked_for(video, order, kept):
    path, index, truth = video
    shown = Pictures(path, index, pixel_bytes=kept * 16 * 32 * 3)
    assert (len(shown), shown.height, shown.width) == (FRAMES, 16, 32)
    taken = [(frame, shown[frame]) for frame in ORDERS[order]]
    assert all((rgb == truth[frame]).all() for frame, rgb in taken)
    shown.close()
    assert (shown[5] == truth[5]).all()


def test_a_step_back_is_decoded_once_for_many(video, monkeypatch):
    path, index, truth = video
    starts = []

    def counted(source, first, *, index):
        starts.append(first)
        return frames_from(source, first, index=index)

    monkeypatch.setattr(pictures, "frames_from", counted)
    shown = Pictures(path, index)
    for frame in (30, 29, 28, 27, 20, 14):
        assert (shown[frame] == truth[frame]).all()
    assert starts == [30, 13]


def test_what_is_not_there(video):
    path, index, _ = video
    shown = Pictures(path, index)
    for frame in (-1, FRAMES):
        with pytest.raises(IndexError):
            shown[frame]
    with pytest.raises(VideoError) as caught:
        next(frames_from(path, FRAMES, index=index))
    assert str(caught.value).endswith(
        "asked for, 0 to 39 exist. Ask for frames of this video only."
    )
