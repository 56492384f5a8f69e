import pickle

import numpy as np
import pytest

from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.layouts.cvat import CvatMasks
from brokenvideos.builder.raw.video import Problem, RawError

# datumaro 1.13.12 reads this rle, at left 2 and top 1 in 9x6 pixels, as the picture.
RLE = "0, 1, 3, 2, 4, 4, 1"
PICTURE = ["000000000", "001000100", "001000000", "001111000", "000000000", "000000000"]
MASK = f'rle="{RLE}" left="2" top="1" width="5" height="3"'
BITMAP = np.array([[int(pixel) for pixel in row] for row in PICTURE], np.uint16)


def mask(frame, text=MASK, outside=0):
    return (
        f'<mask frame="{frame}" keyframe="1" outside="{outside}" occluded="0" {text} '
        'z_order="0"></mask>'
    )


def track(number, *masks, label="blur", group=""):
    return f'<track id="{number}" label="{label}" source="manual" {group}>{"".join(masks)}</track>'


def cvat(*tracks, size="<width>9</width><height>6</height>", meta=""):
    task = f"<task><id>4</id><name>t</name>{meta}<original_size>{size}</original_size></task>"
    body = f"<version>1.1</version><meta>{task}<dumped/></meta>{''.join(tracks)}"
    return f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>{body}</annotations>'.encode()


def write(write_raw, content):
    return write_raw({"annotations/a.xml": content, "videos/a.mp4": None})


def planes(source):
    return {
        frame.frame_index: [plane.tolist() for plane in frame.planes] for frame in source.read()
    }


def test_runs_are_row_major_in_the_box(write_raw):
    raw = write(write_raw, cvat(track(0, mask(3), mask(4, outside=1))))
    (record,), problems = read_layout(raw, generator="Luma")
    assert problems == []
    assert (record.video_id, record.annotated_frames, record.objects) == ("a", None, {1: "blur"})
    assert planes(record.masks) == {3: [BITMAP.tolist()]}
    assert (
        pickle.loads(pickle.dumps(record.masks))
        == record.masks
        == CvatMasks(raw / "annotations/a.xml")
    )


def test_a_group_is_one_object_and_objects_may_overlap(write_raw):
    whole = 'rle="0, 2" left="1" top="1" width="2" height="1"'
    group = 'group_id="7"'
    raw = write(
        write_raw,
        cvat(
            track(0, mask(1), group=group),
            track(1, mask(1, whole), label="motion"),
            track(2, mask(2, whole), group=group),
        ),
    )
    (record,), problems = read_layout(raw)
    assert (problems, record.objects) == ([], {1: "blur", 2: "motion"})
    found = planes(record.masks)
    pair = np.zeros((6, 9), int)
    pair[1, 1:3] = 1
    assert found == {1: [BITMAP.tolist(), (2 * pair).tolist()], 2: [pair.tolist()]}


def test_the_task_says_which_frames_are_annotated(write_raw):
    meta = (
        "<start_frame>2</start_frame><stop_frame>9</stop_frame><frame_filter>step=3</frame_filter>"
    )
    raw = write(write_raw, cvat(track(0, mask(5)), meta=meta))
    (record,), problems = read_layout(raw)
    assert (problems, list(record.annotated_frames)) == ([], [2, 5, 8])
    # Frames are counted in the video; an export that counts those of the task shows by this.
    raw = write(write_raw, cvat(track(0, mask(1)), meta=meta))
    _, (problem,) = read_layout(raw, artifact_type="blur")
    what = (
        "wanted frames 2 to 8 by 3, as the task's meta says; export the task again, or correct "
        "start_frame and frame_filter"
    )
    assert problem == Problem("annotations/a.xml", f"track 0 frame 1: {what}")


def test_a_track_that_is_never_there_is_no_object(write_raw):
    raw = write(write_raw, cvat(track(0, mask(1, outside=1)), track(1, mask(1))))
    (record,), problems = read_layout(raw)
    assert (problems, record.objects) == ([], {2: "blur"})


def numbered(frame, object_id):
    attributes = (
        f'<attribute name="note">9</attribute><attribute name="object_id">{object_id}</attribute>'
    )
    return mask(frame).replace("</mask>", f"{attributes}</mask>")


def test_an_attribute_says_which_object_a_mask_is_of(write_raw):
    tracks = [
        track(0, numbered(2, 40)),
        track(1, mask(2), label="motion"),
        track(2, numbered(3, 40), numbered(4, 0)),
        track(3, numbered(1, " 5 "), label="deformation"),
        track(4, mask(1, outside=1)),
    ]
    (record,), problems = read_layout(write(write_raw, cvat(*tracks)))
    # 0 is none: the mask is of its track, which is numbered after the highest.
    assert (problems, record.objects) == (
        [],
        {5: "deformation", 40: "blur", 41: "motion", 42: "blur"},
    )
    assert {
        frame: [np.max(plane) for plane in found] for frame, found in planes(record.masks).items()
    } == {
        1: [5],
        2: [40, 41],
        3: [40],
        4: [42],
    }


@pytest.mark.parametrize("text", ["70000", "-1", "x", "1.0"])
def test_an_object_id_that_is_none(write_raw, text):
    _, problems = read_layout(write(write_raw, cvat(track(0, numbered(2, text)))))
    what = (
        f"the attribute object_id is {text!r}, wanted a whole number from 1 to 65535, or 0 for none"
    )
    assert problems == [Problem("annotations/a.xml", f"track 0 frame 2: {what}")]


def test_no_number_is_left_for_others(write_raw):
    _, problems = read_layout(
        write(write_raw, cvat(track(0, numbered(2, 65535)), track(1, mask(3))))
    )
    what = "more than 65535 objects; give them lower numbers in the attribute object_id"
    assert problems == [Problem("annotations/a.xml", what)]


def test_one_object_id_has_one_label(write_raw):
    content = cvat(track(0, numbered(2, 7)), track(1, numbered(3, 7), label="motion"))
    _, problems = read_layout(write(write_raw, content))
    what = "object_id 7: labels 'blur' and 'motion'; wanted one label per object"
    assert problems == [Problem("annotations/a.xml", what)]


BOMB = (
    b'<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y '
    b'"&x;&x;&x;&x;&x;&x;&x;&x;&x;&x;">]><annotations>&y;</annotations>'
)
EXTERNAL = b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><annotations/>'
DOCTYPE = "has a DOCTYPE, which could define entities without end; CVAT writes none: remove it"
STRUCTURES = {
    "not XML": (b"<annotations>", "not well-formed XML (no element found: line 1, column 13); copy "
                                  "the file again"),
    "not UTF-8": (
        b'<?xml version="1.0" encoding="latin-1"?><annotations>\xe4</annotations>',
        "not well-formed XML (not well-formed (invalid token): line 1, column 53); copy the file "
        "again",
    ),
    "entity bomb": (BOMB, DOCTYPE),
    "external DTD": (EXTERNAL, DOCTYPE),
    "deep": (b"<annotations>" + b"<a>" * 99, "nested deeper than 32 elements; CVAT writes fewer: "
                                             "copy the file again"),
    "root": (b"<svg/>", "the root element is 'svg', wanted annotations, as CVAT for video 1.1 "
                        "writes"),
    "images": (
        b"<annotations><image/></annotations>", "holds images; export one task at a time as CVAT "
                                                "for video 1.1"
    ),
    "project": (
        b"<annotations><meta><project/></meta></annotations>",
        "holds a project; export one task at a time as CVAT for video 1.1",
    ),
    "no size": (
        b"<annotations/>", "original_size has height '', wanted pixels of the decoded frames in "
                           "the task's meta"
    ),
    "bomb": (
        cvat(size="<width>16384</width><height>16384</height>"),
        "original_size is 16384x16384 pixels, at most 67108864 are read; is this a video frame?",
    ),
    "a box": (
        cvat(track(3, '<box frame="1" outside="0"/>')),
        "track 3 frame 1: a box, wanted only masks; convert it to a mask in CVAT, or delete it",
    ),
    "frame": (cvat(track(3, mask(-1))), "track 3 frame -1: frame is '-1', wanted a whole number "
                                        "from 0"),
    "outside of the frame": (
        cvat(track(3, mask(1, 'rle="9" left="7" top="0" width="3" height="3"'))),
        "track 3 frame 1: the mask's box is 3x3 at 7,0, wanted one inside of 9x6",
    ),
    "two labels": (
        cvat(track(1, group='group_id="2"'), track(2, label="motion", group='group_id="2"')),
        "group 2: labels 'blur' and 'motion'; wanted one label per object",
    ),
    "filter": (cvat(meta="<frame_filter>every=2</frame_filter>"), "frame_filter is 'every=2', "
                                                                  "wanted step=N"),
    "stop": (
        cvat(meta="<start_frame>0</start_frame><stop_frame>999999999</stop_frame>"),
        "stop_frame is 999999999, at most 1048576 frames are read",
    ),
    "start": (
        cvat(meta="<start_frame>5</start_frame><stop_frame>4</stop_frame>"),
        "start_frame is '5' and stop_frame '4', wanted frames from 0 in order",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "what"), STRUCTURES.values(), ids=STRUCTURES)
def test_a_bad_file_is_named(write_raw, content, what):
    records, problems = read_layout(write(write_raw, content), artifact_type="blur")
    assert (records, problems) == ([], [Problem("annotations/a.xml", what)])


@pytest.mark.parametrize("rle", ["1, 2", "", "0, -1, 16", "7, 99999999999", "7; 8"])
def test_runs_that_do_not_fill_their_box_are_named(write_raw, rle):
    raw = write(
        write_raw, cvat(track(0, mask(3, f'rle="{rle}" left="2" top="1" width="5" height="3"')))
    )
    with pytest.raises(RawError) as caught:
        list(CvatMasks(raw / "annotations/a.xml").read())
    assert str(caught.value) == (
        f"{raw}/annotations/a.xml: frame 3 object 1: rle is {rle!r}, wanted whole numbers that sum "
        "to 15 = 5 x 3, the mask's box; export the task again"
    )


def test_a_bad_folder_is_named(write_raw):
    raw = write_raw({"annotations/a.b.xml": b"", "annotations/note.txt": b"", "videos/a.mp4": None})
    assert read_layout(raw, layout="cvat", artifact_type="blur")[1] == [
        Problem(
            "annotations/a.b.xml",
            "the video_id 'a.b' is not 1 to 128 of A-Z, a-z, 0-9, _ and -; rename the video and "
            "its files",
        ),
        Problem(
            "annotations/note.txt",
            "not a CVAT annotation; wanted {video_id}.xml: rename it or move it out",
        ),
        Problem(
            "videos/a.mp4",
            'no masks; wanted annotations/a.xml: add them, or say label "normal" in videos.jsonl '
            "if nothing is marked",
        ),
    ]
