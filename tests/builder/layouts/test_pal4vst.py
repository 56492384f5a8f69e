import io
import pickle

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

import brokenvideos
from brokenvideos.builder import BuildOptions, build, verify
from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.raw.stills import encode_still
from brokenvideos.builder.raw.video import Problem, RawError
from brokenvideos.frames import VideoError, iter_frames

HEIGHT, WIDTH = 40, 56
ELL = np.zeros((HEIGHT, WIDTH), np.uint8)
ELL[4:30, 6:10] = ELL[26:30, 6:40] = 1


def photo(kind="JPEG", size=(WIDTH, HEIGHT)):
    """Red grows to the right, green downwards, so that a turned or mirrored picture shows."""
    y, x = np.mgrid[: size[1], : size[0]]
    rgb = np.stack([x * 255 // size[0], y * 255 // size[1], np.full_like(x, 60)], -1).astype(
        np.uint8
    )
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, kind)
    return stream.getvalue()


def masks_of(record):
    return [
        (frame.frame_index, [plane.tolist() for plane in frame.planes])
        for frame in record.masks.read()
    ]


WHITE = Image.fromarray(ELL * 255).convert("RGB")
LABELS = {
    "0 and 1": ELL,
    "0 and 255": ELL * 255,
    "1 bit": ELL.astype(bool),
    "palette": Image.fromarray(ELL).convert("P"),
    "white": WHITE,
    "white with alpha": WHITE.convert("RGBA"),
}


@pytest.mark.parametrize("label", LABELS.values(), ids=LABELS)
def test_a_label_marks_the_one_frame_of_its_image(write_raw, label):
    raw = write_raw({"images/a.jpg": photo(), "labels/a.png": label})
    (record,), problems = read_layout(raw, artifact_type="deformation")
    assert problems == []
    assert (record.video_id, record.video_path, record.annotated_frames) == (
        "a",
        raw / "images/a.jpg",
        (0,),
    )
    assert (record.default_artifact_type, record.generator, record.split) == (
        "deformation",
        "unknown",
        None,
    )
    assert record.source == {"notes": "one still image, a.jpg, encoded once as H.264 at crf 10"}
    assert masks_of(pickle.loads(pickle.dumps(record))) == [(0, [ELL.tolist()])]


def test_folders_give_the_split_and_lines_the_rest(write_raw):
    raw = write_raw(
        {
            "images/train/a.jpg": photo(),
            "labels/train/a.png": ELL,
            "images/val/b.png": photo("PNG"),
            "labels/val/b.png": ELL * 0,
            "images/test/c.webp": photo("WEBP"),
            "videos.jsonl": [
                {"video_id": "b", "generator": "ldm", "source": {"notes": "n"}},
                {"video_id": "c", "label": "normal"},
            ],
        }
    )
    records, problems = read_layout(raw, artifact_type="blur", generator="gan")
    assert problems == []
    assert [(r.video_id, r.generator, r.split) for r in records] == [
        ("a", "gan", "train"),
        ("b", "ldm", "validation"),
        ("c", "gan", None),
    ]
    assert (
        records[1].source["notes"] == "n; one still image, b.png, encoded once as H.264 at crf 10"
    )
    assert [len(list(record.masks.read())) for record in records] == [1, 1, 0]


@pytest.mark.parametrize("size", [(WIDTH, HEIGHT), (57, 41)])
def test_a_release_of_images_is_built_verified_and_read(write_raw, tmp_path, size):
    label = np.zeros(size[::-1], np.uint8)
    label[3:20, 5:9] = 1
    raw = write_raw(
        {
            "images/a.jpg": photo(size=size),
            "labels/a.png": label,
            "images/b.png": photo("PNG", size),
            "labels/b.png": label * 0,
        }
    )
    release = tmp_path / "release"
    build(raw, release, BuildOptions(artifact_type="blur", num_shards={"test": 1}))
    assert verify(release, raw=raw).findings == ()
    (path,) = (release / "data").glob("*.parquet")
    first, second = pq.read_table(path).sort_by("video_id").to_pylist()
    assert [first["label"], second["label"], first["num_frames"], first["video"]["path"]] == [
        1,
        0,
        1,
        "a.mp4",
    ]
    assert first["source"]["layout"] == "pal4vst"
    assert np.array_equal(brokenvideos.decode_masks(first)[0], label)
    ((_, rgb),) = iter_frames(second["video"]["bytes"])
    original = np.asarray(Image.open(io.BytesIO(photo("PNG", size))))
    assert np.abs(rgb.astype(int) - original).mean() < 4


def test_an_image_gives_the_same_bytes_each_time(tmp_path):
    (tmp_path / "a.png").write_bytes(photo("PNG"))
    assert encode_still(tmp_path / "a.png") == encode_still(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (photo()[:200], "not a JPEG, PNG or WebP image, or a damaged one; copy this image again"),
        (b"GIF89a", "not a JPEG, PNG or WebP image, or a damaged one; copy this image again"),
    ],
)
def test_an_image_that_cannot_be_read(tmp_path, data, what):
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(VideoError) as caught:
        encode_still(tmp_path / "a.jpg")
    assert str(caught.value) == f"{tmp_path}/a.jpg: {what}"


NOT_BINARY = {
    "void": (np.where(ELL, 255, 1).astype(np.uint8), "not binary: values 1, 255 beside 0"),
    "ids": (
        np.arange(12, dtype=np.uint8).reshape(3, 4),
        "not binary: values 1, 2, 3, 4, 5 and more beside 0",
    ),
    "grey": (ELL * 128, "not binary: values 128 beside 0"),
}


@pytest.mark.parametrize(("label", "what"), NOT_BINARY.values(), ids=NOT_BINARY)
def test_a_label_of_more_than_two_values_is_refused(write_raw, label, what):
    raw = write_raw({"images/a.jpg": photo(), "labels/a.png": label})
    (record,), _ = read_layout(raw, artifact_type="blur")
    with pytest.raises(RawError) as caught:
        list(record.masks.read())
    wanted = "wanted 0 and 1, or 0 and 255: export the mask again"
    assert str(caught.value) == f"{raw}/labels/a.png: {what}; {wanted}"


def test_coloured_labels_are_refused(write_raw):
    raw = write_raw(
        {"images/a.jpg": photo(), "labels/a.png": Image.new("RGB", (4, 3), (255, 0, 0))}
    )
    (record,), _ = read_layout(raw, artifact_type="blur")
    with pytest.raises(RawError) as caught:
        list(record.masks.read())
    what = "the PNG is RGB, wanted 8-bit grey or palette; export object ids, not colours"
    assert str(caught.value) == f"{raw}/labels/a.png: {what}"


def test_everything_that_is_wrong_is_listed(write_raw):
    raw = write_raw(
        {
            "images/a.jpg": photo(),
            "images/train/a.png": b"",
            "images/notes.txt": b"",
            "images/b c.jpg": b"",
            "images/d.jpg": photo(),
            "images/test/e.jpg": photo(),
            "labels/a.png": ELL,
            "labels/f.png": ELL,
            "labels/train/e.png": ELL,
        }
    )
    read_by = (
        ".jpg, .jpeg, .png, .webp, or folders train, val, validation, dev, test of them: "
        "move it out"
    )
    assert read_layout(raw, artifact_type="blur")[1] == [
        Problem(
            "images/b c.jpg",
            "the video_id 'b c' is not 1 to 128 of A-Z, a-z, 0-9, _ and -; rename the file",
        ),
        Problem(
            "images/d.jpg",
            "no masks; wanted labels/d.png (in the folder of its split): add them, or say label "
            '"normal" in videos.jsonl '
            "if nothing is marked",
        ),
        Problem("images/notes.txt", f"not a file of this layout; wanted {read_by}"),
        Problem(
            "images/train/a.png",
            "image a is also images/a.jpg; wanted one file: rename one of the two",
        ),
        Problem(
            "labels/f.png",
            "no image images/f.jpg (or .jpeg, .png or .webp); add it, or remove this",
        ),
        Problem(
            "labels/train/e.png",
            "its image is images/test/e.jpg; wanted the same split: move one of the two",
        ),
    ]


def test_a_folder_without_images(write_raw):
    raw = write_raw({"images/": None, "labels/a.png": ELL})
    what = (
        "no image found; wanted .jpg, .jpeg, .png or .webp files in images/, or images/train/ "
        "and so on"
    )
    assert read_layout(raw, artifact_type="blur") == ([], [Problem(".", what)])
