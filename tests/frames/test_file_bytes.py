"""Bytes of a file, read where they are needed."""

import tracemalloc
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, strategies as st

from brokenvideos.frames import demux_index, encode_video, frames_from, index_video
from brokenvideos.frames.file_bytes import opened_bytes

CONTENT = bytes(range(200))
places = st.none() | st.integers(-250, 250)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "content"
    path.write_bytes(CONTENT)
    return path


@given(first=places, end=places)
def test_slices_are_those_of_bytes(file, first, end):
    with opened_bytes(file) as data:
        assert (data[first:end], len(data)) == (CONTENT[first:end], 200)


def test_single_bytes_are_numbers(file):
    with opened_bytes(file) as data:
        assert (data[7], data[199]) == (7, 199)


def test_bytes_in_memory_are_given_as_they_are():
    with opened_bytes(CONTENT) as data:
        assert data is CONTENT


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """A video of 2 MB, which nothing can compress."""
    path = tmp_path_factory.mktemp("noise") / "noise.mp4"
    frames = np.random.default_rng(0).integers(0, 255, (60, 200, 320, 3), np.uint8)
    encode_video(path, frames, fps=24)
    return path


def test_the_index_of_a_file_is_that_of_its_bytes(noise):
    of_file, of_bytes = index_video(noise), index_video(noise.read_bytes())
    assert np.array_equal(of_file.frame_pts, of_bytes.frame_pts)
    for column in ("pts", "offset", "size", "keyframe", "reference"):
        assert np.array_equal(getattr(of_file.packets, column), getattr(of_bytes.packets, column))


def test_neither_index_nor_frames_take_the_whole_file_into_memory(noise):
    index = index_video(noise)
    tracemalloc.start()
    try:
        demux_index(noise)
        demuxing = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        frames = frames_from(noise, 30, index=index)
        numbers = [number for number, _ in islice(frames, 10)]
        frames.close()
        decoding = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert numbers == list(range(30, 40))
    size = noise.stat().st_size
    assert size > 1_000_000
    assert (demuxing < size / 4, decoding < size / 4) == (True, True)
