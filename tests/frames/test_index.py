import base64
import hashlib
import io
import json
import struct
from fractions import Fraction

import av
import numpy as np
import pyarrow as pa
import pytest

from brokenvideos.frames import (
    Orientation,
    VideoError,
    demux_index,
    encode_video,
    index_from_row,
    index_to_columns,
    index_video,
    iter_frames,
    read_frames,
)
from tests.odd_videos import mirrored


def test_frames_are_those_a_player_shows(video, barcode):
    index, frames = video.index, video.frames
    assert [barcode(frame) for frame in frames] == list(video.recipe.shown)
    assert index.num_frames == len(frames)
    assert (index.height, index.width) == frames.shape[1:3]
    with av.open(io.BytesIO(video.data)) as container:
        assert index.frame_pts.tolist() == [frame.pts for frame in container.decode(video=0)]
        assert index.time_base == container.streams.video[0].time_base


def test_demux_agrees(video):
    index = video.index
    frame_pts, packets = demux_index(video.data)
    assert frame_pts.tolist() == index.frame_pts.tolist()
    assert (packets is None) == (index.packets is None)
    if packets is not None:
        for name in ("pts", "offset", "size", "keyframe", "reference"):
            np.testing.assert_array_equal(getattr(packets, name), getattr(index.packets, name))


def test_packets_hold_the_payloads(video):
    packets = video.index.packets
    assert (packets is not None) == video.recipe.packets
    if packets is None:
        return
    assert np.flatnonzero(packets.keyframe).tolist() == list(video.recipe.keyframes)
    with av.open(io.BytesIO(video.data)) as container:
        payloads = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    spans = zip(packets.offset.tolist(), packets.size.tolist(), strict=True)
    assert [video.data[offset : offset + size] for offset, size in spans] == payloads
    dtypes = [
        getattr(packets, name).dtype.name
        for name in ("pts", "offset", "size", "keyframe", "reference")
    ]
    assert dtypes == ["int64", "int64", "int32", "bool", "bool"]


def test_row_round_trip(video):
    index = video.index
    columns = index_to_columns(index)
    through_arrow = pa.Table.from_pylist([columns]).to_pylist()[0]
    as_arrays = {**columns, "frame_pts": np.asarray(columns["frame_pts"], np.int32)}
    for row in (columns, through_arrow, as_arrays):
        assert index_to_columns(index_from_row(row)) == columns
    assert index_from_row(columns).frames_sha256 == ""


def test_null_packets_may_come_back_as_a_struct_of_nulls(make_video):
    columns = index_to_columns(index_video(make_video(container="matroska")))
    nulls = dict.fromkeys(("pts", "offset", "size", "keyframe", "reference"))
    assert index_from_row({**columns, "packets": nulls}).packets is None


def test_columns_are_plain(make_video):
    columns = index_to_columns(index_video(make_video(num_frames=2)))
    assert base64.b64decode(columns["codec"]["extradata"])[0] == 1
    json.dumps(columns)
    assert columns["time_base"] == {"num": 1, "den": 12288}
    assert columns["frame_pts"] == [0, 512]


@pytest.mark.parametrize(
    "pix_fmt", ["yuv420p", "yuv444p", "yuv420p10le", "gbrp", "yuyv422", "rgb24"]
)
def test_frames_sha256_is_of_visible_bytes(make_video, pix_fmt):
    codecs = {"gbrp": "libx264rgb", "yuyv422": "rawvideo", "rgb24": "png"}
    # 62 pixels wide: the decoder's rows are padded.
    data = make_video(
        num_frames=3,
        width=62,
        codec=codecs.get(pix_fmt, "libx264"),
        container="mov" if pix_fmt == "rgb24" else "matroska",
        pix_fmt="rgb24" if pix_fmt == "gbrp" else pix_fmt,
    )
    sha256 = hashlib.sha256()
    with av.open(io.BytesIO(data)) as container:
        for frame in container.decode(video=0):
            assert frame.format.name == pix_fmt
            array = frame.to_ndarray()
            # PyAV hands out gbrp as interleaved RGB.
            sha256.update(
                (array.transpose(2, 0, 1)[[1, 2, 0]] if pix_fmt == "gbrp" else array).tobytes()
            )
    assert index_video(data).frames_sha256 == sha256.hexdigest()


def test_frames_sha256_ignores_the_container(make_video, remux):
    data = make_video()
    assert (
        index_video(data).frames_sha256
        == index_video(remux(data, container="matroska")).frames_sha256
    )


@pytest.mark.parametrize(
    ("container", "fps"), [("mp4", 24), ("mp4", Fraction(30000, 1001)), ("matroska", 30)]
)
def test_fps_is_the_constant_rate(make_video, container, fps):
    assert index_video(make_video(container=container, fps=fps)).fps == float(fps)


def test_fps_of_a_variable_rate_is_the_average(make_video):
    data = make_video(num_frames=3, times=[0, 10, 100], tick=Fraction(1, 100))
    assert index_video(data).fps == 2.0


def test_path_and_bytes_are_one(make_video, tmp_path):
    data = make_video()
    (tmp_path / "video.mp4").write_bytes(data)
    assert index_to_columns(index_video(tmp_path / "video.mp4")) == index_to_columns(
        index_video(data)
    )


def test_rotation_is_recorded_and_not_applied(video):
    index = video.index
    assert index.rotation == (int(video.name.split()[-1]) if "rotated" in video.name else 0)
    assert index.width in (63, 64)


def _no_video(make_video, folder):
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 16000), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate, silence.pts = 16000, 0
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    return file.getvalue()


def _cut_off(make_video, folder):
    encode_video(
        folder / "whole.mp4", [np.full((48, 64, 3), 5 * i, np.uint8) for i in range(40)], fps=24
    )
    packets = index_video(folder / "whole.mp4").packets
    return (folder / "whole.mp4").read_bytes()[: packets.offset[30] + 5]


def _damaged(make_video, folder):
    encode_video(
        folder / "whole.mp4", [np.full((48, 64, 3), 5 * i, np.uint8) for i in range(40)], fps=24
    )
    packets, data = index_video(folder / "whole.mp4").packets, (folder / "whole.mp4").read_bytes()
    return data[: packets.offset[30]] + bytes(packets.size[30]) + data[packets.offset[31] :]


def _cut_off_stream(make_video, folder):
    data = make_video(container="mpegts", options={"g": "12", "bf": "3", "sc_threshold": "0"})
    with av.open(io.BytesIO(data)) as source:
        packet = [packet for packet in source.demux(video=0) if packet.size][24]
    return data[: packet.pos + packet.size // 2]


def _two_sizes(make_video, folder):
    small = make_video(num_frames=4, container="mpegts")
    return small + make_video(num_frames=4, width=80, container="mpegts", times=range(10, 14))


def _cut_in_an_open_group(make_video, folder):
    # Matroska has no edit list that could hide the pictures that lead the first key frame.
    params = "pools=none:frame-threads=1:log-level=none:keyint=12:min-keyint=12:scenecut=0"
    data = make_video(codec="libx265", options={"x265-params": params})
    file = io.BytesIO()
    with av.open(io.BytesIO(data)) as source, av.open(file, "w", format="matroska") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in [packet for packet in source.demux(video=0) if packet.size][8:]:
            packet.stream = stream
            output.mux(packet)
    return file.getvalue()


def _same_time_twice(make_video, folder):
    # The second stretch of the edit list begins among B-frames, whose times reach back into the
    # first.
    data = make_video(options={"g": "12", "bf": "3", "sc_threshold": "0"}, times=range(10, 50))
    at = data.index(b"elst") + 12
    return (
        data[:at]
        + struct.pack(">iiiiii", 250, 1024 + 20 * 512, 1 << 16, 500, 1024 + 14 * 512, 1 << 16)
        + data[at + 24 :]
    )


REFUSED = {
    "no video stream": (
        _no_video,
        "VIDEO: no video stream in a mov,mp4,m4a,3gp,3g2,mj2 file. Leave the file out.",
    ),
    "not a video": (
        lambda make_video, folder: b"0123456789" * 10,
        "VIDEO: not a video file that FFmpeg can open, or cut off before its index. Copy it again "
        "from its source.",
    ),
    "no bytes": (
        lambda make_video, folder: b"",
        "VIDEO: not a video file that FFmpeg can open, or cut off before its index. Copy it again "
        "from its source.",
    ),
    "cut off before the index": (
        lambda make_video, folder: make_video()[:2000],
        "VIDEO: not a video file that FFmpeg can open, or cut off before its index. Copy it again "
        "from its source.",
    ),
    "cut off": (
        _cut_off,
        "VIDEO: ends at frame 30: it has 2630 bytes, and its mdat box ends at byte 2825. Copy it "
        "again from its source; if it is cut off there too, re-encode what is left of it.",
    ),
    "damaged": (
        _damaged,
        "VIDEO frame 28: does not decode (Invalid data found when processing input). Copy it again "
        "from its source; if it is damaged there too, re-encode what is left of it.",
    ),
    "cut off, without an index": (
        _cut_off_stream,
        "VIDEO frame 24: is damaged. Copy the video again from its source, or re-encode what is "
        "left of it.",
    ),
    "a colour matrix that cannot be converted": (
        lambda make_video, folder: make_video(
            num_frames=2, options={"x264-params": "colormatrix=YCgCo"}
        ),
        "VIDEO frame 0: its colour matrix is YCgCo (8), which is not converted to RGB here. If "
        "only its header is wrong, correct that: `ffmpeg -i IN -c copy -bsf:v "
        "h264_metadata=matrix_coefficients=1 OUT` makes it BT.709 (hevc_metadata, av1_metadata for "
        "those); else convert the video with `ffmpeg -i IN -vf zscale=matrix=709 OUT`.",
    ),
    "two sizes": (
        _two_sizes,
        "VIDEO frame 4: is 80x48, the first frame is 64x48; one size is wanted. Re-encode the "
        "video to one size.",
    ),
    "the same time twice": (
        _same_time_twice,
        "VIDEO frame 5: presentation time 2048 is that of the frame before too, every frame needs "
        "its own. "
        "Re-mux it with `ffmpeg -i IN -c copy OUT.mp4`, or re-encode it if that does not help.",
    ),
    "times that run backwards": (
        # AVI keeps no presentation times, and what FFmpeg makes up for B-frames is wrong.
        lambda make_video, folder: make_video(
            container="avi", options={"g": "12", "bf": "3", "sc_threshold": "0"}
        ),
        "VIDEO frame 3: presentation time 4 after 5, every frame needs a later one than the frame "
        "before. "
        "Re-mux it with `ffmpeg -i IN -c copy OUT.mp4`, or re-encode it if that does not help.",
    ),
    "times before zero": (
        # Matroska's reader gives none for them.
        lambda make_video, folder: make_video(
            container="matroska",
            times=range(-5, 35),
            container_options={"avoid_negative_ts": "disabled"},
        ),
        "VIDEO: 5 of 40 packets have no presentation time. "
        "Re-mux it with `ffmpeg -i IN -c copy OUT.mp4`, or re-encode it if that does not help.",
    ),
    "cut in an open group": (
        _cut_in_an_open_group,
        "VIDEO: the container lists 32 frames and 28 decode, the first difference at frame 0; "
        "every frame must decode. "
        "The file is cut off or damaged, or starts in the middle of a recording. "
        "Re-mux it with `ffmpeg -i IN -c copy OUT.mp4`, or re-encode it if that does not help.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses(make_video, name, tmp_path):
    make, message = REFUSED[name]
    data = make(make_video, tmp_path)
    with pytest.raises(VideoError) as error:
        index_video(data)
    assert str(error.value).replace(f"video of {len(data)} bytes", "VIDEO") == message


@pytest.mark.parametrize("read", [index_video, demux_index, lambda path: read_frames(path, [0])])
def test_missing_file_is_an_os_error(read, tmp_path):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.mp4")


COLOUR_MATRICES = ["bt2020c", "SMPTE2085", "chroma-derived-nc", "chroma-derived-c", "ICtCp"]


@pytest.mark.parametrize(("number", "name"), list(enumerate(COLOUR_MATRICES, start=10)))
def test_colour_matrices_that_cannot_be_converted_are_named(make_video, number, name):
    data = make_video(num_frames=2, options={"x264-params": f"colormatrix={name}"})
    for read in (
        index_video,
        lambda data: read_frames(data, [0]),
        lambda data: next(iter_frames(data)),
    ):
        with pytest.raises(
            VideoError, match=rf"colour matrix is .*\({number}\), which is not converted"
        ):
            read(data)


@pytest.mark.parametrize(
    "name", ["GBR", "bt709", "fcc", "bt470bg", "smpte170m", "smpte240m", "bt2020nc"]
)
def test_the_other_colour_matrices_are_converted(make_video, every_frame, name):
    data = make_video(num_frames=2, options={"x264-params": f"colormatrix={name}"})
    index = index_video(data)
    np.testing.assert_array_equal(read_frames(data, [0, 1], index=index), every_frame(data))


def test_a_mirrored_video_is_recorded_as_one(make_video):
    index = index_video(mirrored(make_video(num_frames=2)))
    assert (index.rotation, index.orientation) == (360, Orientation(0, mirrored=True))
    assert index_from_row(index_to_columns(index)).orientation == index.orientation
