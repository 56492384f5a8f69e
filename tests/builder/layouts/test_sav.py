import json
import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask as coco

from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.layouts.sav import SavMasks
from brokenvideos.builder.raw.video import Problem, RawError
from brokenvideos.masks import RLEError, decode


def rle(bitmap):
    encoded = coco.encode(np.asfortranarray(bitmap, dtype=np.uint8))
    return {"size": list(bitmap.shape), "counts": encoded["counts"].decode()}


LEFT = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]], np.uint8)
TOP = np.array([[1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]], np.uint8)
NONE = np.zeros((3, 4), np.uint8)


def sav(video_id="a", **values):
    """Two frames of two masklets that overlap in frame 0; the second is out of sight in frame 4."""
    return {
        "video_id": video_id,
        "video_frame_count": 6.0,
        "masklet_id": [0, 6],
        "masklet": [[rle(LEFT), rle(TOP)], [rle(TOP), rle(NONE)]],
        **values,
    }


@pytest.mark.parametrize(
    ("annotation", "video"),
    [
        ("a_manual.json", "a.mp4"),
        ("annotations/a_auto.json", "videos/a.mp4"),
        ("annotations/a_manual.json", "a.mov"),
        ("a_auto.json", "videos/a.mp4"),
    ],
)
def test_a_file_and_its_video_become_a_record(write_raw, annotation, video):
    raw = write_raw({annotation: sav(), video: None, "README.txt": None})
    (record,), problems = read_layout(raw, artifact_type="deformation", generator="Luma")
    assert problems == []
    assert (record.video_id, record.video_path, record.annotated_frames) == (
        "a",
        raw / video,
        (0, 4),
    )
    assert (record.objects, record.default_artifact_type, record.generator) == (
        None,
        "deformation",
        "Luma",
    )
    assert record.source == {"annotator": "SA-V manual" if "manual" in annotation else "SA-V auto"}
    assert pickle.loads(pickle.dumps(record.masks)) == record.masks == SavMasks(raw / annotation)


def test_each_object_has_a_plane_of_its_own(write_raw):
    raw = write_raw({"a_manual.json": sav()})
    first, second = SavMasks(raw / "a_manual.json").read()
    assert (first.frame_index, second.frame_index) == (0, 4)
    assert [plane.tolist() for plane in first.planes] == [LEFT.tolist(), (7 * TOP).tolist()]
    assert [plane.tolist() for plane in second.planes] == [TOP.tolist(), NONE.tolist()]
    assert all(plane.dtype == np.uint16 for frame in (first, second) for plane in frame.planes)


def test_object_ids_reach_65535_and_may_be_whole_floats(write_raw):
    raw = write_raw({"a_auto.json": sav(masklet_id=[65534, 3.0])})
    first, _ = SavMasks(raw / "a_auto.json").read()
    assert [int(plane.max()) for plane in first.planes] == [65535, 4]


def test_the_manual_file_goes_before_the_automatic_one(write_raw):
    raw = write_raw(
        {"a_manual.json": sav(), "annotations/a_auto.json": sav(masklet=[]), "a.mp4": None}
    )
    (record,), problems = read_layout(raw, artifact_type="blur")
    assert (problems, record.masks) == ([], SavMasks(raw / "a_manual.json"))


def test_a_file_without_masklets_has_frames_with_nothing_marked(write_raw):
    raw = write_raw({"a_manual.json": sav(masklet_id=[], masklet=[[], []]), "a.mp4": None})
    (record,), problems = read_layout(raw, artifact_type="blur")
    assert (problems, record.annotated_frames) == ([], (0, 4))
    assert [(frame.frame_index, list(frame.planes)) for frame in record.masks.read()] == [
        (0, []),
        (4, []),
    ]


def test_videos_jsonl_adds_types_and_an_annotator(write_raw):
    objects = [
        {"object_id": 1, "artifact_type": "blur"},
        {"object_id": 7, "artifact_type": "motion"},
    ]
    lines = [
        {
            "video_id": "a",
            "objects": objects,
            "source": {"annotator": "Ann", "license": "CC-BY-4.0"},
        },
        {"video_id": "b", "label": "normal"},
    ]
    raw = write_raw({"a_manual.json": sav(), "a.mp4": None, "b.mp4": None, "videos.jsonl": lines})
    (a, b), problems = read_layout(raw)
    assert problems == []
    assert (a.objects, a.default_artifact_type) == ({1: "blur", 7: "motion"}, None)
    assert a.source == {"annotator": "Ann", "license": "CC-BY-4.0"}
    assert (b.annotated_frames, list(b.masks.read())) == (None, [])


BAD_IDS = "masklet_id is not a list of whole numbers from 0 to 65534, each once"
FIRST = rle(LEFT)
SHORT_RLE = {"size": [3, 4], "counts": FIRST["counts"][:-1]}
STRUCTURE_PROBLEMS = {
    "not JSON": (
        b"{",
        [
            "not readable as JSON (Expecting property name enclosed in double quotes: line 1 "
            "column 2 (char 1)); copy the file again"
        ],
    ),
    "not UTF-8": (
        b'{"video_id": "\xff"}',
        [
            "not readable as JSON ('utf-8' codec can't decode byte 0xff in position 14: invalid "
            "start byte); copy the file again"
        ],
    ),
    "no object": (
        b"[]",
        ["not a JSON object; wanted an SA-V annotation with video_id, masklet_id and masklet"],
    ),
    "another video": (sav("b"), ['video_id is "b", the file name says a; rename one of the two']),
    "no ids": ({"video_id": "a", "masklet": []}, [BAD_IDS]),
    "id twice": (sav(masklet_id=[1, 1]), [BAD_IDS]),
    "id of half": (sav(masklet_id=[0, 0.5]), [BAD_IDS]),
    "id a flag": (sav(masklet_id=[0, True]), [BAD_IDS]),
    "id negative": (sav(masklet_id=[0, -1]), [BAD_IDS]),
    "id too large": (sav(masklet_id=[0, 65535]), [BAD_IDS]),
    "id infinite": (b'{"video_id": "a", "masklet_id": [Infinity]}', [BAD_IDS]),
    "id not a number": (b'{"video_id": "a", "masklet_id": [NaN]}', [BAD_IDS]),
    "no frames": (
        {"video_id": "a", "masklet_id": []},
        ["masklet is not a list of frames, each a list of RLEs"],
    ),
    "frame no list": (
        sav(masklet=[None]),
        ["masklet[0] is null, wanted a list of 2, as masklet_id has"],
    ),
    "frame of other length": (
        sav(masklet=[[FIRST, FIRST], [FIRST]]),
        ["masklet[1] is 1 RLEs, wanted a list of 2, as masklet_id has"],
    ),
    "no RLE": (
        sav(masklet=[[FIRST, None]]),
        ["masklet[0][1] is null, wanted size [height, width] and counts"],
    ),
    "uncompressed counts": (
        sav(masklet=[[FIRST, {"size": [3, 4], "counts": [12]}]]),
        [
            'masklet[0][1] is {"size": [3, 4], "counts": [12]}, wanted size [height, width] and '
            "counts"
        ],
    ),
    "size of floats": (
        sav(masklet=[[FIRST, {"size": [3.0, 4], "counts": "<"}]]),
        [
            'masklet[0][1] is {"size": [3.0, 4], "counts": "<"}, wanted size [height, width] and '
            "counts"
        ],
    ),
    "two sizes": (
        sav(masklet=[[FIRST, rle(LEFT.T)]]),
        ["masklet[0][1] has size [4, 3], wanted [3, 4] as the first RLE has"],
    ),
    "more frames than the video": (
        sav(video_frame_count=4.0),
        [
            "masklet has 2 frames, the last at video frame 4, but video_frame_count is 4; wanted "
            "one for every 4th frame"
        ],
    ),
    "many": (
        sav("b", masklet=[[], {}]),
        [
            'video_id is "b", the file name says a; rename one of the two',
            "masklet[0] is 0 RLEs, wanted a list of 2, as masklet_id has",
            "masklet[1] is {}, wanted a list of 2, as masklet_id has",
        ],
    ),
}


@pytest.mark.parametrize(("content", "whats"), STRUCTURE_PROBLEMS.values(), ids=STRUCTURE_PROBLEMS)
def test_a_bad_file_is_named(write_raw, content, whats):
    raw = write_raw({"annotations/a_manual.json": content, "a.mp4": None})
    records, problems = read_layout(raw, artifact_type="blur")
    assert records == []
    assert problems == sorted(Problem("annotations/a_manual.json", what) for what in whats)


def test_a_broken_rle_is_named_with_its_place(write_raw):
    raw = write_raw(
        {"a_manual.json": sav(masklet=[[FIRST, FIRST], [FIRST, SHORT_RLE]]), "a.mp4": None}
    )
    (record,), problems = read_layout(raw, artifact_type="blur")
    assert problems == []
    frames = record.masks.read()
    next(frames)
    with pytest.raises(RawError) as caught:
        next(frames)
    with pytest.raises(RLEError) as reason:
        decode([SHORT_RLE["counts"]], height=3, width=4)
    assert str(caught.value) == f"{raw}/a_manual.json: masklet[1][1]: {reason.value.problem}"


def test_a_file_that_changed_since_is_named(write_raw):
    raw = write_raw({"a_manual.json": sav(masklet_id=[])})
    with pytest.raises(RawError) as caught:
        next(SavMasks(raw / "a_manual.json").read())
    assert str(caught.value) == (
        f"{raw}/a_manual.json: masklet[0] is 2 RLEs, wanted a list of 0, as masklet_id has; "
        "masklet[1] is 2 RLEs, wanted a list of 0, as masklet_id has"
    )


FOLDER_PROBLEMS = {
    "no videos": (
        {},
        {
            ".": "no video found; wanted .mp4, .webm, .mkv, .mov, .avi, .m4v or .gif files in "
            "videos/"
        },
    ),
    "masks without a video": (
        {"a_auto.json": sav()},
        {
            "a_auto.json": "no video videos/a.mp4 (or .webm, .mkv, .mov, .avi, .m4v or .gif); add "
            "it, or remove this"
        },
    ),
    "video without masks": (
        {"a.mp4": None},
        {
            "a.mp4": "no masks; wanted a_manual.json or a_auto.json: add them, "
            'or say label "normal" in videos.jsonl if nothing is marked'
        },
    ),
    "two videos": (
        {"a.mp4": None, "videos/a.webm": None, "a_auto.json": sav()},
        {"a.mp4": "video a is also videos/a.webm; wanted one file: remove one of the two"},
    ),
    "two annotations": (
        {"a.mp4": None, "a_auto.json": sav(), "annotations/a_auto.json": sav()},
        {
            "annotations/a_auto.json": "also directly in the raw folder as a_auto.json; remove one "
            "of the two"
        },
    ),
    "stray annotation": (
        {"a.mp4": None, "a_auto.json": sav(), "annotations/b.json": sav()},
        {
            "annotations/b.json": "not an SA-V annotation; wanted {video_id}_manual.json or "
            "{video_id}_auto.json: rename it or move it out"
        },
    ),
    "bad id": (
        {"a.mp4": None, "a_auto.json": sav(), "a.b_auto.json": sav()},
        {
            "a.b_auto.json": "the video_id 'a.b' is not 1 to 128 of A-Z, a-z, 0-9, _ and -; rename "
            "the file"
        },
    ),
    "annotated_frames": (
        {
            "a.mp4": None,
            "a_auto.json": sav(),
            "videos.jsonl": [{"video_id": "a", "annotated_frames": [0]}],
        },
        {
            "videos.jsonl line 1": "annotated_frames is given, but SA-V fixes every 4th frame; "
            "leave the key out"
        },
    ),
}


@pytest.mark.parametrize(("files", "expected"), FOLDER_PROBLEMS.values(), ids=FOLDER_PROBLEMS)
def test_a_bad_folder_is_named(write_raw, files, expected):
    _, problems = read_layout(write_raw(files), layout="sav", artifact_type="blur")
    assert problems == sorted(Problem(where, what) for where, what in expected.items())


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools
def test_real_masklets_equal_pycocotools(write_raw):
    folder = os.environ.get("BROKENVIDEOS_REAL_DATA")
    if not folder:
        pytest.skip("BROKENVIDEOS_REAL_DATA is unset: no real SA-V file")
    raw = write_raw({"sav_000001.mp4": None})
    shutil.copyfile(Path(folder) / "sav_000001_manual.json", raw / "sav_000001_manual.json")
    (record,), problems = read_layout(raw, artifact_type="blur")
    assert problems == []
    assert record.annotated_frames == tuple(range(0, 483, 4))
    masklet = json.loads((raw / "sav_000001_manual.json").read_text())["masklet"]
    frames = list(record.masks.read())
    assert len(frames) == len(masklet) == 121
    for position, frame in enumerate(frames):
        assert frame.frame_index == 4 * position
        for index, plane in enumerate(frame.planes):
            assert plane.shape == (848, 480)
            assert np.array_equal(
                plane, (index + 1) * coco.decode(masklet[position][index]).astype(np.uint16)
            )
