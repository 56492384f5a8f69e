import dataclasses
import random

import numpy as np
import pytest

from brokenvideos.frames import VideoError, encode_video, index_video, iter_frames, read_frames


def only_packets(data: bytes, index) -> bytes:
    """The bytes with everything but the packets' payloads zeroed: no container is left to open."""
    blank = bytearray(len(data))
    for offset, size in zip(
        index.packets.offset.tolist(), index.packets.size.tolist(), strict=True
    ):
        blank[offset : offset + size] = data[offset : offset + size]
    return bytes(blank)


def test_any_frame_in_any_order(video):
    index, expected = video.index, video.frames
    for frame_index in range(index.num_frames):
        np.testing.assert_array_equal(
            read_frames(video.data, [frame_index], index=index), expected[[frame_index]]
        )
    shuffled = random.Random(0).sample(range(index.num_frames), min(index.num_frames, 12))
    np.testing.assert_array_equal(
        read_frames(video.data, shuffled, index=index), expected[shuffled]
    )
    np.testing.assert_array_equal(read_frames(video.data, shuffled), expected[shuffled])


def test_packets_alone_are_enough(video):
    index = video.index
    if index.packets is None:
        return
    got = read_frames(only_packets(video.data, index), range(index.num_frames), index=index)
    np.testing.assert_array_equal(got, video.frames)


def test_flags_keep_their_promise(video):
    """Each frame is read from a file that holds only what `keyframe` and `reference` say it
    needs.
    """
    index, expected = video.index, video.frames
    if index.packets is None:
        return
    packets = index.packets
    for frame_index, pts in enumerate(index.frame_pts.tolist()):
        position = packets.pts.tolist().index(pts)
        starts = np.flatnonzero(packets.keyframe & (packets.pts <= pts))
        blank = bytearray(len(video.data))
        for needed in range(starts[-1] if len(starts) else 0, position + 1):
            if packets.reference[needed] or needed == position:
                span = slice(packets.offset[needed], packets.offset[needed] + packets.size[needed])
                blank[span] = video.data[span]
        np.testing.assert_array_equal(
            read_frames(bytes(blank), [frame_index], index=index), expected[[frame_index]]
        )


def test_size_is_scaled_alike_with_and_without_packets(video, every_frame):
    index = video.index
    size = (30, 50)
    expected = every_frame(video.data, size=size)
    indices = list(range(0, index.num_frames, 7))
    np.testing.assert_array_equal(
        read_frames(video.data, indices, index=index, size=size), expected[indices]
    )
    np.testing.assert_array_equal(read_frames(video.data, indices, size=size), expected[indices])


def test_iter_frames_is_in_presentation_order(video, every_frame):
    index = video.index
    times, frames = zip(*iter_frames(video.data), strict=True)
    assert list(times) == index.frame_pts.tolist()
    np.testing.assert_array_equal(np.stack(frames), video.frames)
    (_, small), *_ = iter_frames(video.data, size=(30, 50))
    np.testing.assert_array_equal(small, every_frame(video.data, size=(30, 50))[0])


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_repeats_and_the_empty_list(make_video, every_frame, container):
    data = make_video(container=container)
    index, expected = index_video(data), every_frame(data)
    for given in (index, None):
        np.testing.assert_array_equal(
            read_frames(data, [7, 3, 7, 7, 39], index=given), expected[[7, 3, 7, 7, 39]]
        )
        assert read_frames(data, [], index=given).shape == (0, 48, 64, 3)
        assert read_frames(data, [], index=given, size=(8, 9)).shape == (0, 8, 9, 3)
        assert read_frames(data, np.array([2, 1]), index=given).dtype == np.uint8


def test_path_and_bytes_are_one(make_video, tmp_path):
    data = make_video()
    path = tmp_path / "video.mp4"
    path.write_bytes(data)
    for index in (index_video(path), None):
        np.testing.assert_array_equal(
            read_frames(path, [5, 2], index=index), read_frames(data, [5, 2])
        )
    assert [pts for pts, _ in iter_frames(path)] == index_video(path).frame_pts.tolist()


@pytest.mark.parametrize("bad", [-1, 40])
def test_out_of_range_with_an_index(make_video, bad):
    data = make_video()
    with pytest.raises(VideoError) as error:
        read_frames(data, [0, bad], index=index_video(data))
    assert str(error.value) == (
        f"video of {len(data)} bytes: frame {bad} of 40 asked for, 0 to 39 exist. Ask for frames "
        "of this video only."
    )


def test_out_of_range_without_an_index(make_video):
    data = make_video()
    with pytest.raises(VideoError) as error:
        read_frames(data, [40])
    assert str(error.value) == (
        f"video of {len(data)} bytes: frame 40 of 40 asked for, 0 to 39 exist. Ask for frames of "
        "this video only."
    )
    with pytest.raises(VideoError) as error:
        read_frames(data, [-1])
    assert str(error.value) == (
        f"video of {len(data)} bytes: frame -1 asked for, 0 or more exist. Ask for frames of this "
        "video only."
    )


def test_packets_that_lead_nowhere_are_not_trusted(make_video, every_frame):
    data = make_video()
    index = index_video(data)
    shifted = dataclasses.replace(index.packets, offset=index.packets.offset + 3)
    wrong = dataclasses.replace(index, packets=shifted)
    np.testing.assert_array_equal(
        read_frames(data, [20, 4], index=wrong), every_frame(data)[[20, 4]]
    )
    unknown = dataclasses.replace(index, codec_name="theora")
    np.testing.assert_array_equal(
        read_frames(data, [20, 4], index=unknown), every_frame(data)[[20, 4]]
    )


def test_index_of_another_video(make_video):
    short = make_video(num_frames=30, container="matroska")
    index = index_video(make_video(container="matroska"))
    with pytest.raises(VideoError) as error:
        read_frames(short, [35], index=index)
    assert str(error.value) == (
        f"video of {len(short)} bytes frame 30: is missing, its index says 64x48 at time 1250. "
        "The index belongs to other bytes: make it again with index_video."
    )
    other = make_video(fps=30, container="matroska")
    with pytest.raises(VideoError) as error:
        read_frames(other, [35], index=index)
    assert str(error.value) == (
        f"video of {len(other)} bytes frame 1: is 64x48 at time 33, its index says 64x48 at time "
        "42. The index belongs to other bytes: make it again with index_video."
    )


def test_pixel_centres_stay_on_pixel_centres(tmp_path):
    # A tent that is the same from the left and from the right stays so only if no pixel moves.
    tent = np.broadcast_to(
        np.uint8(220 - 6 * np.abs(np.arange(64) - 31.5))[None, :, None], (64, 64, 3)
    )
    encode_video(tmp_path / "tent.mp4", [tent], fps=24, crf=0)
    for size in (16, 24, 32, 64, 128):
        across = read_frames(tmp_path / "tent.mp4", [0], size=(64, size))[0, 32, :, 1]
        np.testing.assert_array_equal(across, across[::-1])


def test_real_video(real_videos):
    smallest = min(real_videos, key=lambda path: path.stat().st_size)
    index = index_video(smallest)
    wanted = sorted(random.Random(0).sample(range(40), 6), reverse=True)
    in_order = [
        frame
        for _, (_, frame) in zip(range(40), iter_frames(smallest, size=(256, 256)), strict=False)
    ]
    got = read_frames(smallest, wanted, index=index, size=(256, 256))
    np.testing.assert_array_equal(got, np.stack([in_order[frame_index] for frame_index in wanted]))


@pytest.mark.slow
def test_real_videos_in_full(real_videos, every_frame):
    for path in real_videos:
        expected = every_frame(path.read_bytes())
        index = index_video(path)
        assert index.packets is not None
        assert index.num_frames == len(expected)
        wanted = random.Random(1).sample(range(index.num_frames), 24)
        np.testing.assert_array_equal(read_frames(path, wanted, index=index), expected[wanted])
