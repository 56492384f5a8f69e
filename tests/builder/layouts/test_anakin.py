import io
import pickle
import zipfile

import numpy as np
import pytest
from PIL import Image

from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.raw.video import Problem, RawError
from brokenvideos.frames import encode_video

HEIGHT, WIDTH, NUM_FRAMES = 48, 64, 4


def masks(num_frames=NUM_FRAMES):
    """uint8[T, H, W] of 0 and 255: a bar that moves right, absent from frame 2."""
    found = np.zeros((num_frames, HEIGHT, WIDTH), np.uint8)
    for t in range(num_frames):
        found[t, 5:30, 4 + 6 * t : 8 + 6 * t] = 255 * (t != 2)
    return found


def png(labels):
    stream = io.BytesIO()
    Image.fromarray(labels).save(stream, "PNG")
    return stream.getvalue()


def zipped(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "a.mp4"
    encode_video(path, np.zeros((NUM_FRAMES, HEIGHT, WIDTH, 3), np.uint8), fps=12)
    return path.read_bytes()


def read(write_raw, video, members, **more):
    raw = write_raw({"edited/a.mp4": video, "masks/a.zip": zipped(members), **more})
    records, problems = read_layout(raw, artifact_type="deformation")
    return raw, records, problems


@pytest.mark.parametrize(
    ("names", "first"), [("{}.png", 0), ("a/frame_{:04}.PNG", 1), ("masks/a12_{}.png", 0)]
)
def test_the_masks_of_a_zip_in_the_order_of_their_numbers(write_raw, video, names, first):
    members = {
        names.format(first + t): png(labels) for t, labels in reversed(list(enumerate(masks())))
    }
    _, (record,), problems = read(write_raw, video, {"a/": b"", "__MACOSX/._0.png": b"", **members})
    assert problems == []
    assert (record.video_path.name, record.annotated_frames, record.default_artifact_type) == (
        "a.mp4",
        None,
        "deformation",
    )
    frames = list(pickle.loads(pickle.dumps(record.masks)).read())
    assert [frame.frame_index for frame in frames] == list(range(NUM_FRAMES))
    assert np.array_equal(np.stack([frame.planes[0] for frame in frames]), masks() // 255)


def test_ten_comes_after_nine(write_raw, tmp_path):
    encode_video(tmp_path / "b.mp4", np.zeros((11, HEIGHT, WIDTH, 3), np.uint8), fps=12)
    members = {f"{t}.png": png(labels) for t, labels in enumerate(masks(11))}
    _, (record,), _ = read(write_raw, (tmp_path / "b.mp4").read_bytes(), members)
    assert np.array_equal(
        np.stack([frame.planes[0] for frame in record.masks.read()]), masks(11) // 255
    )


def test_a_folder_of_masks_and_the_table(write_raw, video):
    table = (
        "video-id,task,manipulation-type,has-masks\n"
        'a,"Remove, then fill",inpainting,True\n'
        "b,Change the sound,audio,False\n"
        "c,Swap the heads,swap,True\n"
    )
    files = {f"masks/a/{t}.png": labels for t, labels in enumerate(masks())}
    files |= {f"edited/{name}.mp4": video for name in "abc"} | {"metadata.csv": table.encode()}
    (record,), problems = read_layout(write_raw(files), artifact_type="motion")
    assert record.source == {"notes": "manipulation-type: inpainting; task: Remove, then fill"}
    assert np.array_equal(
        np.stack([frame.planes[0] for frame in record.masks.read()]), masks() // 255
    )
    what = (
        "no masks; wanted masks/c.zip, or has-masks False in metadata.csv: add them, or say label "
        '"normal" in videos.jsonl if '
        "nothing is marked"
    )
    assert problems == [Problem("edited/c.mp4", what)]


FRAME = png(masks()[0])
BAD_ZIPS = {
    "too few": (
        {"0.png": FRAME, "1.png": FRAME},
        "2 masks, a.mp4 has 4 frames; wanted one mask per frame",
    ),
    "too many": (
        {f"{t}.png": FRAME for t in range(5)},
        "5 masks, a.mp4 has 4 frames; wanted one mask per frame",
    ),
    "a gap": (
        {"0.png": FRAME, "2.png": FRAME},
        "no mask before number 2; wanted numbers from 0 or 1 without a gap",
    ),
    "from 7": (
        {"7.png": FRAME},
        "no mask before number 7; wanted numbers from 0 or 1 without a gap",
    ),
    "twice": (
        {"x/1.png": FRAME, "y/01.png": FRAME},
        "'y/01.png' and 'x/1.png' are the same frame; remove one of the two",
    ),
    "no number": (
        {"mask.png": FRAME},
        "'mask.png' is not a mask; wanted PNGs whose names end in their frame number",
    ),
}


@pytest.mark.parametrize(("members", "what"), BAD_ZIPS.values(), ids=BAD_ZIPS)
def test_masks_that_do_not_fit_the_video(write_raw, video, members, what):
    raw, (record,), _ = read(write_raw, video, members)
    with pytest.raises(RawError) as caught:
        list(record.masks.read())
    assert str(caught.value) == f"{raw}/masks/a.zip: {what}"


def test_a_file_that_is_no_zip(write_raw, video):
    raw = write_raw({"edited/a.mp4": video, "masks/a.zip": b"PK"})
    (record,), _ = read_layout(raw, artifact_type="blur")
    with pytest.raises(RawError) as caught:
        list(record.masks.read())
    assert (
        str(caught.value)
        == f"{raw}/masks/a.zip: not a readable zip (File is not a zip file); download it again"
    )


def test_a_zip_bomb_is_not_unpacked(write_raw, video, monkeypatch):
    monkeypatch.setattr("brokenvideos.builder.layouts.anakin.MAX_MASK_BYTES", 1000)
    raw, (record,), _ = read(write_raw, video, {"0.png": b"\0" * 10**6})
    with pytest.raises(RawError) as caught:
        list(record.masks.read())
    assert (
        str(caught.value)
        == f"{raw}/masks/a.zip member 0.png: more than 1000 bytes; is this a mask of a video frame?"
    )


def test_everything_that_is_wrong_is_listed(write_raw, video):
    raw = write_raw(
        {
            "edited/a.mp4": video,
            "masks/a.zip": b"",
            "masks/a/0.png": masks()[0],
            "masks/b.zip": b"",
            "masks/c.tar": b"",
            "masks/d e.zip": b"",
            "metadata.csv": b"\xff",
        }
    )
    _, problems = read_layout(raw, artifact_type="blur")
    assert [str(problem) for problem in problems] == [
        "masks/a.zip: masks of a are also masks/a; remove one of the two",
        "masks/b.zip: no video edited/b.mp4; add it, or remove this",
        "masks/c.tar: not masks; wanted {video_id}.zip or a folder {video_id} of PNGs: move it out",
        "masks/d e.zip: the video_id 'd e' is not 1 to 128 of A-Z, a-z, 0-9, _ and -; rename it",
        "metadata.csv: not a CSV file in UTF-8 ('utf-8' codec can't decode byte 0xff in position "
        "0: invalid start byte); download it again",
    ]


def test_a_table_of_something_else(write_raw, video):
    raw = write_raw({"edited/a.mp4": video, "masks/a.zip": b"", "metadata.csv": b"id\n1\n"})
    assert read_layout(raw, artifact_type="blur")[1] == [
        Problem("metadata.csv", "no column video-id; download it again")
    ]
