import pickle

import av
import numpy as np
import pytest

from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.layouts.mask_video import VideoMasks
from brokenvideos.builder.raw.video import Problem, RawError
from brokenvideos.frames import encode_video

HEIGHT, WIDTH = 96, 160


def disk_masks(num_frames=6):
    """bool[T, H, W]: a disk that moves right, absent from frame 1."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    masks = np.stack([(y - 40) ** 2 + (x - 30 - 8 * t) ** 2 < 19**2 for t in range(num_frames)])
    masks[1] = False
    return masks


def write_video(path, masks, *, colour=(255, 255, 255), noise=0, crf=18):
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    pixels = masks[..., None] * np.array(colour)
    pixels = pixels + (random.normal(0, noise, masks.shape)[..., None] if noise else 0)
    encode_video(path, pixels.clip(0, 255).astype(np.uint8), fps=12, crf=crf)


def write_grey(path, frames):
    """Without loss, each grey as it is."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=12)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "gray"
        for grey in frames:
            output.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="gray")))
        output.mux(stream.encode(None))


@pytest.mark.parametrize("crf", [0, 23])
def test_bright_pixels_are_object_1_in_every_frame(tmp_path, crf):
    masks = disk_masks()
    write_video(tmp_path / "videos/a.mp4", masks)
    write_video(tmp_path / "masks/a.mp4", masks, crf=crf)
    (record,), problems = read_layout(tmp_path, artifact_type="motion")
    assert problems == []
    assert (record.video_path, record.objects, record.default_artifact_type) == (
        tmp_path / "videos/a.mp4",
        None,
        "motion",
    )
    assert (record.annotated_frames, record.generator) == (None, "unknown")
    frames = list(pickle.loads(pickle.dumps(record.masks)).read())
    assert [frame.frame_index for frame in frames] == list(range(6))
    assert all(len(frame.planes) == 1 and frame.planes[0].dtype == np.uint16 for frame in frames)
    assert np.array_equal(np.stack([frame.planes[0] for frame in frames]), masks)


def test_a_black_video_marks_nothing(tmp_path):
    masks = np.zeros((3, HEIGHT, WIDTH), bool)
    write_video(tmp_path / "a.mp4", masks)
    assert not np.stack(
        [frame.planes[0] for frame in VideoMasks(tmp_path / "a.mp4", tmp_path / "a.mp4").read()]
    ).any()


REFUSED = {
    "crf 40": {"noise": 25, "crf": 40},
    "noise": {"noise": 30, "crf": 0},
    "dim": {"colour": (180, 180, 180)},
    "red": {"colour": (255, 0, 0)},
    "blue": {"colour": (0, 0, 255)},
}


@pytest.mark.parametrize("how", REFUSED.values(), ids=REFUSED)
def test_greys_that_are_no_mask_are_refused(tmp_path, how):
    path = tmp_path / "a.mp4"
    write_video(path, disk_masks(), **how)
    with pytest.raises(RawError, match="not black and white enough for a mask"):
        list(VideoMasks(path, path).read())


def test_a_refusal_reports_the_histogram(tmp_path):
    path = tmp_path / "a.mp4"
    masks = np.zeros((4, HEIGHT, WIDTH), bool)
    masks[:, :, : WIDTH // 4] = True
    write_video(path, masks, colour=(128, 128, 128), crf=0)
    with pytest.raises(RawError) as caught:
        list(VideoMasks(path, path).read())
    assert str(caught.value) == (
        f"{path}: not black and white enough for a mask (75.00% of the pixels in [0, 31], 25.00% "
        "in [32, 223], 0.00% in [224, 255]); wanted at most 2% of what is not dark in the middle. "
        "Export it losslessly (FFV1, x264 -qp 0) or at crf 23 and better, or as PNG masks"
    )


@pytest.mark.parametrize("value", [1, 2, 20, 31])
def test_marks_that_are_too_dim_are_refused_by_their_grey(tmp_path, value):
    path = tmp_path / "a.mkv"
    masks = disk_masks()
    write_grey(path, masks * np.uint8(value))
    with pytest.raises(RawError) as caught:
        list(VideoMasks(path, path).read())
    assert str(caught.value) == (
        f"{path}: {masks.sum()} pixels of grey {value}, and nothing is brighter than 127, which is "
        "marked; write what is marked as 255 and the rest as 0, or masks of object ids as PNGs"
    )


def test_object_ids_in_a_mask_video_are_refused(tmp_path):
    ids = np.zeros((2, HEIGHT, WIDTH), np.uint8)
    for object_id in range(1, 8):
        ids[:, 10 * object_id, :object_id] = object_id
    write_grey(tmp_path / "a.mkv", ids)
    with pytest.raises(
        RawError,
        match=r"a\.mkv: 2 pixels of grey 1, 4 pixels of grey 2, .* and of 2 more greys, and "
        r"nothing",
    ):
        list(VideoMasks(tmp_path / "a.mkv", tmp_path / "a.mkv").read())


def test_a_mask_video_that_ends_early_is_named(tmp_path):
    masks = disk_masks()
    write_video(tmp_path / "video.mp4", masks)
    write_video(tmp_path / "a.mp4", masks[:4])
    with pytest.raises(RawError) as caught:
        list(VideoMasks(tmp_path / "a.mp4", tmp_path / "video.mp4").read())
    what = "4 frames of masks, video.mp4 has 6; export one mask frame per video frame"
    assert str(caught.value) == f"{tmp_path}/a.mp4: {what}"


def test_a_mask_video_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"no video")
    with pytest.raises(RawError, match=r"a\.mp4"):
        list(VideoMasks(path, path).read())
    path.unlink()
    with pytest.raises(RawError) as caught:
        list(VideoMasks(path, path).read())
    assert str(path) in str(caught.value)


MISSING = "no video videos/a.mp4 (or .webm, .mkv, .mov, .avi, .m4v or .gif); add it, or remove this"
NO_MASKS = (
    'no masks; wanted masks/b.mp4: add them, or say label "normal" in videos.jsonl if '
    "nothing is marked"
)
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
    "masks without a video": ({"masks/a.mkv": None}, "blur", {"masks/a.mkv": MISSING}),
    "video without masks": ({"videos/b.mp4": None}, "blur", {"videos/b.mp4": NO_MASKS}),
    "no type": ({"videos/a.mp4": None, "masks/a.mp4": None}, None, {"videos/a.mp4": NO_TYPE}),
    "no video file": (
        {"videos/a.mp4": None, "masks/a.mp4": None, "masks/a/": None},
        "blur",
        {
            "masks/a": "not a video file; wanted only .mp4, .webm, .mkv, .mov, .avi, .m4v or .gif "
            "files here: move it out"
        },
    ),
    "two mask videos": (
        {"videos/a.mp4": None, "masks/a.mp4": None, "masks/a.mkv": None},
        "blur",
        {"masks/a.mp4": "video a is also masks/a.mkv; wanted one file: remove one of the two"},
    ),
}


@pytest.mark.parametrize(
    ("files", "artifact_type", "expected"), FOLDER_PROBLEMS.values(), ids=FOLDER_PROBLEMS
)
def test_a_bad_folder_is_named(write_raw, files, artifact_type, expected):
    _, problems = read_layout(write_raw(files), layout="mask-video", artifact_type=artifact_type)
    assert problems == sorted(Problem(where, what) for where, what in expected.items())
