"""Videos made in code, one for each way a file can be odd. Every frame carries its number as a
barcode.
"""

import io
import os
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from brokenvideos.frames import VideoIndex, index_video

UInt8Array = npt.NDArray[np.uint8]
BITS = 8


def barcode_frame(number: int, height: int = 48, width: int = 64) -> UInt8Array:
    """A texture that moves to the right, under a stripe of 8 black or white blocks, least
    significant bit on the left.
    """
    texture = np.random.default_rng(0).integers(40, 120, (height, width, 3), dtype=np.uint8)
    image = np.roll(texture, number, axis=1)
    block = width // BITS
    for bit in range(BITS):
        image[:16, bit * block : (bit + 1) * block] = 235 if number >> bit & 1 else 20
    return image


def barcode(rgb: UInt8Array) -> int:
    """The number of the frame that these pixels show."""
    block = rgb.shape[1] // BITS
    light = [rgb[4:12, bit * block + 2 : (bit + 1) * block - 2].mean() > 127 for bit in range(BITS)]
    return sum(1 << bit for bit, on in enumerate(light) if on)


def make_video(
    *,
    num_frames: int = 40,
    height: int = 48,
    width: int = 64,
    codec: str = "libx264",
    container: str = "mp4",
    pix_fmt: str = "yuv420p",
    fps: Fraction | int = 24,
    times: Sequence[int] | None = None,
    tick: Fraction | None = None,
    options: Mapping[str, str] | None = None,
    container_options: Mapping[str, str] | None = None,
    colour: int | None = None,
    full_range: bool = False,
    audio: bool = False,
) -> bytes:
    """A file whose frame i shows barcode i, at times[i] ticks (default: i / fps)."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=dict(container_options or {})) as output:
        try:
            stream = output.add_stream(codec, rate=fps, options=dict(options or {}))
        except av.codec.codec.UnknownCodecError:
            pytest.skip(f"this PyAV cannot encode {codec}")
        stream.height, stream.width, stream.pix_fmt = height, width, pix_fmt
        context = stream.codec_context
        context.thread_count = 1
        if tick is not None:
            context.time_base = stream.time_base = tick
        if colour is not None:
            context.colorspace = context.color_primaries = context.color_trc = colour
            context.color_range = 2 if full_range else 1
        sound = output.add_stream("aac", rate=16000, layout="mono") if audio else None
        for number in range(num_frames):
            image = av.VideoFrame.from_ndarray(barcode_frame(number, height, width), format="rgb24")
            frame = image.reformat(
                format=pix_fmt, dst_colorspace=colour, dst_color_range=2 if full_range else 1
            )
            frame.pts = number if times is None else times[number]
            frame.time_base = tick or 1 / Fraction(fps)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if sound is not None:
            silence = av.AudioFrame.from_ndarray(
                np.zeros((1, 16000), np.float32), format="fltp", layout="mono"
            )
            silence.sample_rate, silence.pts = 16000, 0
            output.mux(sound.encode(silence))
            output.mux(sound.encode(None))
    return file.getvalue()


def remux(
    data: bytes,
    *,
    container: str = "mp4",
    change: Callable[[list[bytes]], None] | None = None,
    first: int = 0,
    container_options: Mapping[str, str] | None = None,
    called_key: Callable[[bool], bool] = bool,
) -> bytes:
    """The packets from `first` on in a new container, their bytes as `change` leaves them.

    Args:
        called_key: whether the container calls a packet a key frame, given whether it is one.
    """
    file = io.BytesIO()
    options = dict(container_options or {})
    with (
        av.open(io.BytesIO(data)) as source,
        av.open(file, "w", format=container, options=options) as output,
    ):
        # Opaque: no encoder is looked for, FFmpeg has none of the name of its AV1 decoder.
        stream = output.add_stream_from_template(source.streams.video[0], opaque=True)
        packets = [packet for packet in source.demux(video=0) if packet.size][first:]
        payloads = [bytes(packet) for packet in packets]
        if change is not None:
            change(payloads)
        for packet, payload in zip(packets, payloads, strict=True):
            copy = av.Packet(payload)
            copy.pts, copy.dts, copy.time_base, copy.stream = (
                packet.pts,
                packet.dts,
                packet.time_base,
                stream,
            )
            copy.is_keyframe = called_key(packet.is_keyframe)
            output.mux(copy)
    return file.getvalue()


def edit_list(data: bytes, entries: Sequence[tuple[int, int]]) -> bytes:
    """The mp4 with these entries (milliseconds shown, first media tick shown) in place of its edit
    list of as many.
    """
    patched = bytearray(data)
    at = patched.index(b"elst") + 8
    assert struct.unpack_from(">I", patched, at)[0] == len(entries)
    for number, (shown_ms, media_time) in enumerate(entries):
        struct.pack_into(">Ii", patched, at + 4 + 12 * number, shown_ms, media_time)
    return bytes(patched)


def rotated(data: bytes, degrees: int) -> bytes:
    """The mp4 with a display matrix that turns it clockwise."""
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    patched = bytearray(data)
    one = 1 << 16
    matrix = (cos * one, sin * one, 0, -sin * one, cos * one, 0, 0, 0, 1 << 30)
    # ISO/IEC 14496-12, 8.3.2: the matrix of a version 0 track header stands 40 bytes after its
    # version.
    struct.pack_into(">9i", patched, patched.index(b"tkhd") + 44, *matrix)
    return bytes(patched)


def mirrored(data: bytes) -> bytes:
    """The mp4 with a display matrix that swaps left and right."""
    patched = bytearray(data)
    struct.pack_into(">i", patched, patched.index(b"tkhd") + 44, -1 << 16)
    return bytes(patched)


def hide(payloads: list[bytes]) -> None:
    """Clears show_frame in the header of VP8 packet 7, so that it becomes an alternate reference
    frame.
    """
    payloads[7] = bytes([payloads[7][0] & ~0x10]) + payloads[7][1:]


@dataclass(frozen=True)
class Recipe:
    """How a case is made, which barcodes a player shows of it, and whether its packets are
    addressed in the file.
    """

    make: Callable[[], bytes]
    shown: Sequence[int] = range(40)
    packets: bool = True
    keyframes: Sequence[int] = (0, 12, 24, 36)


B_FRAMES = {"g": "12", "bf": "3", "sc_threshold": "0"}
NO_B_FRAMES = {**B_FRAMES, "bf": "0"}
X265 = "pools=none:frame-threads=1:log-level=none:keyint=12:min-keyint=12:scenecut=0"
VP9 = {
    "g": "12",
    "lag-in-frames": "16",
    "auto-alt-ref": "1",
    "deadline": "realtime",
    "cpu-used": "8",
}
VARIABLE, TICK = [3 * i * i + 7 * i for i in range(40)], Fraction(1, 12800)
h264 = partial(make_video, options=B_FRAMES)
# In ticks of 1/12288 s a frame takes 512, and B-frames delay the first by 1024.
RECIPES: dict[str, Recipe] = {
    "h264 B-frames": Recipe(h264),
    "h264 no B-frames": Recipe(partial(make_video, options=NO_B_FRAMES)),
    "h264 open GOP": Recipe(
        partial(make_video, options={**B_FRAMES, "x264-params": "open-gop=1"}), keyframes=(0,)
    ),
    "h264 intra refresh": Recipe(
        partial(make_video, options={"g": "12", "x264-params": "intra-refresh=1"}), keyframes=(0,)
    ),
    "h264 repeated headers": Recipe(
        partial(make_video, options={**B_FRAMES, "x264-params": "repeat-headers=1"})
    ),
    "h264 variable rate": Recipe(partial(h264, times=VARIABLE, tick=TICK)),
    "h264 fragmented": Recipe(
        partial(h264, container_options={"movflags": "frag_keyframe+empty_moov"})
    ),
    "h264 late start": Recipe(partial(h264, times=range(10, 50))),
    "h264 edit list cuts start": Recipe(
        lambda: edit_list(h264(), [(1667, 1024 + 5 * 512)]), range(5, 40)
    ),
    "h264 edit list cuts both ends": Recipe(
        lambda: edit_list(h264(), [(300, 1024 + 17 * 512)]), range(17, 25), keyframes=(0, 12, 24)
    ),
    "h264 edit list shows frames twice": Recipe(
        lambda: edit_list(
            make_video(options=NO_B_FRAMES, times=range(10, 50)), [(250, 20 * 512), (500, 14 * 512)]
        ),
        [*range(20, 26), *range(14, 26)],
        packets=False,
    ),
    "h264 edit list begins inside a frame": Recipe(
        lambda: edit_list(
            make_video(options=NO_B_FRAMES, times=range(10, 50)), [(1, -1), (1600, 2 * 512 + 256)]
        ),
        range(3, 40),
    ),
    "h264 decode times before zero": Recipe(
        partial(
            h264,
            container="mov",
            container_options={"use_editlist": "0", "movflags": "negative_cts_offsets"},
        )
    ),
    "h264 rotated 90": Recipe(lambda: rotated(h264(), 90)),
    "h264 rotated 180": Recipe(lambda: rotated(h264(), 180)),
    "h264 rotated 270": Recipe(lambda: rotated(h264(), 270)),
    "h264 odd size": Recipe(partial(h264, height=47, width=63, pix_fmt="yuv444p")),
    "h264 10 bit": Recipe(partial(h264, pix_fmt="yuv420p10le")),
    "h264 one frame": Recipe(partial(h264, num_frames=1), range(1), keyframes=(0,)),
    "h264 audio": Recipe(partial(h264, audio=True)),
    "h264 bt709 full range": Recipe(partial(h264, colour=1, full_range=True)),
    "h264 mov": Recipe(partial(h264, container="mov")),
    "h264 mkv": Recipe(partial(h264, container="matroska"), packets=False),
    "h264 ts": Recipe(partial(h264, container="mpegts"), packets=False),
    "hevc variable rate": Recipe(
        partial(
            make_video,
            codec="libx265",
            options={"x265-params": X265 + ":open-gop=0"},
            times=VARIABLE,
            tick=TICK,
        )
    ),
    "hevc edit list cuts start, odd size": Recipe(
        lambda: edit_list(
            make_video(
                codec="libx265",
                height=47,
                width=63,
                pix_fmt="yuv444p",
                options={"x265-params": X265 + ":open-gop=0"},
            ),
            [(1667, 1024 + 5 * 512)],
        ),
        range(5, 40),
    ),
    "hevc open GOP": Recipe(
        partial(make_video, codec="libx265", options={"x265-params": X265}),
        keyframes=(0, 8, 20, 33),
    ),
    # The pictures that lead the first key frame need frames that were cut away; the muxer's edit
    # list hides them.
    "hevc cut in an open GOP": Recipe(
        lambda: remux(make_video(codec="libx265", options={"x265-params": X265}), first=8),
        range(12, 40),
        keyframes=(0, 12, 25),
    ),
    "hevc temporal layers": Recipe(
        partial(
            make_video,
            codec="libx265",
            options={"x265-params": X265 + ":open-gop=0:temporal-layers=3"},
        )
    ),
    "av1": Recipe(
        partial(make_video, codec="libsvtav1", height=64, options={"g": "12", "preset": "10"})
    ),
    "vp9 mp4": Recipe(partial(make_video, codec="libvpx-vp9", options=VP9)),
    "vp9 variable rate, odd size": Recipe(
        partial(
            make_video,
            codec="libvpx-vp9",
            height=47,
            width=63,
            options=VP9,
            times=VARIABLE,
            tick=TICK,
        )
    ),
    "av1 variable rate": Recipe(
        partial(
            make_video,
            codec="libsvtav1",
            height=64,
            options={"g": "12", "preset": "10"},
            times=VARIABLE,
            tick=TICK,
        )
    ),
    "vp9 webm": Recipe(
        partial(make_video, codec="libvpx-vp9", container="webm", options=VP9), packets=False
    ),
    "vp8 webm": Recipe(
        lambda: remux(
            make_video(codec="libvpx", container="webm", options={"g": "40"}),
            container="webm",
            change=hide,
        ),
        [i for i in range(40) if i != 7],
        packets=False,
    ),
    "mpeg4": Recipe(
        partial(make_video, codec="mpeg4", options={"g": "12", "bf": "2"}),
        keyframes=(0, 10, 22, 34),
    ),
    "mpeg4 edit list cuts start": Recipe(
        lambda: edit_list(
            make_video(codec="mpeg4", options={"g": "12", "bf": "2"}), [(1667, 512 + 5 * 512)]
        ),
        range(5, 40),
        keyframes=(0, 10, 22, 34),
    ),
    "mpeg4 variable rate": Recipe(
        partial(
            make_video, codec="mpeg4", options={"g": "12", "bf": "2"}, times=VARIABLE, tick=TICK
        ),
        keyframes=(0, 10, 22, 34),
    ),
    "mpeg4 avi": Recipe(partial(make_video, codec="mpeg4", container="avi", options={"g": "12"})),
    "mpeg4 with its colour in the container only": Recipe(
        partial(make_video, codec="mpeg4", options={"g": "12"}, colour=1), packets=False
    ),
    "mjpeg avi": Recipe(
        partial(make_video, codec="mjpeg", container="avi", pix_fmt="yuvj420p"), packets=False
    ),
}


def every_frame(data: bytes, *, size: tuple[int, int] | None = None) -> UInt8Array:
    """What PyAV alone shows, from the first frame to the last: RGB uint8[T, H, W, 3]."""
    scale = {} if size is None else {"height": size[0], "width": size[1]}
    with av.open(io.BytesIO(data)) as container:
        return np.stack(
            [frame.to_ndarray(format="rgb24", **scale) for frame in container.decode(video=0)]
        )


@dataclass(frozen=True)
class Video:
    """One case: its bytes, its index, and what PyAV alone shows of it."""

    name: str
    recipe: Recipe
    data: bytes
    index: VideoIndex
    frames: UInt8Array


@cache
def cooked(name: str) -> Video:
    data = RECIPES[name].make()
    return Video(name, RECIPES[name], data, index_video(data), every_frame(data))


@pytest.fixture(params=list(RECIPES))
def video(request: pytest.FixtureRequest) -> Video:
    """Each recipe in turn; the file is made once."""
    return cooked(request.param)


@pytest.fixture(scope="session")
def real_videos() -> list[Path]:
    root = os.environ.get("BROKENVIDEOS_REAL_DATA")
    if not root:
        pytest.skip("BROKENVIDEOS_REAL_DATA is unset: it names the folder with real videos")
    return sorted(Path(root, "videos").glob("*.mp4"))


@pytest.fixture(scope="session", name="make_video")
def _make_video() -> Callable[..., bytes]:
    return make_video


@pytest.fixture(scope="session", name="remux")
def _remux() -> Callable[..., bytes]:
    return remux


@pytest.fixture(scope="session", name="every_frame")
def _every_frame() -> Callable[..., UInt8Array]:
    return every_frame


@pytest.fixture(scope="session", name="barcode")
def _barcode() -> Callable[[UInt8Array], int]:
    return barcode


@pytest.fixture(scope="session", name="barcode_frame")
def _barcode_frame() -> Callable[..., UInt8Array]:
    return barcode_frame
