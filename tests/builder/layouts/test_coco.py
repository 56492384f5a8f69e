import pickle

import numpy as np
import pytest
from pycocotools import mask as coco

from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.raw.video import Problem, RawError

# Neither symmetric nor square: a swapped axis or a row-major reading moves it.
ELL = np.array([[1, 0, 0, 0, 1], [1, 0, 0, 0, 0], [1, 1, 1, 0, 0]], np.uint8)
TOP = np.array([[1, 1, 1, 1, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]], np.uint8)


def compressed(bitmap):
    return {
        "size": list(bitmap.shape),
        "counts": coco.encode(np.asfortranarray(bitmap))["counts"].decode(),
    }


def uncompressed(bitmap):
    runs, current = [0], 0
    for value in bitmap.ravel(order="F").tolist():
        if value != current:
            runs.append(0)
            current = value
        runs[-1] += 1
    return {"size": list(bitmap.shape), "counts": runs}


VIDEO = {
    "id": 9,
    "height": 3,
    "width": 5,
    "length": 3,
    "file_names": ["a/00000.jpg", "a/00005.jpg", "a/00010.jpg"],
}
CATEGORIES = [{"id": 1, "name": "blur"}, {"id": 4, "name": "person"}]


def annotation(number, segmentations, **values):
    return {"id": number, "video_id": 9, "category_id": 1, "segmentations": segmentations, **values}


def instances(*annotations, video=VIDEO, **values):
    return {"videos": [video], "annotations": list(annotations), "categories": CATEGORIES, **values}


def write(write_raw, content):
    return write_raw({"instances.json": content, "videos/a.mp4": None})


def planes(record):
    return {
        frame.frame_index: [plane.tolist() for plane in frame.planes]
        for frame in record.masks.read()
    }


@pytest.mark.parametrize("name", ["instances.json", "annotations/instances.json"])
def test_compressed_and_uncompressed_counts_are_the_same_masks(write_raw, name):
    content = instances(
        annotation(2, [compressed(ELL), None, None]),
        annotation(7, [uncompressed(TOP), uncompressed(ELL), None]),
    )
    raw = write_raw({name: content, "videos/a.mp4": None})
    (record,), problems = read_layout(raw, generator="Luma")
    assert problems == []
    assert (record.video_id, record.annotated_frames, record.objects) == (
        "a",
        (0, 5, 10),
        {2: "blur", 7: "blur"},
    )
    ell, top = ELL.astype(int), TOP.astype(int)
    assert planes(record) == {
        0: [(2 * ell).tolist(), (7 * top).tolist()],
        5: [(7 * ell).tolist()],
        10: [],
    }
    assert all(plane.dtype == np.uint16 for frame in record.masks.read() for plane in frame.planes)
    assert pickle.loads(pickle.dumps(record.masks)) == record.masks


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools
def test_masks_are_those_of_pycocotools(write_raw):
    bitmaps = np.random.default_rng(0).random((20, 7, 12)) < 0.4
    names = [f"a/{i:05d}.jpg" for i in range(20)]
    video = {"id": 9, "height": 7, "width": 12, "file_names": names}
    rles = [
        compressed(b.astype(np.uint8)) if i % 2 else uncompressed(b.astype(np.uint8))
        for i, b in enumerate(bitmaps)
    ]
    (record,), _ = read_layout(write(write_raw, instances(annotation(1, rles), video=video)))
    for rle, frame, bitmap in zip(rles, record.masks.read(), bitmaps, strict=True):
        string = coco.frPyObjects(rle, 7, 12) if isinstance(rle["counts"], list) else rle
        assert np.array_equal(frame.planes[0], coco.decode(string))
        assert np.array_equal(frame.planes[0], bitmap)


def test_a_video_file_name_has_every_frame(write_raw):
    video = {"id": 9, "height": 3, "width": 5, "length": 2, "file_name": "a.mp4"}
    raw = write(write_raw, instances(annotation(1, [None, compressed(ELL)]), video=video))
    (record,), problems = read_layout(raw)
    assert (problems, list(record.annotated_frames)) == ([], [0, 1])
    assert planes(record) == {0: [], 1: [ELL.tolist()]}


@pytest.mark.parametrize("name", ["A.MP4", "clips/A.webm", "C:\\clips\\A.Mov", "../A.mkv"])
def test_a_video_file_name_may_have_folders_and_capitals(write_raw, name):
    video = {"id": 9, "height": 3, "width": 5, "length": 1, "file_name": name}
    raw = write_raw(
        {
            "instances.json": instances(annotation(1, [compressed(ELL)]), video=video),
            "videos/A.MP4": None,
        }
    )
    (record,), problems = read_layout(raw)
    assert (problems, record.video_id, planes(record)) == ([], "A", {0: [ELL.tolist()]})


@pytest.mark.parametrize(
    "name", ["a/00004.JPG", "train\\a\\4.png", "JPEGImages/a/00000004.webp", "a/4.jpeg"]
)
def test_a_frame_file_name_may_have_folders_and_capitals(write_raw, name):
    video = {"id": 9, "height": 3, "width": 5, "file_names": [name]}
    (record,), problems = read_layout(
        write(write_raw, instances(annotation(1, [compressed(ELL)]), video=video))
    )
    assert (problems, record.annotated_frames) == ([], (4,))


def test_runs_of_no_pixel_are_read(write_raw):
    for runs in ([0, 0, 15], [0, 15, 0], [3, 0, 2, 0, 0, 10], [15, 0, 0]):
        content = instances(annotation(1, [{"size": [3, 5], "counts": runs}, None, None]))
        (record,), _ = read_layout(write(write_raw, content))
        wanted = np.repeat(np.arange(len(runs)) % 2, runs).reshape(5, 3).T
        assert planes(record)[0] == [wanted.tolist()]


@pytest.mark.parametrize(
    "broken",
    [
        {"file_name": "a.txt", "length": 1},
        {"file_names": ["a"]},
        {"id": None, "file_name": "a.mp4"},
    ],
)
def test_what_follows_from_a_bad_video_is_not_told_again(write_raw, broken):
    video = {"id": 9, "height": 3, "width": 5, **broken}
    _, problems = read_layout(
        write(write_raw, instances(annotation(1, [RLE]), annotation(2, [RLE]), video=video))
    )
    assert [problem.what[:10] for problem in problems] == ["videos[0]:"]


def test_object_id_goes_before_id(write_raw):
    both = [
        annotation(70_001, [None] * 3, object_id=2),
        annotation(70_002, [None, None, compressed(ELL)], object_id=1),
    ]
    (record,), problems = read_layout(write(write_raw, instances(*both)))
    assert (problems, record.objects) == ([], {1: "blur", 2: "blur"})
    assert planes(record)[10] == [ELL.tolist()]


def test_a_category_that_is_no_artifact_type_takes_the_one_that_is_given(write_raw):
    raw = write(
        write_raw, instances(annotation(1, [None] * 3), annotation(2, [None] * 3, category_id=4))
    )
    (record,), problems = read_layout(raw, artifact_type="motion")
    assert (problems, record.objects) == ([], {1: "blur", 2: "motion"})
    what = (
        "no artifact type; give --artifact-type (of all objects: motion, deformation, blur or "
        "not-given) or objects in videos.jsonl"
    )
    assert read_layout(raw) == ([], [Problem("videos/a.mp4", what)])


RLE = compressed(ELL)
STRUCTURES = {
    "not JSON": (b"{]", "not readable as JSON (Expecting property name enclosed in double quotes: "
                        "line 1 column 2 (char 1)); "
                 "copy the file again"),
    "no lists": ({"videos": []}, "wanted a JSON object with the lists videos, annotations and "
                                 "categories, as YouTube-VIS has"),
    "category": (instances(categories=[{"id": 1}]), "categories[0] is {'id': 1}, wanted an id of "
                                                    "its own and a name"),
    "video": (instances(video=[]), "videos[0]: [], wanted an object with an id of its own"),
    "size": (instances(video=VIDEO | {"height": 3.0}), "videos[0]: height is 3.0, wanted pixels of "
                                                       "the decoded frames"),
    "bomb": (
        instances(video=VIDEO | {"height": 2**14, "width": 2**14}),
        "videos[0]: 16384x16384 pixels, at most 67108864 are read; is this a video frame?",
    ),
    "length": (
        instances(video=VIDEO | {"length": 4}), "videos[0]: length is 4, file_names has 3 entries; "
                                                "wanted as many"
    ),
    "no names": (
        instances(video={"id": 9, "height": 3, "width": 5}),
        "videos[0]: no file_names and file_name is None; wanted one of the two, as in dog.mp4",
    ),
    "long": (
        instances(video={"id": 9, "height": 3, "width": 5, "file_name": "a.mp4", "length": 10**9}),
        "videos[0]: length is 1000000000, wanted the number of frames, at most 1048576",
    ),
    "climbing id": (
        instances(video=VIDEO | {"file_names": ["etc/../00000.jpg"], "length": 1}),
        "videos[0]: the video_id '..' is not 1 to 128 of A-Z, a-z, 0-9, _ and -; rename the video "
        "and its files",
    ),
    "two folders": (
        instances(video=VIDEO | {"file_names": ["a/00000.jpg", "b/00001.jpg"]}),
        "videos[0]: file_names[1] is 'b/00001.jpg', wanted a/00000.jpg and so on, the number being "
        "the frame's, from 0",
    ),
    "frame order": (
        instances(video=VIDEO | {"file_names": ["a/00001.jpg", "a/00001.jpg"]}),
        "videos[0]: file_names[1] is 'a/00001.jpg' after frame 1, wanted ascending frames",
    ),
    "video unknown": (
        instances(annotation(1, [], video_id=8)),
        "annotations[0]: video_id is 8, wanted the id of an entry of videos",
    ),
    "category unknown": (
        instances(annotation(1, [], category_id=True)), "annotations[0]: category_id is True, "
                                                        "wanted the id of a category"
    ),
    "id": (
        instances(annotation(70_000, [None] * 3)),
        "annotations[0]: id is 70000, wanted a whole number from 1 to 65535, each once: give every "
        "annotation an object_id",
    ),
    "number of segmentations": (
        instances(annotation(1, [None])),
        "annotations[0]: segmentations is 1 entries, wanted a list of 3, as the video has frames",
    ),
    "polygon": (
        instances(annotation(1, [[[0, 0, 1, 1, 2, 0]], None, None])),
        "annotations[0]: segmentations[0] is a polygon, wanted an RLE with size and counts, or "
        "null",
    ),
    "swapped size": (
        instances(annotation(1, [RLE | {"size": [5, 3]}, None, None])),
        "annotations[0]: segmentations[0] has size [5, 3], the video is [3, 5] (height first)",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "what"), STRUCTURES.values(), ids=STRUCTURES)
def test_a_bad_file_is_named(write_raw, content, what):
    records, problems = read_layout(write(write_raw, content), artifact_type="blur")
    assert records == []
    assert Problem("instances.json", what) in problems


BAD_COUNTS = {
    "sum": ([15, 1], "run lengths [15, 1], wanted whole numbers that sum to 15 = 3 x 5 pixels"),
    "negative": (
        [-1, 16],
        "run lengths [-1, 16], wanted whole numbers that sum to 15 = 3 x 5 pixels",
    ),
    "float": ([15.0], "run lengths [15.0], wanted whole numbers that sum to 15 = 3 x 5 pixels"),
    "string": (
        "",
        "counts is an empty string, wanted at least one run. A mask without a pixel is "
        "brokenvideos.masks.empty(height, width).",
    ),
}


@pytest.mark.parametrize(("counts", "what"), BAD_COUNTS.values(), ids=BAD_COUNTS)
def test_bad_counts_are_named_with_their_place(write_raw, counts, what):
    bad = {"size": [3, 5], "counts": counts}
    raw = write(write_raw, instances(annotation(3, [None, bad, None])))
    (record,), problems = read_layout(raw)
    assert problems == []
    with pytest.raises(RawError) as caught:
        list(record.masks.read())
    assert str(caught.value) == f"{raw}/instances.json video a: object 3 segmentations[1]: {what}"


def test_masks_beyond_the_budget_of_a_frame_are_refused(write_raw):
    video = {"id": 9, "height": 2**13, "width": 2**13, "file_names": ["a/00000.jpg"]}
    huge = {"size": [2**13, 2**13], "counts": [2**26]}
    raw = write(write_raw, instances(*(annotation(i, [huge]) for i in range(1, 34)), video=video))
    (record,), _ = read_layout(raw)
    with pytest.raises(RawError) as caught:
        list(record.masks.read())
    assert str(caught.value) == (
        f"{raw}/instances.json video a: frame 0: 33 masks of 8192x8192 pixels take 4429185024 "
        "bytes, at most 4294967296 are read; is this annotation of a video frame?"
    )
