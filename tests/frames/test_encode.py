import hashlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction

import av
import numpy as np
import pytest

from brokenvideos.frames import VideoError, encode_hashed, encode_video, index_video, read_frames


def scene(height: int, width: int, num_frames: int = 30) -> np.ndarray:
    """Smooth colours that move, so that a lossy codec has little to lose."""
    y, x = np.mgrid[:height, :width]
    t = np.arange(num_frames)[:, None, None]
    waves = [np.sin((a * x + b * y) / 20 + t / 4) for a, b in ((1, 0), (0, 1), (1, 1))]
    return np.stack([np.uint8(128 + 90 * wave) for wave in waves], axis=-1)


def encoded_sha256(path) -> str:
    encode_video(path, scene(48, 64), fps=24)
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("height", "width", "pix_fmt"), [(48, 64, "yuv420p"), (47, 63, "yuv444p"), (48, 63, "yuv444p")]
)
def test_frames_come_back(tmp_path, height, width, pix_fmt):
    frames = scene(height, width)
    encode_video(tmp_path / "video.mp4", iter(frames), fps=Fraction(30000, 1001), crf=8)
    index = index_video(tmp_path / "video.mp4")
    assert (index.num_frames, index.height, index.width, index.fps) == (
        30,
        height,
        width,
        30000 / 1001,
    )
    difference = np.abs(
        read_frames(tmp_path / "video.mp4", range(30), index=index).astype(int) - frames
    )
    assert difference.mean() < 2
    with av.open(str(tmp_path / "video.mp4")) as container:
        frame = next(container.decode(video=0))
        assert frame.format.name == pix_fmt
        assert (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc) == (
            1,
            1,
            1,
            1,
        )


@pytest.mark.parametrize(
    "rgb", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (200, 30, 90)]
)
def test_colours_come_back(tmp_path, rgb):
    encode_video(tmp_path / "flat.mp4", [np.full((32, 32, 3), rgb, np.uint8)], fps=24, crf=1)
    got = read_frames(tmp_path / "flat.mp4", [0]).astype(int)
    assert np.abs(got - rgb).max() <= 2


def test_structure(tmp_path):
    encode_video(tmp_path / "video.mp4", scene(48, 64), fps=24, gop=10, b_frames=3)
    packets = index_video(tmp_path / "video.mp4").packets
    assert np.flatnonzero(packets.keyframe).tolist() == [0, 10, 20]
    assert not packets.reference.all()
    encode_video(tmp_path / "plain.mp4", scene(48, 64), fps=24, gop=15, b_frames=0)
    packets = index_video(tmp_path / "plain.mp4").packets
    assert np.flatnonzero(packets.keyframe).tolist() == [0, 15]
    assert packets.pts.tolist() == sorted(packets.pts.tolist())


def test_bytes_are_the_same_in_every_process(tmp_path):
    paths = [tmp_path / f"{number}.mp4" for number in range(3)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=context, max_tasks_per_child=1) as executor:
        assert len(set(executor.map(encoded_sha256, paths))) == 1


def test_nothing_is_left_behind(tmp_path):
    def failing():
        yield from scene(48, 64, 4)
        raise RuntimeError("renderer")

    with pytest.raises(RuntimeError, match=r"^renderer$"):
        encode_video(tmp_path / "video.mp4", failing(), fps=24)
    assert list(tmp_path.iterdir()) == []
    encode_video(tmp_path / "video.mp4", scene(48, 64, 4), fps=24)
    assert [path.name for path in tmp_path.iterdir()] == ["video.mp4"]


BAD = {
    "no frames": ([], "PATH: no frames to encode, at least one is wanted."),
    "float": (
        [np.zeros((4, 4, 3), np.float32)],
        "PATH frame 0: float32[4, 4, 3], wanted uint8[4, 4, 3]. Give RGB frames of one size.",
    ),
    "grey": (
        [np.zeros((4, 4), np.uint8)],
        "PATH frame 0: uint8[4, 4], wanted uint8[4, 4, 3]. Give RGB frames of one size.",
    ),
    "another size": (
        [np.zeros((16, 16, 3), np.uint8), np.zeros((16, 18, 3), np.uint8)],
        "PATH frame 1: uint8[16, 18, 3], wanted uint8[16, 16, 3]. Give RGB frames of one size.",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_refuses(tmp_path, name):
    frames, message = BAD[name]
    with pytest.raises(VideoError) as error:
        encode_video(tmp_path / "video.mp4", frames, fps=24)
    assert str(error.value).replace(str(tmp_path / "video.mp4"), "PATH") == message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("size", "b_frames"), [((48, 64), 2), ((47, 63), 0)])
def test_the_hash_of_the_decoded_frames_is_that_of_the_file(tmp_path, size, b_frames):
    frames = scene(*size)
    said = encode_hashed(tmp_path / "hashed.mp4", iter(frames), fps=24, crf=10, b_frames=b_frames)
    assert said == index_video(tmp_path / "hashed.mp4").frames_sha256
    encode_video(tmp_path / "plain.mp4", frames, fps=24, crf=10, b_frames=b_frames)
    assert (tmp_path / "hashed.mp4").read_bytes() == (tmp_path / "plain.mp4").read_bytes()


def test_a_hashed_encoding_that_fails_ends(tmp_path):
    with pytest.raises(VideoError) as caught:
        encode_hashed(tmp_path / "none.mp4", [], fps=24, crf=10)
    assert (
        str(caught.value)
        == f"{tmp_path / 'none.mp4'}: no frames to encode, at least one is wanted."
    )
    with pytest.raises(VideoError, match="frame 3"):
        encode_hashed(tmp_path / "odd.mp4", [*scene(48, 64, 3), *scene(48, 62, 1)], fps=24, crf=10)
    assert not list(tmp_path.iterdir())
