import io
import pickle
import struct

import numpy as np
import pytest
from PIL import Image

from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.raw.tfrecord import parse_example
from brokenvideos.builder.raw.video import Problem, RawError

HEAT = np.zeros((64, 64), np.uint8)
HEAT[8:40, 4:20] = 170  # two of three raters
HEAT[40:60, 30:50] = 85  # one of them
HEAT[50, 60] = 128


def image(pixels, kind="PNG"):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return stream.getvalue()


def crc32c(data):
    """Bit by bit, unlike the table of the reader."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    value ^= 0xFFFFFFFF
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) % 2**32)


def test_the_checksum_is_that_of_the_standard():
    # RFC 3720, B.4: CRC-32C of 32 zero bytes is aa 36 91 8a; turned and moved as TFRecord does.
    value = int.from_bytes(bytes.fromhex("aa36918a"), "little")
    assert crc32c(bytes(32)) == struct.pack(
        "<I", ((value >> 15 | value << 17) + 0xA282EAD8) % 2**32
    )


def varint(number):
    data = bytearray()
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    return bytes([*data, number])


def field(number, content):
    return varint(number << 3 | 2) + varint(len(content)) + content


def example(**features):
    entries = b""
    for name, value in features.items():
        if isinstance(value, bytes):
            feature = field(1, field(1, value))
        elif isinstance(value, float):
            feature = field(2, field(1, struct.pack("<f", value)))
        else:
            feature = field(3, field(1, varint(value)))
        entries += field(1, field(1, name.encode()) + field(2, feature))
    return field(1, entries)


def record(data):
    length = struct.pack("<Q", len(data))
    return length + crc32c(length) + data + crc32c(data)


def richhf(name="train/a.png", heat=HEAT, kind="PNG", **more):
    return record(
        example(
            filename=name.encode(),
            aesthetics_score=0.5,
            artifact_score=0.25,
            artifact_map=image(heat, kind),
            misalignment_map=image(heat * 0 + 255),
            prompt_misalignment_label=b"1 0 1",
            **more,
        )
    )


PHOTO = image(np.zeros((64, 64, 3), np.uint8))


def test_a_map_marks_where_two_of_three_raters_agree(write_raw):
    raw = write_raw({"dev.tfrecord": richhf("x/b.png") + richhf(), "images/a.png": PHOTO})
    (found,), problems = read_layout(raw, artifact_type="deformation")
    assert problems == []  # b has a record and no image
    assert (found.video_id, found.annotated_frames, found.split) == ("a", (0,), "validation")
    assert (
        found.source["notes"]
        == "artifact_score 0.25; one still image, a.png, encoded once as H.264 at crf 10"
    )
    (frame,) = pickle.loads(pickle.dumps(found.masks)).read()
    assert (frame.frame_index, frame.planes[0].dtype) == (0, np.uint16)
    assert np.array_equal(frame.planes[0], HEAT >= 128)
    assert frame.planes[0].sum() == 32 * 16 + 1


def test_a_jpeg_map_of_another_size_is_stretched_over_its_image(write_raw):
    photo = image(np.zeros((96, 160, 3), np.uint8))
    raw = write_raw({"mine.tfrecord": richhf(kind="JPEG"), "images/test/a.png": photo})
    (found,), problems = read_layout(raw, artifact_type="deformation")
    assert (problems, found.split) == ([], "test")
    ((plane,),) = (frame.planes for frame in found.masks.read())
    rows, columns = np.flatnonzero(plane[:, 20]), np.flatnonzero(plane[20])
    assert plane.shape == (96, 160)
    assert np.allclose([rows[0], rows[-1], columns[0], columns[-1]], [12, 59, 10, 49], atol=1)


def test_a_map_below_the_threshold_makes_a_normal_video(write_raw):
    raw = write_raw({"test.tfrecord": richhf(heat=HEAT // 2), "images/a.png": PHOTO})
    (found,), _ = read_layout(raw, artifact_type="deformation")
    assert [frame.planes[0].any() for frame in found.masks.read()] == [False]


def test_features_of_every_kind():
    packed = field(2, field(1, struct.pack("<2f", 1.5, -2.0)))
    unpacked = field(3, varint(1 << 3) + varint(300) + varint(1 << 3) + varint(7))
    entries = b"".join(
        field(1, field(1, name) + field(2, value))
        for name, value in (
            (b"f", packed),
            (b"i", unpacked),
            (b"b", field(1, field(1, b"x") + field(1, b"y"))),
        )
    )
    assert parse_example(field(1, entries)) == {"f": (1.5, -2.0), "i": (300, 7), "b": (b"x", b"y")}


WHOLE = richhf()
BAD_FILES = {
    "not a TFRecord": (
        b"\x1f\x8b" * 20,
        "no record at byte 0; wanted an uncompressed TFRecord file: download it again",
    ),
    "cut off": (
        WHOLE + WHOLE[:50],
        f"the record at byte {len(WHOLE)} is cut off; download the file again",
    ),
    "a pointer of Git LFS": (
        b"version https://git-lfs.github.com/spec/v1",
        "no record at byte 0; wanted an uncompressed TFRecord file: download it again",
    ),
    "no example": (
        record(b"\xff" * 9),
        "a record is not a tf.train.Example; download the file again",
    ),
    "another example": (
        record(example(label=3)),
        "a record has no filename; wanted the records of RichHF-18K",
    ),
    "twice": (WHOLE + WHOLE, "image a is also in train.tfrecord"),
}


@pytest.mark.parametrize(("content", "what"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_file_that_is_no_richhf(write_raw, content, what):
    raw = write_raw({"train.tfrecord": content, "images/a.png": PHOTO})
    assert Problem("train.tfrecord", what) in read_layout(raw, artifact_type="blur")[1]


def test_a_damaged_record_is_refused_when_it_is_read(write_raw):
    damaged = bytearray(WHOLE)
    damaged[len(WHOLE) - 60] ^= 1
    raw = write_raw({"train.tfrecord": bytes(damaged), "images/a.png": PHOTO})
    (found,), problems = read_layout(raw, artifact_type="blur")
    assert problems == []
    with pytest.raises(RawError) as caught:
        list(found.masks.read())
    assert (
        str(caught.value)
        == f"{raw}/train.tfrecord: the record at byte 0 is damaged; download the file again"
    )


def test_a_map_that_is_no_image(write_raw):
    content = record(example(filename=b"a.png", artifact_map=b"no image"))
    raw = write_raw({"train.tfrecord": content, "images/a.png": PHOTO})
    (found,), _ = read_layout(raw, artifact_type="blur")
    with pytest.raises(RawError) as caught:
        list(found.masks.read())
    what = (
        "record at byte 0 artifact_map: not a JPEG, PNG or WebP image, or a damaged one; copy "
        "this image again"
    )
    assert str(caught.value) == f"{raw}/train.tfrecord {what}"


def test_images_without_records(write_raw):
    raw = write_raw({"train.tfrecord": richhf(), "images/a.png": PHOTO, "images/z.png": PHOTO})
    what = (
        'no masks; wanted a record of z in a .tfrecord file: add them, or say label "normal" in '
        "videos.jsonl if nothing is "
        "marked"
    )
    assert read_layout(raw, artifact_type="blur")[1] == [Problem("images/z.png", what)]


def test_records_without_images(write_raw):
    raw = write_raw({"train.tfrecord": richhf()})
    what = (
        "1 .tfrecord files here and 0 images in images/; wanted train.tfrecord (dev, test) and the "
        "Pick-a-Pic images that it names, .jpg, .jpeg, .png or .webp"
    )
    assert read_layout(raw, artifact_type="blur") == ([], [Problem(".", what)])
