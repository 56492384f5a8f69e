import base64
import io
import pickle

import numpy as np
import pytest
from PIL import Image

from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.raw.video import Problem, RawError

# What labelme 6.3.1, utils.shape_to_mask, makes of these points in 10x7 pixels.
DRAWN = {
    "polygon": (
        [[1.2, 0.4], [7.6, 2.5], [3.1, 5.7]],
        [
            "0100000000",
            "0111100000",
            "0011111100",
            "0011111000",
            "0001100000",
            "0001000000",
            "0000000000",
        ],
    ),
    "rectangle": (
        [[6.0, 3.0], [2.0, 1.0]],
        [
            "0000000000",
            "0011111000",
            "0011111000",
            "0011111000",
            "0000000000",
            "0000000000",
            "0000000000",
        ],
    ),
    "circle": (
        [[4.0, 3.0], [5.5, 3.0]],
        [
            "0000000000",
            "0001100000",
            "0011110000",
            "0011110000",
            "0001100000",
            "0000000000",
            "0000000000",
        ],
    ),
}
ELL = np.array([[1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0]], bool)


def base64_png(bitmap):
    stream = io.BytesIO()
    Image.fromarray(bitmap).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def shape(kind="polygon", points=DRAWN["polygon"][0], label="blur", group=None, **values):
    return {
        "label": label,
        "points": points,
        "group_id": group,
        "shape_type": kind,
        "flags": {},
        **values,
    }


def labelme(*shapes, **values):
    return {
        "version": "6.3.1",
        "shapes": list(shapes),
        "imageHeight": 7,
        "imageWidth": 10,
        "imageData": None,
        **values,
    }


def write(write_raw, content, name="annotations/a/00000.json"):
    return write_raw({name: content, "videos/a.mp4": None})


def planes(record):
    return {
        frame.frame_index: [plane.tolist() for plane in frame.planes]
        for frame in record.masks.read()
    }


@pytest.mark.parametrize("kind", DRAWN)
def test_shapes_are_drawn_as_labelme_draws_them(write_raw, kind):
    points, picture = DRAWN[kind]
    raw = write(write_raw, labelme(shape(kind, points, group=3)), "annotations/a/00004.json")
    (record,), problems = read_layout(raw)
    assert problems == []
    assert (record.video_id, record.annotated_frames, record.objects) == ("a", (4,), {3: "blur"})
    assert planes(record) == {4: [[[3 * int(pixel) for pixel in row] for row in picture]]}
    assert pickle.loads(pickle.dumps(record.masks)) == record.masks


def test_a_mask_is_laid_at_its_first_point(write_raw):
    raw = write(write_raw, labelme(shape("mask", [[5, 2], [8, 4]], mask=base64_png(ELL))))
    (record,), problems = read_layout(raw)
    wanted = np.zeros((7, 10), int)
    wanted[2:5, 5:9] = ELL
    assert (problems, planes(record)) == ([], {0: [wanted.tolist()]})


def test_a_label_without_a_group_is_an_object_after_the_groups(write_raw):
    square = [[0, 0], [1, 1]]
    raw = write_raw(
        {
            "annotations/a/00000.json": labelme(
                shape(group=2), shape("rectangle", square, "motion")
            ),
            "annotations/a/00001.json": labelme(
                shape("rectangle", square, "blur"), shape("rectangle", [[3, 0], [4, 0]], "blur")
            ),
            "annotations/a/00002.json": labelme(),
            "videos/a.mp4": None,
        }
    )
    (record,), problems = read_layout(raw)
    assert (problems, record.annotated_frames) == ([], (0, 1, 2))
    assert record.objects == {2: "blur", 3: "blur", 4: "motion"}
    found = planes(record)
    assert [np.unique(plane).tolist() for plane in found[0]] == [[0, 2], [0, 4]]
    assert np.argwhere(np.array(found[1][0]) == 3).tolist() == [
        [0, 0],
        [0, 1],
        [0, 3],
        [0, 4],
        [1, 0],
        [1, 1],
    ]
    assert found[2] == []


def test_a_png_holds_object_ids(write_raw):
    labels = np.array([[0, 2, 2], [0, 0, 1]], np.uint8)
    image = Image.fromarray(labels).convert("P")
    raw = write_raw(
        {"annotations/a/00000.png": image, "annotations/a/00001.png": labels, "videos/a.mp4": None}
    )
    (record,), problems = read_layout(raw, layout="labelme", artifact_type="blur")
    assert (problems, record.objects, record.default_artifact_type) == ([], None, "blur")
    assert planes(record) == {0: [labels.tolist()], 1: [labels.tolist()]}


def test_ignored_pixels_of_a_png_are_refused(write_raw):
    raw = write(write_raw, np.array([[255, 0]], np.uint8), "annotations/a/00000.png")
    (record,), _ = read_layout(raw, layout="labelme", artifact_type="blur")
    with pytest.raises(RawError) as caught:
        list(record.masks.read())
    what = "has value 255, which is ignored in LabelMe's masks; mark it as an object or as 0"
    assert str(caught.value) == f"{raw}/annotations/a/00000.png: {what}"


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 2, 3, 0], [0, 2, 1, 3]])
def test_a_rectangle_of_four_corners_is_that_of_two(write_raw, order):
    corners = [[6.0, 3.0], [2.0, 3.0], [2.0, 1.0], [6.0, 1.001]]
    raw = write(write_raw, labelme(shape("rectangle", [corners[i] for i in order], group=1)))
    (record,), problems = read_layout(raw)
    picture = [[int(pixel) for pixel in row] for row in DRAWN["rectangle"][1]]
    assert (problems, planes(record)) == ([], {0: [picture]})


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [0, 2, 1, 3]])
def test_a_turned_rectangle_is_the_polygon_of_its_corners(write_raw, order):
    corners = [[1, 2], [4, 0], [8, 3], [5, 5]]
    raw = write_raw(
        {
            "annotations/a/00000.json": labelme(
                shape("rectangle", [corners[i] for i in order], group=1)
            ),
            "annotations/a/00001.json": labelme(shape("polygon", corners, group=1)),
            "videos/a.mp4": None,
        }
    )
    (record,), problems = read_layout(raw)
    found = planes(record)
    assert (problems, found[0]) == ([], found[1])
    assert np.sum(found[0]) > 15


def test_groups_from_0_are_objects_from_1(write_raw):
    square = [[0, 0], [1, 1]]
    shapes = [shape("rectangle", square, "blur", group) for group in (0, 2, None)]
    (record,), problems = read_layout(write(write_raw, labelme(*shapes)))
    assert (problems, record.objects) == ([], {1: "blur", 3: "blur", 4: "blur"})
    assert [np.max(plane) for plane in planes(record)[0]] == [1, 3, 4]


@pytest.mark.parametrize("name", ["00000000.json", "0.json", "000.JSON"])
def test_frames_may_be_padded_otherwise(write_raw, name):
    (record,), problems = read_layout(
        write(write_raw, labelme(shape()), f"annotations/a/{name}"), layout="labelme"
    )
    assert (problems, record.annotated_frames) == ([], (0,))


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".webp", ".png", ".PNG"])
def test_pictures_beside_their_json_are_passed_over(write_raw, suffix):
    picture = Image.new("RGB", (10, 7), "red")
    raw = write_raw(
        {
            "annotations/a/00000.json": labelme(shape()),
            f"annotations/a/00000{suffix}": picture,
            f"annotations/a/00001{suffix}": picture,
            "videos/a.mp4": None,
        }
    )
    (record,), problems = read_layout(raw)
    assert (problems, record.annotated_frames, list(planes(record))) == ([], (0,), [0])


STRUCTURES = {
    "no shapes": ({}, "wanted a JSON object with shapes, imageHeight and imageWidth, as LabelMe "
                      "writes"),
    "bomb": (
        labelme(imageHeight=2**14, imageWidth=2**14),
        "16384x16384 pixels, at most 67108864 are read; is this a video frame?",
    ),
    "no shape": (labelme(1), "shapes[0]: 1, wanted a shape with label and points"),
    "line": (
        labelme(shape("line")),
        "shapes[0]: shape_type is 'line', wanted one with an area: polygon, rectangle, circle, "
        "oriented_rectangle, mask",
    ),
    "two points": (labelme(shape(points=[[0, 0], [1, 1]])), "shapes[0]: 2 points, wanted at least "
                                                            "3 for a polygon"),
    "three points": (labelme(shape("circle", [[0, 0]] * 3)), "shapes[0]: 3 points, wanted 2 for a "
                                                             "circle"),
    "far point": (
        labelme(shape(points=[[0, 0], [1, 1], [1e9, 0]])),
        "shapes[0]: point [1000000000.0, 0], wanted [x, y] in a frame of 10x7",
    ),
    "NaN": (
        labelme(shape(points=[[0, 0], [1, 1], [float("nan"), 0]])),
        "shapes[0]: point [nan, 0], wanted [x, y] in a frame of 10x7",
    ),
    "group -1": (
        labelme(shape(group=-1)), "shapes[0]: group_id is -1, wanted the number of an object, from "
                                  "0 to 65535, or null"
    ),
    "three corners": (
        labelme(shape("rectangle", [[0, 0], [4, 0], [4, 4]])), "shapes[0]: 3 points, wanted 2 or 4 "
                                                               "for a rectangle"
    ),
    "no corner": (
        labelme(shape("rectangle", [[0, 0], [6, 0], [2, 1], [0, 6]])),
        "shapes[0]: points [[0, 0], [6, 0], [2, 1], [0, 6]], wanted the corners of a rectangle",
    ),
    "no mask": (
        labelme(shape("mask", [[0, 0], [1, 1]])), "shapes[0]: mask is None, wanted a PNG in base64"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "what"), STRUCTURES.values(), ids=STRUCTURES)
def test_a_bad_file_is_named(write_raw, content, what):
    records, problems = read_layout(write(write_raw, content), artifact_type="blur")
    assert (records, problems) == ([], [Problem("annotations/a/00000.json", what)])


MASKS = {
    "not base64": ("*", "shapes[0]: mask is not base64; save the file again in LabelMe"),
    "no PNG": (
        "AAAA",
        "shapes[0] mask: not a PNG file; export this mask again as 8-bit grey or palette PNG",
    ),
    "size": (
        base64_png(ELL.T),
        "shapes[0]: the mask has 3x4 pixels, but its points go from (5, 2) to (8, 4) in 10x7; save "
        "the file again in LabelMe",
    ),
}


@pytest.mark.parametrize(("png", "what"), MASKS.values(), ids=MASKS)
def test_a_bad_mask_is_named(write_raw, png, what):
    raw = write(write_raw, labelme(shape("mask", [[5, 2], [8, 4]], mask=png)))
    (record,), problems = read_layout(raw)
    assert problems == []
    with pytest.raises(RawError) as caught:
        list(record.masks.read())
    assert str(caught.value) == f"{raw}/annotations/a/00000.json: {what}"


def test_a_bad_folder_is_named(write_raw):
    raw = write_raw(
        {
            "annotations/a/00000.json": labelme(shape(group=1), shape(label="motion", group=1)),
            "annotations/a/1.json": {},
            "annotations/a/notes.txt": None,
            "annotations/b/": None,
            "videos/a.mp4": None,
            "videos/b.mp4": None,
        }
    )
    assert read_layout(raw, artifact_type="blur") == (
        [],
        [
            Problem(
                "annotations/a",
                "group_id 1: labels 'blur' and 'motion'; wanted one label per object",
            ),
            Problem(
                "annotations/a/1.json",
                "wanted 00001.json, as the other names here have leading zeros: rename it or move "
                "it out",
            ),
            Problem(
                "annotations/a/notes.txt",
                "not an annotation of LabelMe; wanted {frame:05d}.json or .png, such as 00017.json "
                "for frame 17 (from 0): rename it or move it out",
            ),
            Problem(
                "annotations/b",
                "no file in it, so no frame is annotated; add files without shapes for the frames "
                "that were looked at",
            ),
        ],
    )
