"""Flags of coded frames come from the frames: whatever the container calls them, clips are those of
a plain decode.
"""

from functools import cache, partial

import numpy as np
import pytest

from brokenvideos.frames import demux_index, index_video, read_clips
from brokenvideos.frames.bitstream import packet_flags
from brokenvideos.frames.proof import frames_that_differ
from tests.odd_videos import B_FRAMES, VP9, X265, every_frame, make_video, remux

SIZE = {"num_frames": 14, "height": 64}
CODED = {
    "h264": partial(make_video, **SIZE, options=B_FRAMES | {"g": "6"}),
    "hevc": partial(
        make_video, **SIZE, codec="libx265", options={"x265-params": X265.replace("=12", "=6")}
    ),
    "mpeg4": partial(make_video, **SIZE, codec="mpeg4", options={"g": "6"}),
    "mpeg4 B-frames": partial(make_video, **SIZE, codec="mpeg4", options={"g": "6", "bf": "2"}),
    "vp9": partial(make_video, **SIZE, codec="libvpx-vp9", options=VP9 | {"g": "6"}),
    "av1": partial(make_video, **SIZE, codec="libsvtav1", options={"g": "6", "preset": "10"}),
}
CALLED_KEY = {
    "honest": bool,
    "all": lambda is_key: True,
    "none": lambda is_key: False,
    "the others": lambda is_key: not is_key,
}
CONTAINERS = {
    "mp4": {"container": "mp4"},
    "mov": {"container": "mov"},
    "fragmented": {
        "container": "mp4",
        "container_options": {"movflags": "frag_every_frame+empty_moov"},
    },
}


@cache
def coded(codec: str) -> tuple[bytes, np.ndarray, list[int]]:
    """An honest mp4, its frames, and which packets are starts."""
    data = CODED[codec]()
    return data, every_frame(data), np.flatnonzero(demux_index(data)[1].keyframe).tolist()


@pytest.mark.parametrize("called_key", CALLED_KEY)
@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("codec", CODED)
def test_clips_at_every_start_are_those_of_a_plain_decode(codec, container, called_key):
    honest, expected, starts = coded(codec)
    if codec in ("vp9", "av1") and container == "mov":
        pytest.skip("QuickTime files do not hold it")
    data = remux(honest, **CONTAINERS[container], called_key=CALLED_KEY[called_key])
    index = index_video(data)
    assert np.flatnonzero(index.packets.keyframe).tolist() == starts
    assert len(starts) > 1
    clips = [range(start, start + 2) for start in range(len(expected) - 1)]
    for clip in clips:  # each on its own: a pass over all of them decodes the whole video
        (got,) = read_clips(data, [clip], index=index)
        np.testing.assert_array_equal(got, expected[list(clip)].transpose(0, 3, 1, 2))


def test_a_file_without_a_list_of_key_frames_has_only_those_that_are():
    """As above, made by what people have: an mp4 whose table of sync samples is gone."""
    honest, expected, starts = coded("mpeg4")
    data = honest.replace(b"stss", b"free")
    index = index_video(data)
    assert np.flatnonzero(index.packets.keyframe).tolist() == starts == [0, 6, 12]
    (got,) = read_clips(data, [range(4, 8)], index=index)
    np.testing.assert_array_equal(got, expected[4:8].transpose(0, 3, 1, 2))
    assert frames_that_differ(data, range(len(expected)), index=index) == []


@pytest.mark.parametrize("codec", CODED)
def test_wrong_flags_are_found_by_decoding(codec):
    data, expected, _ = coded(codec)
    index = index_video(data)
    index.packets.keyframe[:] = True
    found = frames_that_differ(data, range(len(expected)), index=index)
    assert found
    assert not set(found) & {0}


VOP = b"\x00\x00\x01\xb6"
UNKNOWN = {
    "packed B-frames": ("mpeg4", b"Lavc", VOP + b"\x50" + VOP + b"\x90"),
    "no frame": ("mpeg4", b"Lavc", b"\x00\x00\x01\x20"),
    "of another encoder": ("mpeg4", b"XviD", VOP + b"\x10"),
    "no VP9": ("vp9", b"", b"\x00"),
    "no frame in the unit": ("av1", b"\x81\x00\x0c\x00", b"\x12\x00"),
    "mpeg2video": ("mpeg2video", b"", b"\x00\x00\x01\x00"),
}


@pytest.mark.parametrize(("codec", "extradata", "payload"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_stored_in_another_way_has_no_flags(codec, extradata, payload):
    assert packet_flags([payload], codec_name=codec, extradata=extradata) is None


FLAGS = {
    "intra, predicted, bidirectional, sprite": (
        "mpeg4",
        b"Lavc",
        [VOP + bytes([kind << 6]) for kind in range(4)],
        [True, False, False, False],
    ),
    "one of two intra frames carries the parameters": (
        "mpeg4",
        b"Lavc",
        [b"\x00\x00\x01\x20\x08" + VOP + b"\x10", VOP + b"\x10"],
        [True, False],
    ),
    # frame_marker 10, profile 00, show_existing_frame, frame_type; profile 3 has a reserved bit
    # before them.
    "VP9 key, inter, shown again": ("vp9", b"", [b"\x80", b"\x84", b"\x88"], [True, False, False]),
    "VP9 of profile 3": ("vp9", b"", [b"\xb0", b"\xb2", b"\xb4"], [True, False, False]),
    # A sequence header and a frame: show_existing_frame, frame_type (2 bits), show_frame.
    "AV1 shown key": ("av1", b"", [b"\x0a\x01\x00\x32\x01\x10", b"\x32\x01\x30"], [True, False]),
    "AV1 hidden key, shown later": (
        "av1",
        b"",
        [b"\x0a\x01\x00\x32\x01\x00", b"\x1a\x01\x80"],
        [False, False],
    ),
    "AV1 key without its sequence header": ("av1", b"", [b"\x32\x01\x10"], [False]),
    "AV1 still picture": ("av1", b"", [b"\x0a\x01\x18\x32\x01\x00"], [True]),
}


@pytest.mark.parametrize(("codec", "extradata", "payloads", "keyframe"), FLAGS.values(), ids=FLAGS)
def test_headers_are_read(codec, extradata, payloads, keyframe):
    found, reference = packet_flags(payloads, codec_name=codec, extradata=extradata)
    assert found.tolist() == keyframe
    assert reference.all()
