"""A file that was cut off is refused, wherever it was cut; only cuts that nothing tells of go
unseen.
"""

import io
import struct
import tempfile
from functools import cache, partial
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from brokenvideos.frames import VideoError, demux_index, index_video
from brokenvideos.frames.ends import missing_end
from tests.odd_videos import B_FRAMES, make_video

SMALL = partial(
    make_video, num_frames=12, height=32, width=64, options=B_FRAMES | {"g": "6", "bf": "2"}
)
VP9_SMALL = partial(
    make_video,
    num_frames=12,
    height=32,
    codec="libvpx-vp9",
    options={"g": "6", "deadline": "realtime"},
)


def on_disk(make, container: str, options: dict[str, str]) -> bytes:
    """The file written once more, by a muxer that goes back to put its index first: it wants a file
    that it can open again.
    """
    with tempfile.TemporaryDirectory() as folder, av.open(io.BytesIO(make())) as source:
        path = Path(folder, f"video.{container}")
        with av.open(str(path), "w", options=options) as output:
            streams = {
                stream: output.add_stream_from_template(stream, opaque=True)
                for stream in source.streams
            }
            for packet in source.demux():
                if packet.size:
                    packet.stream = streams[packet.stream]
                    output.mux(packet)
        return path.read_bytes()


FAST = {"movflags": "+faststart"}
FILES = {
    "mp4": SMALL,
    "mp4 index first": partial(on_disk, SMALL, "mp4", FAST),
    "mov": partial(SMALL, container="mov"),
    "mov with sound": partial(on_disk, partial(SMALL, audio=True), "mov", FAST),
    "fragmented mp4": partial(SMALL, container_options={"movflags": "frag_keyframe+empty_moov"}),
    "segment index": partial(
        on_disk, SMALL, "mp4", {"movflags": "dash+frag_keyframe+global_sidx+empty_moov"}
    ),
    "webm": partial(VP9_SMALL, container="webm"),
    "webm, index first": partial(
        on_disk, partial(VP9_SMALL, container="webm"), "webm", {"cues_to_front": "1"}
    ),
    "live webm": partial(
        VP9_SMALL, container="webm", container_options={"live": "1", "cluster_time_limit": "100"}
    ),
    "mkv": partial(SMALL, container="matroska"),
    "mkv with sound": partial(SMALL, container="matroska", audio=True),
    "avi": partial(
        make_video, num_frames=12, height=32, codec="mpeg4", container="avi", options={"g": "6"}
    ),
}


@cache
def whole(name: str) -> tuple[bytes, list[int], set[int]]:
    """A file, its frame times, and where a part of it ends that nothing says is not the last
    one.
    """
    data = FILES[name]()
    assert missing_end(data) is None
    seams: set[int] = set()
    if name == "fragmented mp4":
        at = 0
        while at < len(data):
            at += int.from_bytes(data[at : at + 4])
            seams.add(at)
    if name == "live webm":  # before each element of a cluster
        seams = {at for at in range(len(data)) if missing_end(data[:at]) is None}
        assert len(seams) < 40
    return data, demux_index(data)[0].tolist(), seams


@pytest.mark.parametrize("name", FILES)
def test_a_whole_file_is_read(name):
    data, times, _ = whole(name)
    assert index_video(data).frame_pts.tolist() == times
    assert len(times) == 12


@pytest.mark.parametrize("name", FILES)
@settings(max_examples=20, deadline=None, derandomize=True)
@given(part=st.floats(0, 1, exclude_max=True))
def test_a_cut_file_is_refused_or_has_all_its_frames(name, part):
    data, times, seams = whole(name)
    cut = int(part * len(data))
    if cut in seams:
        return
    try:
        index = index_video(data[:cut])
    except VideoError:
        return
    assert index.frame_pts.tolist() == times, f"cut at byte {cut} of {len(data)}"


def test_every_byte_of_a_webm():
    """Cheap, since nothing is decoded: every cut of the frames is named."""
    data, _, _ = whole("webm")
    assert all(missing_end(data[:cut]) for cut in range(100, len(data)))


@pytest.mark.parametrize("name", ["webm", "mkv", "live webm"])
def test_a_file_that_was_filled_up_with_zeros_is_refused(name):
    data, _, _ = whole(name)
    cut = len(data) * 6 // 10
    with pytest.raises(VideoError, match=r"ends at frame|is damaged|does not decode"):
        index_video(data[:cut] + bytes(len(data) - cut))


def message(data: bytes) -> str:
    with pytest.raises(VideoError) as error:
        index_video(data)
    return str(error.value).replace(f"video of {len(data)} bytes", "VIDEO")


END = "Copy it again from its source; if it is cut off there too, re-encode what is left of it."


def test_the_message_names_the_frame_and_the_bytes():
    data, _, _ = whole("webm")
    with_frames = [cut for cut in range(0, len(data), 50) if len(_frames_of(data[:cut])) == 9]
    cut = with_frames[0]
    assert message(data[:cut]) == (
        f"VIDEO: ends at frame 9: it has {cut} bytes, and its segment ends at byte {len(data)}. "
        f"{END}"
    )
    data, _, _ = whole("mp4 index first")
    cut = len(data) - 10
    assert message(data[:cut]) == (
        f"VIDEO: ends at frame 11: it has {cut} bytes, and its mdat box ends at byte {len(data)}. "
        f"{END}"
    )
    data, _, _ = whole("avi")
    index = data.index(b"idx1")
    assert message(data[: index - 9]) == (
        f"VIDEO: ends at frame 11: it has {index - 9} bytes, and its list of frames ends at byte "
        f"{index}. {END}"
    )
    # all the frames are there, only their index is not
    assert index_video(data[:index]).num_frames == 12


def _frames_of(data: bytes) -> np.ndarray:
    try:
        with av.open(io.BytesIO(data)) as container:
            return np.array(
                [
                    packet.pts
                    for packet in container.demux(video=0)
                    if packet.size and not packet.is_corrupt
                ]
            )
    except av.FFmpegError:
        return np.array([])


def test_a_table_that_reaches_beyond_the_end():
    """As above, but mdat says that it lasts to the end of the file, wherever that is."""
    data, _, _ = whole("mp4 index first")
    at = data.index(b"mdat") - 4
    open_ended = data[:at] + bytes(4) + data[at + 4 :]
    assert index_video(open_ended).num_frames == 12
    assert message(open_ended[:-10]) == (
        f"VIDEO: ends at frame 11: it has {len(data) - 10} bytes, and its list of frames reaches "
        f"to byte {len(data)}. {END}"
    )


def element(kind: str, content: bytes, *, known: bool = True) -> bytes:
    size = (len(content) | 1 << 56).to_bytes(8) if known else b"\x01" + b"\xff" * 7
    return bytes.fromhex(kind) + size + content


def streamed(*, duration: float, block_times: list[int]) -> bytes:
    """A Matroska file as a browser's recorder writes it: nothing has a size but blocks, and a
    duration is put in later.
    """
    info = element("1549A966", element("4489", struct.pack(">d", duration)))
    blocks = b"".join(
        element("A3", b"\x81" + time.to_bytes(2) + b"\x80frame") for time in block_times
    )
    cluster = element("1F43B675", element("E7", b"\x00") + blocks, known=False)
    return element("1A45DFA3", b"") + element("18538067", info + cluster, known=False)


def test_a_duration_tells_where_sizes_do_not():
    assert missing_end(streamed(duration=500, block_times=[0, 100, 200, 300, 400])) is None
    assert missing_end(streamed(duration=600, block_times=[0, 100, 200, 300, 400])) is None
    assert missing_end(streamed(duration=1000, block_times=[0, 100, 200, 300, 400])) == (
        "it says that it lasts 1.00 s, its last frame begins at 0.40 s"
    )
    # A picture that stood still before may stand still again.
    assert missing_end(streamed(duration=1000, block_times=[0, 100, 400])) is None
    assert missing_end(streamed(duration=0, block_times=[0, 100])) is None
    assert missing_end(streamed(duration=9, block_times=[])) is None


def test_other_files_promise_nothing():
    assert missing_end(b"") is None
    assert missing_end(make_video(num_frames=2, container="mpegts")) is None
