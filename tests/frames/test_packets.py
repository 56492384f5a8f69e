import re
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from brokenvideos.frames import VideoError, demux_index, index_video, read_frames
from brokenvideos.frames.packets import bare_decoder, bare_packet


def test_non_reference_packets_are_found(make_video):
    """x264 without a pyramid: every B-frame is non-reference, and they come in runs of three."""
    options = {"g": "12", "bf": "3", "sc_threshold": "0", "x264-params": "b-pyramid=none:b-adapt=0"}
    packets = index_video(make_video(num_frames=24, options=options)).packets
    shown = packets.reference[np.argsort(packets.pts)].tolist()
    assert shown == ([True, False, False, False] * 2 + [True, False, False, True]) * 2


def test_old_x264_in_444_is_read_from_the_start(make_video):
    # FFmpeg repairs a bug of these builds, which it knows only from the note in the first packet.
    data = make_video(pix_fmt="yuv444p", options={"g": "12", "sc_threshold": "0"})
    assert np.flatnonzero(index_video(data).packets.keyframe).tolist() == [0, 12, 24, 36]
    old = re.sub(rb"x264 - core \d+", b"x264 - core 148", data)
    assert np.flatnonzero(demux_index(old)[1].keyframe).tolist() == [0]


@settings(max_examples=12, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_structure(make_video, every_frame, barcode, data):
    gop = data.draw(st.integers(1, 20), label="gop")
    num_frames = data.draw(st.integers(1, 40), label="num_frames")
    options = {
        "g": str(gop),
        "bf": str(data.draw(st.integers(0, 5), label="bf")),
        "preset": "ultrafast",
        "sc_threshold": "0",
    }
    options["x264-params"] = (
        f"open-gop={data.draw(st.integers(0, 1), label='open')}:ref=4:b-adapt=0"
    )
    steps = data.draw(
        st.lists(st.integers(1, 400), min_size=num_frames, max_size=num_frames), label="steps"
    )
    video = make_video(
        num_frames=num_frames,
        options=options,
        times=np.cumsum(steps).tolist(),
        tick=Fraction(1, 12800),
    )
    wanted = data.draw(st.lists(st.integers(0, num_frames - 1), max_size=12), label="wanted")
    index = index_video(video)
    frames = read_frames(video, wanted, index=index)
    assert [barcode(frame) for frame in frames] == wanted
    np.testing.assert_array_equal(frames, every_frame(video)[wanted])
    assert np.diff(index.frame_pts).tolist() == steps[1:]


@pytest.mark.parametrize("codec", ["libx265", "libsvtav1", "libvpx-vp9", "mpeg4"])
def test_other_codecs_in_random_order(make_video, every_frame, barcode, codec):
    data = make_video(num_frames=30, height=64, codec=codec, options={"g": "10"})
    index, expected = index_video(data), every_frame(data)
    for seed in range(4):
        wanted = np.random.default_rng(seed).integers(0, 30, 8).tolist()
        frames = read_frames(data, wanted, index=index)
        assert [barcode(frame) for frame in frames] == wanted
        np.testing.assert_array_equal(frames, expected[wanted])


def test_a_size_bomb_in_a_packet_is_refused_before_there_is_room_for_it(make_video):
    data = bytearray(make_video(num_frames=3, codec="libvpx-vp9", height=64))
    index = index_video(bytes(data))
    start, size = int(index.packets.offset[0]), int(index.packets.size[0])
    # VP9 bitstream specification, 6.2: after 36 bits of a key frame's header stand its width - 1
    # and height - 1, 16 bits each.
    header = int.from_bytes(data[start + 4 : start + 9])
    bomb = header >> 36 << 36 | 11_999 << 20 | 11_999 << 4 | header & 15
    data[start + 4 : start + 9] = bomb.to_bytes(5)
    decoder = bare_decoder("vp9", b"")
    with pytest.raises(av.error.ArgumentError):
        decoder.decode(bare_packet(bytes(data[start : start + size]), 0))
    # Nothing was made room for: damaged data would only be found when the frame is there, and be an
    # InvalidDataError.
    assert (decoder.width, decoder.height) == (0, 0)
    with pytest.raises(VideoError) as caught:
        read_frames(bytes(data), [0], index=index)
    assert str(caught.value) == (
        f"video of {len(data)} bytes: frames of 12000x12000, at most 67108864 pixels are decoded. "
        "Scale the video down, or leave the file out."
    )
