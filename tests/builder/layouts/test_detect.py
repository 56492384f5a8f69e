import numpy as np
import pytest

from brokenvideos.builder.layouts import detect, layout_names, read_layout
from brokenvideos.builder.raw.video import RawError

MASK = np.zeros((2, 3), np.uint8)
OWN_LINE = {"video_id": "a", "generator": "Kling", "objects": []}
PLAIN_LINE = {"video_id": "a", "prompt": 'an "objects": trick'}

FITS = {
    "own": ("own", {"videos.jsonl": [OWN_LINE], "videos/a.mp4": None, "masks/a/00000.png": MASK}),
    "own, all normal": ("own", {"videos.jsonl": [OWN_LINE], "videos/a.mp4": None}),
    "own, stray mask": ("own", {"videos.jsonl": [OWN_LINE], "masks/00000.png": MASK}),
    "davis": ("davis", {"videos/a.mp4": None, "masks/a/00000.png": MASK}),
    "davis, lines without objects": (
        "davis",
        {"videos.jsonl": [PLAIN_LINE], "masks/a/00000.png": MASK},
    ),
    "davis, its own tree": ("davis", {"Annotations/480p/a/00000.png": MASK}),
    "davis, its own tree with types": (
        "davis",
        {"videos.jsonl": [OWN_LINE], "Annotations/a/00000.png": MASK},
    ),
    "sav": ("sav", {"a.mp4": None, "a_manual.json": {}}),
    "sav, in a folder": ("sav", {"videos/a.mp4": None, "annotations/a_auto.json": {}}),
    "sav with types": ("sav", {"videos.jsonl": [OWN_LINE], "a_auto.json": {}}),
    "mask-video": ("mask-video", {"videos/a.mp4": None, "masks/a.mp4": None}),
    "coco": ("coco", {"videos/a.mp4": None, "instances.json": {}}),
    "coco, in a folder": ("coco", {"videos/a.mp4": None, "annotations/instances.json": {}}),
    "cvat": ("cvat", {"videos/a.mp4": None, "annotations/a.xml": b""}),
    "label-studio": ("label-studio", {"videos/a.mp4": None, "tasks.json": []}),
    "labelme in capitals": ("labelme", {"annotations/a/00001.JSON": {}}),
    "cvat in capitals": ("cvat", {"annotations/a.XML": b""}),
    "labelme": (
        "labelme",
        {"videos/a.mp4": None, "annotations/a/00000.png": MASK, "annotations/a/00001.json": {}},
    ),
    "pal4vst": ("pal4vst", {"images/a.jpg": b"", "labels/a.png": MASK}),
    "pal4vst, by split": ("pal4vst", {"images/val/a.jpg": b"", "labels/val/a.png": MASK}),
    "anakin": ("anakin", {"edited/a.mp4": None, "masks/a.zip": b""}),
    "richhf": ("richhf", {"dev.tfrecord": b"", "images/a.png": MASK}),
    "geneva": ("geneva", {"videos/a.mp4": None, "geneva.json": {}}),
    "mask-video with types": ("mask-video", {"videos.jsonl": [OWN_LINE], "masks/a.webm": None}),
}


@pytest.mark.parametrize(("layout", "files"), FITS.values(), ids=FITS)
def test_the_layout_is_told_from_the_files(write_raw, layout, files):
    assert layout in layout_names()
    assert detect(write_raw(files)) == layout


LOOKED_FOR = (
    "no known layout; looked for anakin: edited/{video_id}.mp4; coco: instances.json, in the "
    "folder itself or in annotations/; cvat: annotations/{video_id}.xml; davis: Annotations/, or "
    "masks/{video_id}/ folders and no objects in videos.jsonl; geneva: geneva.json; label-studio: "
    "tasks.json; labelme: annotations/{video_id}/00000.json and so on; mask-video: "
    "masks/{video_id}.mp4; own: videos.jsonl with objects, and no masks or masks/{video_id}/ "
    "folders; pal4vst: images/ and labels/; richhf: *.tfrecord and images/; sav: "
    "{video_id}_manual.json or {video_id}_auto.json, in the folder itself or in annotations/. "
    "Arrange the folder as one of them, or mark its videos with `brokenvideos annotate`"
)
DOUBTFUL = {
    "empty": ({}, LOOKED_FOR),
    "videos alone": ({"videos/a.mp4": None}, LOOKED_FOR),
    "lines without objects": ({"videos.jsonl": [PLAIN_LINE], "videos/a.mp4": None}, LOOKED_FOR),
    "a release": (
        {"manifest.json": {}, "data/train-00000-of-00001.parquet": b""},
        "a release, wanted a raw folder. Name the folder that it was built from, or run "
        "`brokenvideos annotate` on it: this opens it for correction and writes a raw folder",
    ),
    "davis and mask-video": (
        {"masks/a/00000.png": MASK, "masks/b.mp4": None},
        "files of 2 layouts (davis: masks/a/; mask-video: masks/b.mp4); choose one with --layout, "
        "or move the files of the other out",
    ),
    "own, davis and sav": (
        {
            "videos.jsonl": [OWN_LINE],
            "masks/a/": None,
            "Annotations/480p/": None,
            "a_auto.json": {},
        },
        "files of 3 layouts (davis: Annotations/480p/; own: masks/a/; sav: a_auto.json); "
        "choose one with --layout, or move the files of the other out",
    ),
}


@pytest.mark.parametrize(("files", "what"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_a_folder_of_no_or_several_layouts_is_refused(write_raw, files, what):
    raw = write_raw(files)
    with pytest.raises(RawError) as caught:
        detect(raw)
    assert str(caught.value) == f"{raw}: {what}"
    with pytest.raises(RawError) as caught:
        read_layout(raw)
    assert str(caught.value) == f"{raw}: {what}"


@pytest.mark.parametrize("layout", ["auto", *layout_names()])
def test_a_missing_folder_is_refused(tmp_path, layout):
    with pytest.raises(RawError) as caught:
        read_layout(tmp_path / "none", layout=layout)
    assert (
        str(caught.value)
        == f"{tmp_path}/none: no such folder; give the folder that holds the raw videos and masks"
    )


BAD_ARGUMENTS = {
    "layout": (
        {"layout": "kitti"},
        "layout 'kitti' is unknown; wanted auto, anakin, coco, cvat, davis, geneva, label-studio, "
        "labelme, mask-video, own, pal4vst, richhf or sav",
    ),
    "artifact_type": (
        {"artifact_type": "blurr"},
        "artifact type 'blurr' is unknown; wanted motion, deformation, blur or not-given",
    ),
    "void 0": (
        {"void": 0},
        "void value 0 is not possible in an 8-bit mask; wanted 1 to 255 (0 is the background, "
        "DAVIS uses 255)",
    ),
}


@pytest.mark.parametrize(("arguments", "what"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS)
def test_an_unknown_argument_is_refused(tmp_path, arguments, what):
    with pytest.raises(RawError) as caught:
        read_layout(tmp_path, **arguments)
    assert str(caught.value) == what


@pytest.mark.parametrize("layout", [layout for layout in layout_names() if layout != "davis"])
def test_void_is_for_davis_only(tmp_path, layout):
    with pytest.raises(RawError) as caught:
        read_layout(tmp_path, layout=layout, void=255)
    assert (
        str(caught.value)
        == f"{tmp_path}: --void 255 is for the davis layout, this is {layout}; leave it out"
    )
