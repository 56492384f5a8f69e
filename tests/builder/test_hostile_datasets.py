"""Files of other people's datasets with flipped bytes, odd values or bombs in them give sound masks
or one clear error.
"""

import io
import json
import os
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from PIL import Image

from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.raw.binary_png import read_binary_png
from brokenvideos.builder.raw.stills import encode_still, read_still
from brokenvideos.builder.raw.video import RawError
from brokenvideos.frames import VideoError, encode_video
from tests.foreign_sets import checksum, tfrecord

FUZZ = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    database=None,
)
FLIPS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4
)
CUTS = st.one_of(st.none(), st.floats(0, 1))
BITMAP = np.zeros((10, 16), np.uint8)
BITMAP[1:4, 2] = BITMAP[3, 2:7] = 255


def flipped(data, flips, cut):
    changed = bytearray(data)
    for place, bits in flips:
        changed[int(place * len(changed))] ^= bits
    return bytes(changed if cut is None else changed[: int(cut * len(changed))])


def png(pixels=BITMAP):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def zipped(content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.png", content)
    return stream.getvalue()


BOX = {"frame": 0, "x": 2, "y": 1.5, "width": 4, "height": 3}
GENEVA = [{"video": "a.mp4", "model": "x", "artifacts": [{"category": "blur", "boxes": [BOX]}]}]
FILES = {
    "pal4vst": ("labels/a.png", png()),
    "anakin": ("masks/a.zip", zipped(png())),
    "richhf": (
        "train.tfrecord",
        tfrecord(filename=b"a.png", artifact_map=png(), artifact_score=b"0"),
    ),
    "geneva": ("geneva.json", json.dumps(GENEVA).encode()),
}


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    encode_video(path, np.zeros((1, 10, 16, 3), np.uint8), fps=1)
    return path.read_bytes()


def folder_of(raw, layout, video, content):
    files = {"images/a.png": png()} if layout in ("pal4vst", "richhf") else {}
    files |= {"anakin": {"edited/a.mp4": video}, "geneva": {"videos/a.mp4": video}}.get(layout, {})
    for name, data in (files | {FILES[layout][0]: content}).items():
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).write_bytes(data)
    return raw


def frames_of(raw, layout):
    """Every label map; None where the folder is refused."""
    try:
        records, problems = read_layout(raw, layout=layout, artifact_type="blur")
        found = [
            plane for record in records for frame in record.masks.read() for plane in frame.planes
        ]
    except RawError:
        return None
    assert all(str(problem) for problem in problems)
    assert all(plane.dtype == np.uint16 and plane.ndim == 2 for plane in found)
    return found


@pytest.mark.parametrize("layout", FILES)
@given(flips=FLIPS, cut=CUTS)
@FUZZ
def test_flipped_bytes(tmp_path_factory, layout, video, flips, cut):
    raw = tmp_path_factory.mktemp("raw", numbered=True)
    content = FILES[layout][1]
    (plane,) = frames_of(folder_of(raw, layout, video, content), layout)
    assert plane.any()
    frames_of(folder_of(raw, layout, video, flipped(content, flips, cut)), layout)


@given(flips=FLIPS, cut=CUTS, kind=st.sampled_from(["PNG", "JPEG", "WEBP"]))
@FUZZ
def test_flipped_bytes_of_an_image(tmp_path_factory, flips, cut, kind):
    stream = io.BytesIO()
    Image.fromarray(
        np.arange(12 * 18 * 3, dtype=np.uint16).reshape(12, 18, 3).astype(np.uint8)
    ).save(stream, kind)
    path = tmp_path_factory.mktemp("image", numbered=True) / "a.png"
    path.write_bytes(flipped(stream.getvalue(), flips, cut))
    try:
        assert encode_still(path)[4:8] == b"ftyp"
    except VideoError:
        return


ODD = [
    None,
    True,
    -1,
    0.5,
    1e308,
    float("nan"),
    float("inf"),
    2**70,
    "",
    "\ud800",
    "../x",
    [],
    [[]],
    {},
]


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_odd_values(tmp_path, video, odd):
    (entry,) = GENEVA
    (artifact,) = entry["artifacts"]
    changed = [odd, [odd]]
    changed += [[entry | {key: odd}] for key in entry]
    changed += [[entry | {"artifacts": [artifact | {key: odd}]}] for key in artifact]
    changed += [[entry | {"artifacts": [artifact | {"boxes": [BOX | {key: odd}]}]}] for key in BOX]
    for value in changed:
        frames_of(folder_of(tmp_path, "geneva", video, json.dumps(value).encode()), "geneva")


def chunk(kind, content):
    return (
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
    )


def bomb(width, height, colour):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + chunk(b"IDAT", zlib.compress(b"\0" * 2**20))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [9_000, 12_000, 2**16])
@pytest.mark.parametrize(
    ("read", "colour"), [(read_still, 2), (read_binary_png, 0), (read_binary_png, 2)]
)
def test_an_image_bomb(side, read, colour):
    data = bomb(side, side, colour)
    tracemalloc.start()
    with pytest.raises(RawError, match=r"^a\.png: .*pixels"):
        read(data, where="a.png")
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 2**23


def test_a_record_that_says_it_is_long(tmp_path):
    length = struct.pack("<Q", 2**40)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(png())
    (tmp_path / "train.tfrecord").write_bytes(length + checksum(length))
    _, problems = read_layout(tmp_path, artifact_type="blur")
    assert (
        "train.tfrecord: the record at byte 0 has 1099511627776 bytes, at most 67108864 are read"
        in map(str, problems)
    )
