"""Clips that the packets of a row lead to, against a plain decode."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from brokenvideos.builder import BuildOptions, build, verify
from brokenvideos.builder.check_clips import check_clips, is_sampled, sampled_frames
from brokenvideos.frames import index_video
from brokenvideos.frames.bitstream import packet_flags
from tests.odd_videos import make_video

CODED = {"codec": "mpeg4", "num_frames": 20, "options": {"g": "8"}}


@pytest.fixture
def raw(write_raw):
    """A raw folder with one MPEG-4 video and no mark."""
    line = {"video_id": "v", "generator": "g", "objects": []}
    return write_raw({"videos/v.mp4": make_video(**CODED), "videos.jsonl": [line]})


def row_of(release):
    (path,) = (release / "data").glob("*.parquet")
    (row,) = pq.read_table(path).to_pylist()
    return row


def test_flags_that_lie_alike_in_a_release_and_in_a_demux_are_found_by_decoding(
    raw, tmp_path, monkeypatch
):
    """As those of files that call every frame a key frame once were: both sides had them from the
    container.
    """

    def every_frame_is_key(payloads, **of_codec):
        keyframe, reference = packet_flags(payloads, **of_codec)
        return np.ones_like(keyframe), reference

    monkeypatch.setattr("brokenvideos.frames.packets.packet_flags", every_frame_is_key)
    build(raw, tmp_path / "release", BuildOptions(num_shards={"train": 1}))
    found = verify(tmp_path / "release").findings
    assert [str(finding) for finding in found] == [
        f"data/train-00000-of-00001.parquet video v frame {frame}: decoding through its packets "
        "gives other pixels than decoding from the first frame. Rebuild this video's shard."
        for frame in (1, 2)
    ]
    monkeypatch.undo()
    assert [str(finding) for finding in verify(tmp_path / "release").findings] == [
        "data/train-00000-of-00001.parquet video v: packets.keyframe differs from a demux of the "
        "bytes. Rebuild this video's shard."
    ]


def test_a_sound_row_has_no_finding(raw, tmp_path):
    build(raw, tmp_path / "release")
    row = row_of(tmp_path / "release")
    assert check_clips(row, "file") == []
    assert check_clips(row | {"packets": None}, "file") == []


def test_the_frames_lie_about_the_second_start():
    index = index_video(make_video(**CODED))
    assert [sampled_frames(index, number) for number in (0, 3, 9, 10)] == [
        [0, 8, 9],
        [3, 8, 9],
        [8, 9],
        [0, 8, 9],
    ]
    only_one = index_video(make_video(codec="mpeg4", num_frames=5, options={"g": "8"}))
    assert [sampled_frames(only_one, number) for number in (0, 4, 5)] == [[0], [4], [0]]
    assert sampled_frames(index_video(make_video(num_frames=3, container="matroska")), 7) == []


def test_one_video_of_sixteen_is_sampled_by_its_bytes():
    sampled = [is_sampled({"video_sha256": f"{number:08x}{'f' * 56}"}) for number in range(64)]
    assert np.flatnonzero(sampled).tolist() == [0, 16, 32, 48]
