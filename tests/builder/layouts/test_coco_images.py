"""COCO JSON of images, each a frame of a video."""

import pickle

import numpy as np
import pytest

from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.raw.video import Problem, RawError
from brokenvideos.masks import encode

ELL = np.array([[1, 0, 0, 0, 1], [1, 0, 0, 0, 0], [1, 1, 1, 0, 0]], np.uint8)
TOP = np.array([[1, 1, 1, 1, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]], np.uint8)
CATEGORIES = [{"id": 1, "name": "blur"}, {"id": 4, "name": "motion"}]


def rle(bitmap):
    return {"size": [3, 5], "counts": encode(bitmap[None])[0]}


def image(number, name, **values):
    return {"id": number, "file_name": name, "height": 3, "width": 5, **values}


def annotation(image_id, bitmap, **values):
    return {
        "id": 1,
        "image_id": image_id,
        "category_id": 1,
        "segmentation": rle(bitmap),
        "iscrowd": 0,
        **values,
    }


IMAGES = [image(7, "a/00004.jpg"), image(3, "train\\a\\00000.PNG"), image(5, "a/00002.jpg")]


def instances(*annotations, images=IMAGES, categories=CATEGORIES):
    return {"images": images, "annotations": list(annotations), "categories": categories}


def write(write_raw, content):
    return write_raw({"instances.json": content, "videos/a.mp4": None})


def planes(record):
    return {
        frame.frame_index: [plane.tolist() for plane in frame.planes]
        for frame in record.masks.read()
    }


def test_images_are_frames_and_object_ids_are_kept(write_raw):
    runs = {"size": [3, 5], "counts": [0, 1, 2, 1, 2, 1, 2, 1, 5]}
    content = instances(
        annotation(7, ELL, object_id=9),
        annotation(7, TOP, object_id=2, category_id=4, segmentation=runs),
        annotation(3, TOP, object_id=9),
    )
    (record,), problems = read_layout(write(write_raw, content), generator="Luma")
    assert problems == []
    assert (record.video_id, record.annotated_frames, record.objects) == (
        "a",
        (0, 2, 4),
        {9: "blur", 2: "motion"},
    )
    ell, top = ELL.astype(int), TOP.astype(int)
    assert planes(record) == {0: [(9 * top).tolist()], 4: [(2 * top).tolist(), (9 * ell).tolist()]}
    assert pickle.loads(pickle.dumps(record.masks)) == record.masks


def test_without_object_ids_a_category_is_an_object_and_its_masks_are_joined(write_raw):
    content = instances(
        annotation(7, ELL), annotation(7, TOP), annotation(3, TOP, category_id=4, object_id=8)
    )
    (record,), problems = read_layout(write(write_raw, content))
    assert (problems, record.objects) == ([], {1: "blur", 2: "motion"})
    assert planes(record) == {
        0: [(2 * TOP).astype(int).tolist()],
        4: [(ELL | TOP).astype(int).tolist()],
    }


FAULTS = {
    "no list": ({"images": []}, "wanted a JSON object with the lists images, annotations and "
                                "categories, as COCO has"),
    "image": (instances(images=[None]), "images[0]: None, wanted an object with an id of its own"),
    "id twice": (
        instances(images=[image(1, "a/0.jpg"), image(1, "a/1.jpg")]),
        "images[1]: {'id': 1, 'file_name': 'a/1.jpg', 'height': 3, 'width': 5}, wanted an object "
        "with an id of its own",
    ),
    "no frame": (
        instances(images=[image(1, "000000397133.jpg")]),
        "images[0]: file_name is '000000397133.jpg', wanted VIDEO_ID/00000.jpg, the number being "
        "the frame's, from 0",
    ),
    "video id": (
        instances(images=[image(1, "a b/0.jpg")]),
        "images[0]: the video_id 'a b' is not 1 to 128 of A-Z, a-z, 0-9, _ and -; rename the video "
        "and its files",
    ),
    "size": (
        instances(images=[image(1, "a/0.jpg", width=2.0)]), "images[0]: width is 2.0, wanted "
                                                            "pixels of the decoded frames"
    ),
    "bomb": (
        instances(images=[image(1, "a/0.jpg", height=2**14, width=2**14)]),
        "images[0]: frame 0 of 16384x16384 pixels, at most 67108864 are read",
    ),
    "two sizes": (
        instances(images=[image(1, "a/0.jpg"), image(2, "a/1.jpg", height=4)]),
        "images[1]: its size is 4x5, other frames of a are 3x5 (height first); wanted that of the "
        "video",
    ),
    "frame twice": (
        instances(images=[image(1, "a/0.jpg"), image(2, "a/0.png")]),
        "images[1]: frame 0 of a is listed twice; merge the two",
    ),
    "image unknown": (
        instances(annotation(8, ELL)), "annotations[0]: image_id is 8, wanted the id of an entry "
                                       "of images"
    ),
    "category": (
        instances(annotation(7, ELL, category_id=2)), "annotations[0]: category_id is 2, wanted "
                                                      "the id of a category"
    ),
    "object": (
        instances(annotation(7, ELL, object_id=0)),
        "annotations[0]: object_id is 0, wanted a whole number from 1 to 65535",
    ),
    "two categories": (
        instances(annotation(7, ELL, object_id=1), annotation(3, ELL, object_id=1, category_id=4)),
        "video a: object 1: categories 'blur' and 'motion'; wanted one category per object",
    ),
    "polygon": (
        instances(annotation(7, ELL, segmentation=[[0, 0, 1, 1, 2, 0]])),
        "annotations[0]: segmentation is a polygon, wanted an RLE with size and counts",
    ),
    "swapped size": (
        instances(annotation(7, ELL, segmentation={"size": [5, 3], "counts": "0"})),
        "annotations[0]: segmentation has size [5, 3], the image is [3, 5] (height first)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "what"), FAULTS.values(), ids=FAULTS)
def test_a_bad_file_is_named_once(write_raw, content, what):
    records, problems = read_layout(write(write_raw, content), artifact_type="blur")
    assert records == []
    assert problems == [Problem("instances.json", what)]


def test_bad_counts_are_named_with_their_place(write_raw):
    raw = write(
        write_raw, instances(annotation(7, ELL, segmentation={"size": [3, 5], "counts": [16]}))
    )
    (record,), _ = read_layout(raw)
    with pytest.raises(RawError) as caught:
        list(record.masks.read())
    what = "run lengths [16], wanted whole numbers that sum to 15 = 3 x 5 pixels"
    assert str(caught.value) == f"{raw}/instances.json video a: frame 4 object 1: {what}"
