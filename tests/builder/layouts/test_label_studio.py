import json
import pickle

import numpy as np
import pytest

from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.layouts.label_studio import decode_brush
from brokenvideos.builder.raw.video import Problem, RawError
from tests.label_studio_brush import PICTURE, RLE

BITMAP = np.array([[int(pixel) for pixel in row] for row in PICTURE])


def literal_rle(bitmap):
    """The other kind of block: values as they are."""
    values = np.repeat(bitmap.ravel(), 4).astype(np.uint8) * 255
    bits = f"{len(values):032b}{7:05b}{2:04b}{3:04b}{7:04b}{15:04b}0{2:02b}{len(values) - 1:08b}"
    bits += "".join(f"{value:08b}" for value in values)
    bits += "0" * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


def region(name="r1", labels=("blur",), **value):
    value = {"format": "rle", "rle": RLE, "brushlabels": list(labels), **value}
    return {
        "id": name,
        "type": "brushlabels",
        "original_width": 7,
        "original_height": 5,
        "image_rotation": 0,
        "value": value,
    }


def moving(name, *sequence, labels=("blur",)):
    value = {"brushlabels": list(labels), "sequence": list(sequence)}
    return {
        "id": name,
        "type": "brushlabels",
        "original_width": 7,
        "original_height": 5,
        "value": value,
    }


def task(*regions, **data):
    return {
        "id": 1,
        "data": data,
        "annotations": [{"id": 1, "was_cancelled": False, "result": list(regions)}],
    }


def other(kind, labels=(), **value):
    return {"id": "o", "type": kind, "value": {kind: list(labels), **value}}


def write(write_raw, *tasks):
    return write_raw({"tasks.json": json.dumps(tasks).encode(), "videos/a.mp4": None})


def planes(record):
    return {
        frame.frame_index: [plane.tolist() for plane in frame.planes]
        for frame in record.masks.read()
    }


def number(name, value):
    return {
        "id": name,
        "type": "number",
        "from_name": "object_id",
        "to_name": "image",
        "value": {"number": value},
    }


def test_a_number_of_a_region_says_which_object_it_is_of(write_raw):
    raw = write(
        write_raw,
        task(
            region("r1"),
            number("r1", 40),
            region("r2", labels=["motion"]),
            number("r2", 5.0),
            image="a/0.png",
        ),
        task(region("r1"), number("r1", 40), region("r3"), image="a/2.png"),
    )
    (record,), problems = read_layout(raw)
    assert (problems, record.objects) == ([], {5: "motion", 40: "blur", 41: "blur"})
    found = {
        frame.frame_index: [plane.max() for plane in frame.planes] for frame in record.masks.read()
    }
    assert found == {0: [5, 40], 2: [40, 41]}
    assert all(frame.rules == () for frame in record.masks.read())


def test_a_number_of_a_region_of_a_video(write_raw):
    raw = write(
        write_raw, task(moving("x", {"frame": 3, "rle": RLE}), number("x", 9), video="a.mp4")
    )
    (record,), problems = read_layout(raw)
    assert (problems, record.objects, list(planes(record))) == ([], {9: "blur"}, [2])


@pytest.mark.parametrize("value", [0, 70000, 1.5, None, "7", True])
def test_a_number_that_is_no_object(write_raw, value):
    _, problems = read_layout(
        write(write_raw, task(region("r1"), number("r1", value), image="a/0.png"))
    )
    what = (
        f"object_id is {value!r} of region 'r1', wanted a whole number from 1 to 65535 of a region"
    )
    assert problems == [Problem("tasks.json", f"[0]: result[1]: {what}")]


def test_one_number_has_one_label(write_raw):
    second = task(region("r1", labels=["motion"]), number("r1", 4), image="a/1.png")
    _, problems = read_layout(
        write(write_raw, task(region("r1"), number("r1", 4), image="a/0.png"), second)
    )
    what = "object_id 4 has the labels 'blur' and 'motion'; wanted one label per object"
    assert problems == [Problem("tasks.json", f"[1]: result[0]: {what}")]


@pytest.mark.parametrize("rle", [RLE, literal_rle(BITMAP)], ids=["runs", "literal"])
def test_a_brush_is_four_channels_in_row_major_order(rle):
    assert decode_brush(rle, height=5, width=7).astype(int).tolist() == BITMAP.tolist()


@pytest.mark.parametrize(
    "image", ["/data/local-files/?d=frames/a/00004.png", "s3://bucket/a/4.jpg", "a/00004.jpeg"]
)
def test_frames_as_images_count_from_0_and_a_label_is_an_object(write_raw, image):
    raw = write(
        write_raw,
        task(
            region("x"),
            region("y", ["motion"]),
            region("z", rle=literal_rle(np.eye(5, 7))),
            image=image,
        ),
        task(image="a/00009.png"),
        {"data": {"image": "a/00010.png"}, "annotations": []},
        {"data": {"image": "a/00011.png"}, "annotations": [{"was_cancelled": True, "result": []}]},
    )
    (record,), problems = read_layout(raw)
    assert problems == []
    assert (record.video_id, record.annotated_frames, record.objects) == (
        "a",
        (4, 9),
        {1: "blur", 2: "motion"},
    )
    joined = np.maximum(BITMAP, np.eye(5, 7, dtype=int))
    assert planes(record) == {4: [joined.tolist(), (2 * BITMAP).tolist()]}
    assert pickle.loads(pickle.dumps(record.masks)) == record.masks


ADDRESSES = [
    "https://bucket.example/frames/a/00004.png?X-Signature=0a%2F1b.2c",
    "https://bucket.example/a/4.PNG#top",
    "gs://bucket/frames/a/00004.webp",
    "s3://bucket/frames/a/00004.png?versionId=3",
    "/data/local-files/?d=frames\\a\\00004.png",
    "/data/local-files/?d=frames%2Fa%2F00004.png",
    "D:\\frames\\a\\00004.jpg",
    "/data/frames%5Ca%5C00004.png",
    "/data/take#1/a/00004.png",
]


@pytest.mark.parametrize("image", ADDRESSES)
def test_a_frame_is_found_in_any_address(write_raw, image):
    (record,), problems = read_layout(write(write_raw, task(region(), image=image)))
    assert (problems, planes(record)) == ([], {4: [BITMAP.tolist()]})


@pytest.mark.parametrize(
    "video",
    [
        "https://bucket.example/x/a.MP4?sig=/0a.1b#t=3",
        "/data/local-files/?d=x\\a.mp4",
        "s3://bucket/a.webm",
    ],
)
def test_a_video_is_found_in_any_address(write_raw, video):
    raw = write(write_raw, task(moving("q", {"frame": 1, "rle": RLE}), video=video))
    (record,), problems = read_layout(raw)
    assert (problems, record.video_id, planes(record)) == ([], "a", {0: [BITMAP.tolist()]})


def test_what_is_no_brush_is_passed_over_and_counted(write_raw):
    choice, relation = (
        other("choices", ["blur"]),
        {"type": "relation", "from_id": "x", "to_id": "y", "labels": []},
    )
    raw = write(
        write_raw,
        task(region(), choice, relation, other("rectanglelabels", ["face"]), image="a/0.png"),
        task(choice, other("textarea", text=["bad"]), image="a/1.png"),
    )
    (record,), problems = read_layout(raw)
    assert (problems, record.annotated_frames, record.objects) == ([], (0, 1), {1: "blur"})
    (frame,) = record.masks.read()
    note = (
        "tasks.json has regions that are not brushes and were ignored: 2 'choices', 1 "
        "'rectanglelabels', 1 'relation', "
    )
    assert (frame.frame_index, frame.rules) == (0, (note + "1 'textarea'",))


def test_answers_alone_are_told_too(write_raw):
    (record,), problems = read_layout(
        write(write_raw, task(other("choices", ["fine"]), image="a/3.png"))
    )
    (frame,) = record.masks.read()
    assert (problems, record.annotated_frames, frame.planes) == ([], (3,), ())
    assert frame.rules == (
        "tasks.json has regions that are not brushes and were ignored: 1 'choices'",
    )


def test_videos_count_frames_from_1_and_a_region_is_an_object(write_raw):
    shown, hidden = {"frame": 1, "rle": RLE}, {"frame": 3, "rle": RLE, "enabled": False}
    raw = write(
        write_raw,
        task(
            moving("q", shown, hidden),
            moving("b", {"frame": 3, "rle": RLE, "enabled": True}),
            video="/up/1/a.mp4",
        ),
    )
    (record,), problems = read_layout(raw)
    assert (problems, record.annotated_frames, record.objects) == ([], None, {1: "blur", 2: "blur"})
    assert planes(record) == {0: [(2 * BITMAP).tolist()], 2: [BITMAP.tolist()]}


STRUCTURES = {
    "no task": ([1], "[0]: 1, wanted a task with data and annotations, as the JSON export (not "
                     "JSON-MIN) has"),
    "no place": (
        [task(text="x")],
        "[0]: data is {'text': 'x'}, wanted one of data.image and data.video, the address of a "
        "frame or a video",
    ),
    "no frame": (
        [task(image=f"https://bucket.example/{'deep/' * 20}v/frame.png?X-Signature=0a1b2c")],
        "[0]: data.image is .../deep/deep/deep/deep/deep/v/frame.png?X-Signature=0a1b2c', wanted a "
        "path that ends in {video_id}/{frame}.png, the number being the frame's, from 0",
    ),
    "climbing id": (
        [task(image="x/../00001.png")],
        "[0]: the video_id '..' is not 1 to 128 of A-Z, a-z, 0-9, _ and -; rename the video and "
        "its files",
    ),
    "no video": ([task(video="a.txt")], "[0]: data.video is 'a.txt', wanted a path that ends in "
                                        "{video_id}.mp4"),
    "two annotations": (
        [{"data": {"image": "a/0.png"}, "annotations": [{"result": []}, {"result": []}]}],
        "[0]: 2 annotations; wanted one: delete the others, or export the reviewed ones",
    ),
    "two tasks": ([task(image="a/0.png"), task(image="a/00.png")], "[1]: a second task for a/0; "
                                                                   "merge them"),
    "result": ([{"data": {"image": "a/0.png"}, "annotations": [{}]}], "[0]: result is None, wanted "
                                                                      "a list of regions"),
    "rectangle": (
        [task({"type": "rectanglelabels", "value": {}}, image="a/0.png")],
        "no brush in any task, but 1 'rectanglelabels'; wanted brushlabels: draw what is marked "
        "with brushes",
    ),
    "rectangle with the label of a brush": (
        [task(region(labels=["dog"]), other("rectanglelabels", ["dog"]), image="a/0.png")],
        "[0]: result[1]: type is 'rectanglelabels' with the label 'dog', wanted brushlabels for "
        "it; draw it with a brush, or delete the region",
    ),
    "polygon of an artifact": (
        [task(region(labels=["dog"]), image="a/0.png"), task(other("polygonlabels", ["motion"]), image="a/1.png")],
        "[1]: result[0]: type is 'polygonlabels' with the label 'motion', wanted brushlabels for "
        "it; draw it with a brush, or delete the region",
    ),
    "brush without a label": (
        [task({"type": "brush", "value": {"rle": RLE}}, image="a/0.png")],
        "[0]: result[0]: type is 'brush', wanted brushlabels; delete the region, or remove it from "
        "the export",
    ),
    "no region": (
        [task(None, image="a/0.png")],
        "[0]: result[0]: type is None, wanted brushlabels; delete the region, or remove it from "
        "the export",
    ),
    "no value": (
        [task({"type": "brushlabels"}, image="a/0.png")], "[0]: result[0]: value is None, wanted "
                                                          "that of a brush",
    ),
    "size": (
        [task(region() | {"original_width": None}, image="a/0.png")],
        "[0]: result[0]: original_height is 5 and original_width None, wanted pixels of the frame",
    ),
    "bomb": (
        [task(region() | {"original_width": 2**14, "original_height": 2**14}, image="a/0.png")],
        "[0]: result[0]: 16384x16384 pixels, at most 67108864 are read; is this a video frame?",
    ),
    "rotation": (
        [task(region() | {"image_rotation": 90}, image="a/0.png")],
        "[0]: result[0]: image_rotation is 90, wanted 0; turn the frame back before it is marked",
    ),
    "labels": (
        [task(region(labels=["a", "b"]), image="a/0.png")],
        "[0]: result[0]: brushlabels is ['a', 'b'], wanted one label",
    ),
    "bytes": (
        [task(region(rle=[0, 256]), image="a/0.png")],
        "[0]: result[0]: rle is [0, 256], wanted a list of whole numbers from 0 to 255",
    ),
    "no sequence": (
        [task(region(), video="a.mp4")], "[0]: result[0]: sequence is None, wanted a list of "
                                         "frames with an rle"
    ),
    "frame 0": (
        [task(moving("q", {"frame": 0, "rle": RLE}), video="a.mp4")],
        "[0]: result[0]: sequence[0]: frame is 0, wanted a whole number from 1, each once",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("tasks", "what"), STRUCTURES.values(), ids=STRUCTURES)
def test_a_bad_file_is_named(write_raw, tasks, what):
    records, problems = read_layout(write(write_raw, *tasks), artifact_type="blur")
    assert records == []
    assert problems == [Problem("tasks.json", what)]


BAD_BRUSHES = {
    "cut": (RLE[:-3], "rle ends after 23 bytes, inside a block; export the task again"),
    "empty": ([], "rle ends after 0 bytes, inside a block; export the task again"),
    "other size": (
        [0, 0, 0, 144, *RLE[4:]],
        "rle holds 144 values of 8 bits, wanted 140 = 5 x 7 x 4 of 8 bits; is this a brush of "
        "another image?",
    ),
    "trailing": (
        [*RLE, *[0] * 9],
        "rle goes on for 76 bits after its last value; export the task again",
    ),
    "long block": (
        [0, 0, 0, 140, 57, 27, 255, 255, 255, 0],
        "rle has a block of 65536 values at value 0 of 140; export the task again",
    ),
}


@pytest.mark.parametrize(("rle", "what"), BAD_BRUSHES.values(), ids=BAD_BRUSHES)
def test_a_bad_brush_is_named_with_its_place(write_raw, rle, what):
    raw = write(write_raw, task(region(rle=rle), image="a/00004.png"))
    (record,), problems = read_layout(raw)
    assert problems == []
    with pytest.raises(RawError) as caught:
        list(record.masks.read())
    assert str(caught.value) == f"{raw}/tasks.json video a: region 'r1': {what}"
