"""The perceptual hash against Pillow's own averaging, and what it outlives."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from PIL import Image

from brokenvideos.frames import encode_video, index_video, iter_frames
from brokenvideos.frames.perceptual import frame_hash, hashed_frames
from brokenvideos.tools.synthetic.sample import write_sample


def distances(one: str, other: str) -> list[int]:
    """Differing bits of 64 by frame, the most alike first."""
    frames = [[int(text[16 * k : 16 * k + 16], 16) for k in range(4)] for text in (one, other)]
    return sorted((a ^ b).bit_count() for a, b in zip(*frames, strict=True))


def grey_frame(grey: np.ndarray) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(grey, format="gray")


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=80)
def test_bits_are_the_steps_between_areas_that_pillow_averages(
    height: int, width: int, seed: int
) -> None:
    grey = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    # Pixels repeated so that none lies in two cells.
    whole = Image.fromarray(np.repeat(np.repeat(grey, 8, axis=0), 9, axis=1).astype(np.float32))
    steps = np.diff(np.asarray(whole.resize((9, 8), Image.Resampling.BOX)), axis=1) - 1
    bits = int(frame_hash(grey_frame(grey)), 16)
    for place, step in enumerate(steps.ravel().tolist()):
        if abs(step) > 1e-3:
            assert bits >> (63 - place) & 1 == (step > 0)


def test_a_known_frame() -> None:
    """Brighter from cell to cell in the upper half, darker in the lower; a step of one level is
    none.
    """
    ramp = np.repeat(np.arange(9, dtype=np.uint8) * 20, 10)
    frame = np.vstack([np.tile(ramp, (40, 1)), np.tile(ramp[::-1], (40, 1))])
    assert frame_hash(grey_frame(frame)) == "ffffffff00000000"
    assert frame_hash(grey_frame(np.tile(ramp // 20, (80, 1)))) == "0" * 16
    assert frame_hash(grey_frame(np.tile(ramp // 10, (80, 1)))) == "f" * 16


def test_the_frames_are_those_on_screen_at_four_times() -> None:
    assert hashed_frames(np.arange(25) * 512) == [3, 9, 15, 21]
    assert hashed_frames(np.array([7])) == [0, 0, 0, 0]
    assert hashed_frames(np.array([], np.int64)) == []
    # By time, not by number: most of these frames pass in the first tenth.
    assert hashed_frames(np.array([0, 1, 2, 3, 4, 5, 6, 7, 40, 80])) == [7, 7, 8, 8]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, list[np.ndarray]]:
    """The hash and the frames of a synthetic video, whose every pixel moves."""
    raw = write_sample(
        tmp_path_factory.mktemp("raw") / "raw", videos=1, height=192, width=256, num_frames=16
    )
    (path,) = (raw / "videos").iterdir()
    return index_video(path).perceptual_hash, [frame for _, frame in iter_frames(path)]


def half(frames: list[np.ndarray]) -> list[np.ndarray]:
    return [
        np.asarray(
            Image.fromarray(f).resize((f.shape[1] // 2, f.shape[0] // 2), Image.Resampling.BICUBIC)
        )
        for f in frames
    ]


def brighter(frames: list[np.ndarray]) -> list[np.ndarray]:
    return [np.clip(frame.astype(np.int16) + 15, 0, 255).astype(np.uint8) for frame in frames]


CHANGES: dict[str, tuple[Callable[[list[np.ndarray]], list[np.ndarray]], int]] = {
    "encoded at crf 35": (lambda frames: frames, 35),
    "half the size": (half, 23),
    "brighter": (brighter, 23),
    "all of it": (lambda frames: brighter(half(frames)), 28),
}


@pytest.mark.parametrize(("change", "crf"), CHANGES.values(), ids=CHANGES)
def test_what_it_outlives(video, tmp_path: Path, change, crf: int) -> None:
    found, frames = video
    encode_video(tmp_path / "again.mp4", change(frames), fps=Fraction(12), crf=crf)
    # builder.near_duplicates wants two frames with at most 5.
    assert distances(index_video(tmp_path / "again.mp4").perceptual_hash, found)[1] <= 5


@pytest.mark.parametrize("num_frames", [1, 29, 33])
def test_another_container_and_its_ticks_do_not_matter(make_video, num_frames: int) -> None:
    data = [
        make_video(num_frames=num_frames, container=container) for container in ("mp4", "matroska")
    ]
    one, other = (index_video(each).perceptual_hash for each in data)
    assert one == other
    assert int(one, 16).bit_count() > 40


@given(st.integers(2, 400), st.sampled_from([12, 24, 25, 30, 60]), st.integers(0, 10**9))
@settings(deadline=None, max_examples=60)
def test_rounded_times_choose_the_same_frames(num_frames: int, fps: int, start_ms: int) -> None:
    exact = np.arange(num_frames) * 600
    rounded = start_ms + np.round(np.arange(num_frames) * 1000 / fps).astype(np.int64)
    assert hashed_frames(exact) == hashed_frames(rounded)


def test_black_and_grey_and_noise_on_grey_say_too_little(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(-6, 7, (8, 96, 128, 3))
    for level, grain in ((0, 0), (90, 0), (90, 1)):
        frames = (level + grain * noise).astype(np.uint8)
        encode_video(tmp_path / "flat.mp4", frames, fps=8)
        assert int(index_video(tmp_path / "flat.mp4").perceptual_hash, 16).bit_count() < 10


def test_real_videos_re_encoded_at_half_the_size(real_data: Path, tmp_path: Path) -> None:
    hashes = {}
    for name in ("01_dog", "bedroom"):
        video = real_data / "videos" / f"{name}.mp4"
        frames = [
            frame
            for (_, frame), _ in zip(iter_frames(video, size=(270, 480)), range(24), strict=False)
        ]
        for kind, changed, crf in (("as it is", frames, 18), ("worse", half(frames), 35)):
            encode_video(tmp_path / "video.mp4", changed, fps=24, crf=crf)
            hashes[name, kind] = index_video(tmp_path / "video.mp4").perceptual_hash
    for name in ("01_dog", "bedroom"):
        assert distances(hashes[name, "as it is"], hashes[name, "worse"])[1] <= 3
    assert distances(hashes["01_dog", "as it is"], hashes["bedroom", "as it is"])[1] > 15
