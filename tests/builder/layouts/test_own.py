import io
import json
import pickle
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.layouts.own import OwnMasks
from brokenvideos.builder.raw import Problem, RawError, decode_png, own_mask_pngs
from brokenvideos.masks import encode

LABELS = np.array([[0, 1, 7], [0, 0, 255]], np.uint8)


def line(video_id="a", **values):
    return {"video_id": video_id, "generator": "Kling", "objects": [], **values}


def frames(source):
    return [
        (frame.frame_index, [plane.tolist() for plane in frame.planes]) for frame in source.read()
    ]


def test_a_record_holds_what_its_line_says(write_raw):
    raw = write_raw(
        {
            "videos.jsonl": [
                line(
                    "b-2",
                    prompt="a dog",
                    label="broken",
                    objects=[
                        {"object_id": 7, "artifact_type": "blur"},
                        {"object_id": 1, "artifact_type": "motion"},
                    ],
                    annotated_frames=[0, 3],
                    split="test",
                    source={"license": "CC0-1.0", "url": None},
                ),
                "",
                line("A_1"),
            ],
            "videos/A_1.webm": None,
            "videos/b-2.MP4": None,
            "videos/.DS_Store": None,
            "masks/b-2/00003.png": LABELS,
        }
    )
    (first, second), problems = read_layout(raw)
    assert problems == []
    assert (first.video_id, first.video_path) == ("A_1", raw / "videos/A_1.webm")
    assert (first.objects, first.annotated_frames, first.label, first.prompt) == (
        {},
        None,
        None,
        None,
    )
    assert (first.split, first.source, first.default_artifact_type) == (None, {}, None)
    assert frames(first.masks) == []
    assert (second.video_id, second.video_path) == ("b-2", raw / "videos/b-2.MP4")
    assert (second.generator, second.prompt, second.label) == ("Kling", "a dog", "broken")
    assert second.objects == {7: "blur", 1: "motion"}
    assert (second.annotated_frames, second.split, second.source) == (
        (0, 3),
        "test",
        {"license": "CC0-1.0"},
    )
    assert frames(second.masks) == [(3, [LABELS.tolist()])]


def test_planes_are_uint16_label_maps_in_frame_order(write_raw):
    raw = write_raw(
        {
            "masks/a/100000.png": np.zeros((2, 3), np.uint8),
            "masks/a/00002.png": LABELS,
            "masks/a/00010.png": np.array([[True, False, False], [False, False, True]]),
            "masks/a/00011.png": np.array([[0, 300, 65535], [1, 0, 0]], np.uint16),
        }
    )
    read = list(OwnMasks(raw / "masks/a").read())
    assert [frame.frame_index for frame in read] == [2, 10, 11, 100000]
    assert all(
        plane.dtype == np.uint16 and plane.shape == (2, 3)
        for frame in read
        for plane in frame.planes
    )
    assert read[0].planes[0].tolist() == LABELS.tolist()
    assert read[1].planes[0].tolist() == [[1, 0, 0], [0, 0, 1]]
    assert read[2].planes[0].tolist() == [[0, 300, 65535], [1, 0, 0]]


def test_a_frame_with_overlapping_objects_has_several_files(write_raw):
    raw = write_raw(
        {
            "masks/a/00002.2.png": LABELS // 2,
            "masks/a/00002.png": LABELS,
            "masks/a/00002.10.png": LABELS * 0,
        }
    )
    assert frames(OwnMasks(raw / "masks/a")) == [
        (2, [LABELS.tolist(), (LABELS // 2).tolist(), (LABELS * 0).tolist()]),
    ]


def test_objects_stand_whole_in_as_few_files_as_they_fit_in():
    masks = np.zeros((4, 2, 3), np.uint8)
    masks[0, 0, :2] = masks[1, 0, 1:] = masks[2, 1, 0] = 1
    counts = dict(zip((1, 2, 300, 4), encode(masks), strict=True))
    files = own_mask_pngs(17, counts, height=2, width=3)
    assert list(files) == ["00017.png", "00017.2.png"]
    planes = [decode_png(content, where=name)[1].tolist() for name, content in files.items()]
    assert planes == [[[1, 1, 0], [300, 0, 0]], [[0, 2, 2], [0, 0, 0]]]
    assert own_mask_pngs(17, {4: counts[4]}, height=2, width=3) == {}


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palette_indices_are_read_whatever_their_colours(write_raw, bits):
    highest = 2**bits - 1
    indices = np.array([[0, 1, highest], [0, 0, 1]], np.uint8)
    image = Image.fromarray(indices).convert("P")
    image.putpalette([128, 0, 0, 0, 128, 0] * 2 ** (bits - 1))
    # what an index of 1 becomes where colours are converted
    assert image.convert("L").getpixel((1, 0)) == 75
    assert stored(image)[24] == bits
    raw = write_raw({"masks/a/00000.png": image})
    assert frames(OwnMasks(raw / "masks/a")) == [(0, [indices.tolist()])]


def test_a_source_of_masks_is_pickled_before_its_folder_exists(tmp_path):
    source = pickle.loads(pickle.dumps(OwnMasks(tmp_path / "later")))
    assert frames(source) == []


ARTIFACT = {"object_id": 1, "artifact_type": "blur"}
KEYS = "video_id, generator, prompt, label, objects, annotated_frames, split, review and source"
SOURCE_KEYS = (
    "generator_version, seed, license, url, annotator, layout, frames_sha256, notes and record"
)
FRAMES = "wanted frame indices from 0, ascending, each once"
LINE_PROBLEMS = {
    "not JSON": (
        '{"video_id": "a"',
        "not JSON (Expecting ',' delimiter at character 17); wanted one JSON object per line",
    ),
    "no object": ("[1]", f"found [1], wanted a JSON object with {KEYS}"),
    "key twice": (
        '{"video_id": "a", "video_id": "a"}',
        'key "video_id" is given twice in one object; remove one of the two',
    ),
    "unknown key": (
        line(fps=24),
        f'unknown key "fps"; known are {KEYS}: rename it, or move its text into source.notes',
    ),
    "no video_id": (
        {"generator": "Kling", "objects": []},
        "video_id is missing; wanted the name of the video file without its suffix",
    ),
    "no generator": (
        {"video_id": "a", "objects": []},
        "generator is missing; wanted the name of the model that made the video",
    ),
    "no objects": (
        {"video_id": "a", "generator": "Kling"},
        "objects is missing; wanted a list of {object_id, artifact_type}, [] for a video without "
        "artifacts",
    ),
    "video_id with a dot": (
        line("a.b"),
        'video_id is "a.b", wanted 1 to 128 of A-Z, a-z, 0-9, _ and -; rename the video and its '
        "files",
    ),
    "video_id ends in a newline": (
        line("a\n"),
        'video_id is "a\\n", wanted 1 to 128 of A-Z, a-z, 0-9, _ and -; rename the video and its '
        "files",
    ),
    "video_id a number": (
        line(7),
        "video_id is 7, wanted 1 to 128 of A-Z, a-z, 0-9, _ and -; rename the video and its files",
    ),
    "generator empty": (line(generator=""), 'generator is "", wanted a name'),
    "generator a list": (line(generator=["Kling"]), 'generator is ["Kling"], wanted a string'),
    "prompt a number": (line(prompt=3), "prompt is 3, wanted a string"),
    "prompt of half a character": (
        line(prompt="a \ud800"),
        'prompt is "a \\ud800", with an unpaired UTF-16 surrogate at character 3; wanted whole '
        "characters",
    ),
    "label unknown": (line(label="bad"), 'label is "bad", wanted normal or broken'),
    "label a flag": (line(label=True), "label is true, wanted normal or broken"),
    "split unknown": (line(split="val"), 'split is "val", wanted train, validation or test'),
    "objects no list": (
        line(objects={"1": "blur"}),
        'objects is {"1": "blur"}, wanted a list of {object_id, artifact_type}',
    ),
    "object without type": (
        line(objects=[{"object_id": 1}]),
        'objects [0] is {"object_id": 1}, wanted the keys object_id and artifact_type, and subtype '
        "if there is one",
    ),
    "object with more": (
        line(objects=[{**ARTIFACT, "x": 0}]),
        'objects [0] is {"object_id": 1, "artifact_type": "blur", "x": 0}, wanted the keys '
        "object_id and artifact_type, and "
        "subtype if there is one",
    ),
    "artifact type unknown": (
        line(objects=[{"object_id": 1, "artifact_type": "blurr"}]),
        'objects [0] has artifact_type "blurr", wanted motion, deformation or blur, or null where '
        "it is not given",
    ),
    "artifact type no string": (
        line(objects=[{"object_id": 1, "artifact_type": ["blur"]}]),
        'objects [0] has artifact_type ["blur"], wanted motion, deformation or blur, or null where '
        "it is not given",
    ),
    "object_id 0": (
        line(objects=[{"object_id": 0, "artifact_type": "blur"}]),
        "objects [0] has object_id 0, wanted a whole number from 1 to 65535",
    ),
    "object_id 65536": (
        line(objects=[{"object_id": 65536, "artifact_type": "blur"}]),
        "objects [0] has object_id 65536, wanted a whole number from 1 to 65535",
    ),
    "object_id a float": (
        line(objects=[{"object_id": 1.0, "artifact_type": "blur"}]),
        "objects [0] has object_id 1.0, wanted a whole number from 1 to 65535",
    ),
    "object_id a flag": (
        line(objects=[{"object_id": True, "artifact_type": "blur"}]),
        "objects [0] has object_id true, wanted a whole number from 1 to 65535",
    ),
    "object_id twice": (
        line(objects=[ARTIFACT, {"object_id": 1, "artifact_type": "motion"}]),
        "objects [1] repeats object_id 1; wanted one entry per object: remove one of the two",
    ),
    "annotated_frames no list": (
        line(annotated_frames="all"),
        f'annotated_frames is "all", {FRAMES}; leave the key out when every frame was looked at',
    ),
    "annotated_frames negative": (
        line(annotated_frames=[-1, 2]),
        f"annotated_frames [0] is -1, {FRAMES}",
    ),
    "annotated_frames a float": (
        line(annotated_frames=[0, 4.0]),
        f"annotated_frames [1] is 4.0, {FRAMES}",
    ),
    "annotated_frames over int32": (
        line(annotated_frames=[2**31]),
        f"annotated_frames [0] is 2147483648, {FRAMES}",
    ),
    "annotated_frames unsorted": (
        line(annotated_frames=[3, 1]),
        f"annotated_frames [1] is 1 after 3, {FRAMES}: sort the list",
    ),
    "annotated_frames twice": (
        line(annotated_frames=[3, 3]),
        f"annotated_frames [1] is 3 after 3, {FRAMES}: sort the list",
    ),
    "source no object": (line(source="web"), 'source is "web", wanted an object of strings'),
    "source a number": (line(source={"seed": 7}), 'source "seed" is 7, wanted a string'),
    "source unknown": (
        line(source={"sed": "7"}),
        f'source "sed" is unknown; known are {SOURCE_KEYS}: rename it, or put the text into notes',
    ),
    "long value": (line(generator=["x" * 99]), f'generator is ["{"x" * 55}..., wanted a string'),
}


@pytest.mark.parametrize(("bad", "what"), LINE_PROBLEMS.values(), ids=LINE_PROBLEMS)
def test_a_bad_line_is_named(write_raw, bad, what):
    raw = write_raw({"videos.jsonl": [line("good"), bad], "videos/good.mp4": None})
    text = (raw / "videos.jsonl").read_text()
    if '"a"' in text:
        write_raw({"videos/a.mp4": None})
    records, problems = read_layout(raw, layout="own")
    unlisted = [
        Problem("videos/a.mp4", "not in videos.jsonl; add a line for it, or move the file out")
    ]
    listed = '"a"' not in text or not isinstance(bad, str)
    assert problems == sorted([Problem("videos.jsonl line 2", what), *([] if listed else unlisted)])
    assert [record.video_id for record in records] == ["good"]


def test_a_line_may_have_many_problems(write_raw):
    bad = line(label=1, split=2, objects=[{}, {"object_id": 0, "artifact_type": "x"}])
    raw = write_raw({"videos.jsonl": [bad], "videos/a.mp4": None})
    records, problems = read_layout(raw)
    assert records == []
    assert [str(problem) for problem in problems] == [
        "videos.jsonl line 1: label is 1, wanted normal or broken",
        "videos.jsonl line 1: objects [0] is {}, wanted the keys object_id and artifact_type, and "
        "subtype if there is one",
        'videos.jsonl line 1: objects [1] has artifact_type "x", wanted motion, deformation or '
        "blur, or null where it is not given",
        "videos.jsonl line 1: objects [1] has object_id 0, wanted a whole number from 1 to 65535",
        "videos.jsonl line 1: split is 2, wanted train, validation or test",
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    {
        b'{"video_id": "\xff"}': "not UTF-8 at byte 14; save the file as UTF-8",
        b"[" * 100_000: "not readable as JSON",
        b'{"video_id": ' + b"9" * 5000 + b"}": "not readable as JSON",
    }.items(),
    ids=["not UTF-8", "deep", "long number"],
)
def test_a_line_that_no_parser_takes_is_named(write_raw, text, what):
    raw = write_raw({"videos.jsonl": text})
    _, (problem,) = read_layout(raw, layout="own")
    assert problem.where == "videos.jsonl line 1"
    # the rest is Python's own words, which change with its version
    assert problem.what.startswith(what)


def test_lines_end_at_line_feeds_only_and_may_start_with_a_byte_order_mark(write_raw):
    text = json.dumps(line(prompt="a\u2028b"), ensure_ascii=False)
    raw = write_raw(
        {"videos.jsonl": b"\xef\xbb\xbf" + text.encode() + b"\r\n", "videos/a.mp4": None}
    )
    (record,), problems = read_layout(raw)
    assert (record.prompt, problems) == ("a\u2028b", [])


MISSING = "no video videos/a.mp4 (or .webm, .mkv, .mov, .avi, .m4v or .gif); add it, or remove this"
UNLISTED = "not in videos.jsonl; add a line for it, or move the file out"
NO_MASK_FILE = (
    "not a mask file; wanted {frame:05d}.png, such as 00017.png for frame 17 (from 0): "
    "rename it or move it out"
)
NO_VIDEO_FILE = (
    "not a video file; wanted only .mp4, .webm, .mkv, .mov, .avi, .m4v or .gif files "
    "here: move it out"
)
FOLDER_PROBLEMS = {
    "nothing listed": (
        {"videos.jsonl": []},
        {"videos.jsonl": "no video in it; wanted one JSON object per video"},
    ),
    "no videos.jsonl": (
        {"videos/a.mp4": None},
        {
            "videos.jsonl": "no such file; wanted one JSON object per video, as "
            "docs/raw-layouts.md shows"
        },
    ),
    "missing video": ({"videos.jsonl": [line()]}, {"videos.jsonl line 1": MISSING}),
    "unlisted video": (
        {"videos.jsonl": [line()], "videos/a.mp4": None, "videos/b.mp4": None},
        {"videos/b.mp4": UNLISTED},
    ),
    "masks without a video": (
        {"videos.jsonl": [line("b")], "videos/b.mp4": None, "masks/a/": None},
        {"masks/a": MISSING},
    ),
    "masks of an unlisted video": (
        {"videos.jsonl": [line("b")], "videos/b.mp4": None, "videos/a.mp4": None, "masks/a/": None},
        {"videos/a.mp4": UNLISTED},
    ),
    "duplicate id": (
        {"videos.jsonl": [line(), "", line()], "videos/a.mp4": None},
        {
            "videos.jsonl line 3": "video a is already on line 1; wanted one line per video: "
            "remove one of the two",
        },
    ),
    "two files of one id": (
        {"videos.jsonl": [line()], "videos/a.mp4": None, "videos/a.webm": None},
        {"videos/a.webm": "video a is also videos/a.mp4; wanted one file: remove one of the two"},
    ),
    "no video file": (
        {
            "videos.jsonl": [line()],
            "videos/a.mp4": None,
            "videos/a.tiff": None,
            "videos/sub.mp4/": None,
        },
        {"videos/a.tiff": NO_VIDEO_FILE, "videos/sub.mp4": NO_VIDEO_FILE},
    ),
    "bad id of a file": (
        {"videos.jsonl": [line()], "videos/a.mp4": None, "videos/a b.mp4": None, "masks/ä/": None},
        {
            "videos/a b.mp4": "the video_id 'a b' is not 1 to 128 of A-Z, a-z, 0-9, _ and -; "
            "rename the file",
            "masks/ä": "the video_id 'ä' is not 1 to 128 of A-Z, a-z, 0-9, _ and -; rename the "
            "folder",
        },
    ),
    "bad mask names": (
        {
            "videos.jsonl": [line()],
            "videos/a.mp4": None,
            "masks/a/00001.png": LABELS,
            "masks/a/1.png": LABELS,
            "masks/a/000002.png": LABELS,
            "masks/a/00003.PNG": LABELS,
            "masks/a/00004.jpg": None,
            "masks/a/00005.png/": None,
            "masks/a/٠٠٠٠٦.png": None,
        },
        dict.fromkeys(
            [f"masks/a/{name}" for name in ("00004.jpg", "00005.png", "٠٠٠٠٦.png")], NO_MASK_FILE
        )
        | {
            "masks/a/000002.png (and 1 more)": "wanted 00002.png, as the other names here have "
            "leading zeros: rename it or move it out"
        },
    ),
    "a frame twice": (
        {
            "videos.jsonl": [line()],
            "videos/a.mp4": None,
            "masks/a/1.png": LABELS,
            "masks/a/1.PNG": LABELS,
        },
        {"masks/a/1.png": "beside 1.PNG; wanted one of the two: remove the other"},
    ),
    "objects": (
        {
            "videos.jsonl": [line()],
            "videos/a.mp4": None,
            "masks/a/1/00000.png": LABELS,
            "masks/a/01/00000.png": LABELS,
            "masks/a/70000/00000.png": LABELS,
            "masks/a/2/x.png": LABELS,
            "masks/a/00000.png": LABELS,
        },
        {
            "masks/a/1": "the same object as 01; wanted one folder per object: rename one of the "
            "two",
            "masks/a/70000": "wanted the number of an object, below 65535; rename the folder",
            "masks/a/2/x.png": NO_MASK_FILE,
            "masks/a/00000.png": "beside the folder of an object, 01; wanted only folders of "
            "objects: move it out",
        },
    ),
    "objects without masks": (
        {"videos.jsonl": [line()], "videos/a.mp4": None, "masks/a/1/": None},
        {"masks/a": "no mask in its folders, so no frame is annotated; add all-background PNGs"},
    ),
    "a mask outside a folder": (
        {"videos.jsonl": [line()], "videos/a.mp4": None, "masks/00000.png": LABELS},
        {"masks/00000.png": "not a folder; wanted one folder of PNG masks per video: move it out"},
    ),
}


@pytest.mark.parametrize(("files", "expected"), FOLDER_PROBLEMS.values(), ids=FOLDER_PROBLEMS)
def test_a_bad_folder_is_named(write_raw, files, expected):
    _, problems = read_layout(write_raw(files), layout="own")
    assert problems == sorted(Problem(where, what) for where, what in expected.items())


@pytest.mark.parametrize("name", ["{:d}.png", "{:05d}.PNG", "{:08d}.png", "{:09d}.Png"])
def test_masks_may_be_padded_otherwise_and_written_in_capitals(write_raw, name):
    masks = {f"masks/a/{name.format(frame)}": LABELS for frame in (9, 10, 100)}
    (record,), problems = read_layout(
        write_raw({"videos.jsonl": [line()], "videos/a.mp4": None, **masks}), layout="own"
    )
    assert (problems, [frame.frame_index for frame in record.masks.read()]) == ([], [9, 10, 100])


def test_names_of_more_digits_than_their_padding_are_whole_numbers(write_raw):
    masks = {f"masks/a/{name}.png": LABELS for name in ("99999", "100000", "00007")}
    (record,), problems = read_layout(
        write_raw({"videos.jsonl": [line()], "videos/a.mp4": None, **masks}), layout="own"
    )
    assert (problems, [frame.frame_index for frame in record.masks.read()]) == (
        [],
        [7, 99999, 100000],
    )


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, depth, colour, data=b"\0" * 64):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def stored(image):
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


GREY = stored(Image.fromarray(np.arange(60, dtype=np.uint8).reshape(5, 12)))
FLIPPED = GREY[:45] + bytes([GREY[45] ^ 4]) + GREY[46:]
DAMAGED = "a damaged PNG; export or copy this mask again"
COLOURS = "wanted 8-bit grey or palette; export object ids, not colours"
BAD_PNGS = {
    "empty": (b"", "not a PNG file; export this mask again as 8-bit grey or palette PNG"),
    "JPEG": (
        b"\xff\xd8\xff" * 20,
        "not a PNG file; export this mask again as 8-bit grey or palette PNG",
    ),
    "cut": (GREY[:60], DAMAGED),
    "one bit": (FLIPPED, DAMAGED),
    "header": (GREY[:29] + b"\0\0\0\0" + GREY[33:], DAMAGED),
    "cut between chunks": (GREY[:-12], DAMAGED),
    "no pixels": (png(0, 5, 8, 0), DAMAGED),
    "no zlib": (GREY[:33] + chunk(b"IDAT", b"\0" * 9) + chunk(b"IEND", b""), DAMAGED),
    "unknown colour type": (png(3, 2, 8, 9), f"the PNG is of unknown colour type 9, {COLOURS}"),
    "RGB": (stored(Image.new("RGB", (3, 2), "red")), f"the PNG is RGB, {COLOURS}"),
    "RGBA": (stored(Image.new("RGBA", (3, 2), "red")), f"the PNG is RGB with alpha, {COLOURS}"),
    "grey with alpha": (
        stored(Image.new("LA", (3, 2), (7, 255))),
        f"the PNG is grey with alpha with the grey value 7, {COLOURS}, or black and white alone: "
        "draw the mask without soft edges",
    ),
    "4-bit grey": (
        png(3, 2, 4, 0, b"\0\x12\x30" * 2),
        "the PNG is 4-bit grey, wanted 8-bit grey or palette; write its object ids in 8 bits",
    ),
    "bomb": (
        png(2**14, 2**14, 8, 0),
        "16384x16384 pixels, at most 67108864 are read; is this a mask of a video frame?",
    ),
}


@pytest.mark.parametrize(("data", "what"), BAD_PNGS.values(), ids=BAD_PNGS)
def test_a_bad_png_is_named(write_raw, data, what):
    raw = write_raw({"masks/a/00000.png": LABELS, "masks/a/00001.png": data})
    source = OwnMasks(raw / "masks/a").read()
    assert next(source).frame_index == 0
    with pytest.raises(RawError) as caught:
        next(source)
    assert str(caught.value) == f"{raw}/masks/a/00001.png: {what}"
