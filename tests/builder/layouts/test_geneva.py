import json
import pickle

import numpy as np
import pytest

from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.raw.video import Problem, RawError
from brokenvideos.frames import encode_video

HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    encode_video(path, np.zeros((3, HEIGHT, WIDTH, 3), np.uint8), fps=12)
    return path.read_bytes()


def box(frame=0, x=3, y=5, width=20, height=10, **more):
    return {"frame": frame, "x": x, "y": y, "width": width, "height": height, **more}


def artifact(*boxes, category="Unnatural motion", **more):
    return {"category": category, "boxes": list(boxes), **more}


def entry(*artifacts, video="a.mp4", **more):
    return {"video": video, "artifacts": list(artifacts), **more}


def write(write_raw, video, *entries):
    return write_raw({"videos/a.mp4": video, "geneva.json": json.dumps(entries).encode()})


def test_boxes_are_masks_of_the_pixels_whose_centres_they_hold(write_raw, video):
    raw = write(
        write_raw,
        video,
        entry(
            artifact(box(0), box(2, x=3.5, y=-4, width=1, height=9), description="the arm bends"),
            artifact(
                box(0, x=10.6, y=8.4, width=100, height=2.2),
                box(0, x=0, y=0, width=1, height=1),
                category="blur",
            ),
            video="clips/a.mp4",
            model="Sora",
            prompt="a dog\nruns",
        ),
    )
    (record,), problems = read_layout(raw, artifact_type="motion")
    assert problems == []
    assert (record.generator, record.prompt, record.objects) == (
        "Sora",
        "a dog\nruns",
        {1: "motion", 2: "blur"},
    )
    assert record.annotated_frames is None  # a frame without a box was looked at
    wanted = np.zeros((3, HEIGHT, WIDTH), np.uint16)
    wanted[0, 5:15, 3:23] = 1
    wanted[2, 0:5, 3] = 1
    second = np.zeros((HEIGHT, WIDTH), np.uint16)
    second[8:11, 11:64] = second[0, 0] = 2
    frames = {
        frame.frame_index: frame.planes for frame in pickle.loads(pickle.dumps(record.masks)).read()
    }
    assert list(frames) == [0, 2]
    assert [plane.tolist() for plane in frames[0]] == [wanted[0].tolist(), second.tolist()]
    assert [plane.tolist() for plane in frames[2]] == [wanted[2].tolist()]


def test_a_video_without_artifacts_is_normal(write_raw, video):
    (record,), problems = read_layout(write(write_raw, video, entry()))
    assert (problems, record.objects, list(record.masks.read())) == ([], {}, [])


def test_a_category_that_is_no_type_asks_for_one(write_raw, video):
    (problem,) = read_layout(write(write_raw, video, entry(artifact(box()))))[1]
    assert problem == Problem(
        "videos/a.mp4",
        "no artifact type; give --artifact-type (of all objects: motion, deformation, blur or "
        "not-given) or objects in videos.jsonl",
    )


BAD_BOX = "wanted frame from 0, x, y, and width and height above 0"
BAD_ENTRIES = {
    "no list": ({}, "{}, wanted a list of videos"),
    "no object": ([1], "[0]: 1, wanted an object with video and artifacts"),
    "no video name": (
        [entry(video="a.txt")],
        "[0]: video is 'a.txt', wanted a name that ends in {video_id}.mp4",
    ),
    "bad id": (
        [entry(video="a b.mp4")],
        "[0]: the video_id 'a b' is not 1 to 128 of A-Z, a-z, 0-9, _ and -; rename the video and "
        "its files",
    ),
    "twice": ([entry(), entry()], "[1]: video a is listed twice; merge the two"),
    "no boxes": (
        [entry(artifact())],
        "[0]: artifacts[0]: {'category': 'Unnatural motion', 'boxes': []}, wanted a category and "
        "at least one box",
    ),
    "corners": (
        [entry(artifact({"frame": 0, "box": [1, 2, 3, 4]}))],
        f"[0]: artifacts[0].boxes[0]: {{'frame': 0, 'box': [1, 2, 3, 4]}}, {BAD_BOX}",
    ),
    "flat": (
        [entry(artifact(box(width=0)))],
        f"[0]: artifacts[0].boxes[0]: {{'frame': 0, 'x': 3, 'y': 5, 'width': 0, 'height': 10}}, "
        f"{BAD_BOX}",
    ),
    "before the start": (
        [entry(artifact(box(-1)))],
        f"[0]: artifacts[0].boxes[0]: {{'frame': -1, 'x': 3, 'y': 5, 'width': 20, 'height': 10}}, "
        f"{BAD_BOX}",
    ),
    "a model that is none": ([entry(model=4)], "[0]: model is 4, wanted text"),
}


@pytest.mark.parametrize(("content", "what"), BAD_ENTRIES.values(), ids=BAD_ENTRIES)
def test_a_file_of_another_form(write_raw, video, content, what):
    raw = write_raw({"videos/a.mp4": video, "geneva.json": json.dumps(content).encode()})
    assert Problem("geneva.json", what) in read_layout(raw, artifact_type="motion")[1]


def test_a_box_outside_the_frame(write_raw, video):
    raw = write(write_raw, video, entry(artifact(box(1, x=64))))
    (record,), _ = read_layout(raw, artifact_type="motion")
    with pytest.raises(RawError) as caught:
        list(record.masks.read())
    what = (
        "frame 1: box 64, 5, 20 x 10 covers no pixel of the 64x48 frame; wanted pixels from the "
        "upper left corner"
    )
    assert str(caught.value) == f"{raw}/geneva.json video a: {what}"


def test_a_video_without_an_entry_and_an_entry_without_a_video(write_raw, video):
    raw = write(write_raw, video, entry(video="b.mp4"))
    assert [str(problem) for problem in read_layout(raw, artifact_type="motion")[1]] == [
        "geneva.json: no video videos/b.mp4 (or .webm, .mkv, .mov, .avi, .m4v or .gif); add it, or "
        "remove this",
        "videos/a.mp4: no masks; wanted an entry for a in geneva.json: add them, or say label "
        '"normal" in videos.jsonl if nothing '
        "is marked",
    ]
