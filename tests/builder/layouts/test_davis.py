import pickle

import numpy as np
import pytest
from PIL import Image

from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.layouts.davis import DavisMasks
from brokenvideos.builder.raw.video import Problem, RawError

IDS = np.array([[0, 1, 2], [0, 0, 1]], np.uint8)
BINARY = np.array([[0, 255, 255], [0, 0, 0]], np.uint8)
BLACK = np.zeros((2, 3), np.uint8)
WITH_VOID = np.array([[0, 1, 255], [0, 2, 0]], np.uint8)


def palette(indices):
    image = Image.fromarray(indices).convert("P")
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [9] * 759)  # the start of DAVIS's own
    return image


def read(folder, void=None):
    return {
        frame.frame_index: [p.tolist() for p in frame.planes]
        for frame in DavisMasks(folder, void).read()
    }


@pytest.mark.parametrize("root", ["masks", "Annotations", "Annotations/480p"])
def test_folders_and_videos_become_records(write_raw, root):
    raw = write_raw(
        {
            "videos/bike-packing.mp4": None,
            "videos/a.mkv": None,
            f"{root}/bike-packing/00005.png": palette(IDS),
            f"{root}/bike-packing/00000.png": palette(BLACK),
            f"{root}/a/00000.png": BINARY,
        }
    )
    (first, second), problems = read_layout(raw, artifact_type="blur")
    assert problems == []
    assert (first.video_id, second.video_id) == ("a", "bike-packing")
    assert second.video_path == raw / "videos/bike-packing.mp4"
    assert (second.objects, second.default_artifact_type) == (None, "blur")
    assert (second.generator, second.prompt, second.label, second.split) == (
        "unknown",
        None,
        None,
        None,
    )
    assert second.source == {}
    assert read(second.masks.folder) == {0: [BLACK.tolist()], 5: [IDS.tolist()]}
    assert read(first.masks.folder) == {0: [[[0, 1, 1], [0, 0, 0]]]}
    assert (
        pickle.loads(pickle.dumps(second.masks))
        == second.masks
        == DavisMasks(raw / root / "bike-packing", None)
    )


def test_frames_without_a_file_are_not_annotated_unless_videos_jsonl_says_so(write_raw):
    raw = write_raw(
        {
            "videos.jsonl": [{"video_id": "b", "annotated_frames": [0, 1, 5], "generator": "Vidu"}],
            "videos/a.mp4": None,
            "videos/b.mp4": None,
            "masks/a/00000.png": IDS,
            "masks/a/00005.png": IDS,
            "masks/b/00005.png": IDS,
        }
    )
    (first, second), problems = read_layout(raw, artifact_type="blur", generator="Kling")
    assert problems == []
    assert (first.annotated_frames, first.generator) == ((0, 5), "Kling")
    assert (second.annotated_frames, second.generator) == ((0, 1, 5), "Vidu")


def test_videos_jsonl_gives_types_and_normal_videos(write_raw):
    lines = [
        {
            "video_id": "a",
            "objects": [{"object_id": 2, "artifact_type": "motion"}],
            "prompt": "p",
            "split": "train",
        },
        {"video_id": "b", "label": "normal", "source": {"url": "u"}},
    ]
    raw = write_raw(
        {
            "videos.jsonl": lines,
            "videos/a.mp4": None,
            "videos/b.mp4": None,
            "videos/c.mp4": None,
            "Annotations/a/00000.png": IDS,
            "Annotations/c/00000.png": IDS,
        }
    )
    (a, b, c), problems = read_layout(raw, artifact_type="blur")
    assert problems == []
    assert (a.objects, a.default_artifact_type, a.prompt, a.split) == (
        {2: "motion"},
        None,
        "p",
        "train",
    )
    assert (b.label, list(b.masks.read()), b.annotated_frames, b.source) == (
        "normal",
        [],
        None,
        {"url": "u"},
    )
    assert (c.objects, c.default_artifact_type) == (None, "blur")
    (a, b), problems = read_layout(raw)
    assert (a.objects, b.objects, b.default_artifact_type) == ({2: "motion"}, {}, None)
    assert [problem.where for problem in problems] == ["videos/c.mp4"]


def test_a_grey_video_of_0_and_255_marks_object_1(write_raw):
    one_bit = np.array([[False, False, True], [True, False, False]])
    raw = write_raw({"m/00000.png": BLACK, "m/00001.png": BINARY, "m/00002.png": one_bit})
    assert read(raw / "m") == {
        0: [BLACK.tolist()],
        1: [[[0, 1, 1], [0, 0, 0]]],
        2: [[[0, 0, 1], [1, 0, 0]]],
    }


def test_grey_files_of_other_values_hold_object_ids(write_raw):
    raw = write_raw({"m/00000.png": np.array([[0, 254, 7], [1, 0, 0]], np.uint8)})
    assert read(raw / "m") == {0: [[[0, 254, 7], [1, 0, 0]]]}


@pytest.mark.parametrize("image", [palette(WITH_VOID), WITH_VOID], ids=["palette", "grey"])
def test_void_is_background_when_asked_for(write_raw, image):
    raw = write_raw({"videos/a.mp4": None, "masks/a/00000.png": image})
    (record,), problems = read_layout(raw, artifact_type="blur", void=255)
    assert problems == []
    (frame,) = record.masks.read()
    assert frame.planes[0].tolist() == [[0, 1, 0], [0, 2, 0]]


def test_a_palette_video_of_void_alone_is_empty(write_raw):
    raw = write_raw({"m/00000.png": palette(BINARY)})
    assert read(raw / "m", void=255) == {0: [BLACK.tolist()]}


@pytest.mark.parametrize(
    ("numbers", "ids"), [(("000", "001"), (1, 2)), (("1", "12"), (1, 12)), (("002", "0"), (3, 1))]
)
def test_a_folder_per_object_is_a_plane_per_object(write_raw, numbers, ids):
    first, second = (f"masks/a/{number}" for number in numbers)
    raw = write_raw(
        {
            "videos/a.mp4": None,
            f"{first}/00000.png": BINARY,
            f"{first}/00003.png": BLACK,
            f"{second}/00000.png": BINARY[:, ::-1],
            "masks/a/Thumbs.db": None,
        }
    )
    (record,), problems = read_layout(raw, artifact_type="blur")
    assert (problems, record.annotated_frames, record.objects) == ([], (0, 3), None)
    found = {
        frame.frame_index: [plane.tolist() for plane in frame.planes]
        for frame in record.masks.read()
    }
    a, b = ids
    planes = sorted([(a, [[0, a, a], [0, 0, 0]]), (b, [[b, b, 0], [0, 0, 0]])])
    assert found == {0: [plane for _, plane in planes], 3: [BLACK.tolist()]}
    assert pickle.loads(pickle.dumps(record.masks)) == record.masks


BAD_VIDEOS = {
    "void in a palette file": (
        {"m/00000.png": palette(IDS), "m/00001.png": palette(WITH_VOID)},
        None,
        "/m/00001.png: the palette PNG has value 255, void in DAVIS; give --void 255 to read it as "
        "background",
    ),
    "0/255 in a palette file": (
        {"m/00000.png": palette(BINARY)},
        None,
        "/m/00000.png: the palette PNG has value 255, void in DAVIS; give --void 255 to read it as "
        "background",
    ),
    "255 beside ids": (
        {"m/00000.png": WITH_VOID},
        None,
        "/m/00000.png: value 255 beside 1, 2; wanted object ids, or 0 and 255 alone: "
        "give --void 255 if 255 is void, else write the mask as one of the two",
    ),
    "255, then ids": (
        {"m/00000.png": BINARY, "m/00001.png": BLACK, "m/00002.png": IDS},
        None,
        "/m: 255 in 00000.png, other object ids in 00002.png; wanted ids, or 0 and 255 alone: "
        "give --void 255 if 255 is void, else write the masks as one of the two",
    ),
    "ids, then 255": (
        {"m/00000.png": IDS, "m/00002.png": BINARY},
        None,
        "/m: 255 in 00002.png, other object ids in 00000.png; wanted ids, or 0 and 255 alone: "
        "give --void 255 if 255 is void, else write the masks as one of the two",
    ),
    "0/255 with void": (
        {"m/00000.png": BLACK, "m/00001.png": BINARY},
        255,
        "/m: grey masks of 0 and 255 alone (00001.png), which --void 255 would read as nothing "
        "marked; leave --void out: 255 is object 1 then",
    ),
}


@pytest.mark.parametrize(("files", "void", "what"), BAD_VIDEOS.values(), ids=BAD_VIDEOS)
def test_bad_values_are_named(write_raw, files, void, what):
    raw = write_raw(files)
    with pytest.raises(RawError) as caught:
        list(DavisMasks(raw / "m", void).read())
    assert str(caught.value) == f"{raw}{what}"


MISSING = "no video videos/a.mp4 (or .webm, .mkv, .mov, .avi, .m4v or .gif); add it, or remove this"
NO_TYPE = (
    "no artifact type; give --artifact-type (of all objects: motion, deformation, blur or "
    "not-given) or objects in videos.jsonl"
)
FOLDER_PROBLEMS = {
    "no videos": (
        {},
        "blur",
        {
            ".": "no video found; wanted .mp4, .webm, .mkv, .mov, .avi, .m4v or .gif files in "
            "videos/"
        },
    ),
    "no type": ({"videos/a.mp4": None, "masks/a/00000.png": IDS}, None, {"videos/a.mp4": NO_TYPE}),
    "no masks": (
        {"videos/a.mp4": None, "videos/b.mp4": None, "Annotations/480p/a/00000.png": IDS},
        "blur",
        {
            "videos/b.mp4": "no masks; wanted Annotations/480p/b/00000.png and so on: add them, "
            'or say label "normal" in videos.jsonl if nothing is marked'
        },
    ),
    "an empty folder": (
        {"videos/a.mp4": None, "masks/a/": None},
        "blur",
        {
            "masks/a": "no mask in it, so no frame is annotated; "
            "add all-background PNGs for the frames that were looked at"
        },
    ),
    "masks without a video": ({"Annotations/a/00000.png": IDS}, "blur", {"Annotations/a": MISSING}),
    "line without a video": (
        {"videos.jsonl": [{"video_id": "a"}], "masks/a/00000.png": IDS},
        "blur",
        {"videos.jsonl line 1": MISSING},
    ),
    "bad line": (
        {"videos.jsonl": [{"video_id": "a", "label": 3}], "videos/a.mp4": None},
        None,
        {"videos.jsonl line 1": "label is 3, wanted normal or broken"},
    ),
    "two places": (
        {"videos/a.mp4": None, "masks/a/00000.png": IDS, "Annotations/a/00000.png": IDS},
        "blur",
        {"masks": "masks here and in Annotations; wanted one of the two: move one out"},
    ),
    "beside 480p": (
        {"videos/a.mp4": None, "Annotations/480p/a/00000.png": IDS, "Annotations/b/00000.png": IDS},
        "blur",
        {
            "Annotations/b": "Annotations/480p is there too, and only that folder is read; move "
            "this one out"
        },
    ),
    "bad mask name": (
        {"videos/a.mp4": None, "masks/a/frame_0.png": IDS, "masks/a/00000.png": IDS},
        "blur",
        {
            "masks/a/frame_0.png": "not a mask file; wanted {frame:05d}.png, such as 00017.png for "
            "frame 17 (from 0): rename it or move it out"
        },
    ),
}


@pytest.mark.parametrize(
    ("files", "artifact_type", "expected"), FOLDER_PROBLEMS.values(), ids=FOLDER_PROBLEMS
)
def test_a_bad_folder_is_named(write_raw, files, artifact_type, expected):
    _, problems = read_layout(write_raw(files), layout="davis", artifact_type=artifact_type)
    assert problems == sorted(Problem(where, what) for where, what in expected.items())


def test_void_is_of_no_use_in_folders_of_objects(write_raw):
    raw = write_raw({"videos/a.mp4": None, "masks/a/001/00000.png": BINARY})
    _, problems = read_layout(raw, layout="davis", artifact_type="blur", void=255)
    assert problems == [
        Problem("masks/a", "folders of objects, which hold no void; leave --void 255 out")
    ]
