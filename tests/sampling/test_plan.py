import numpy as np
import pytest
from hypothesis import given, strategies as st

from brokenvideos.sampling.plan import ClipPlan, clip_frames, count_clips


def plan(sampling="random", *, num_frames=4, stride=1, clips_per_video=1, seed=0):
    return ClipPlan(num_frames, stride, clips_per_video, sampling, seed)


def row(num_frames, marked=()):
    return {"video_id": "a", "num_frames": num_frames, "masks": {"frame_index": list(marked)}}


def starts(clips):
    return [int(frames[0]) for frames in clips]


@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 5))
def test_all_holds_every_frame_once(video_frames, num_frames, stride):
    every = plan("all", num_frames=num_frames, stride=stride, clips_per_video=3)
    clips = clip_frames(every, row(video_frames), epoch=0)
    shown = np.concatenate(clips)
    assert sorted(shown[shown < video_frames].tolist()) == list(range(video_frames))
    assert all((np.diff(frames) == stride).all() for frames in clips)
    assert starts(clips) == sorted(starts(clips))
    assert count_clips(every, np.asarray([video_frames])).tolist() == [len(clips)]


@given(
    st.integers(1, 60),
    st.integers(1, 9),
    st.integers(1, 5),
    st.sampled_from(["random", "uniform", "broken"]),
)
def test_clips_stay_in_the_video_where_it_is_long_enough(
    video_frames, num_frames, stride, sampling
):
    cut = plan(sampling, num_frames=num_frames, stride=stride, clips_per_video=5)
    clips = clip_frames(cut, row(video_frames, [video_frames // 2]), epoch=3)
    assert len(clips) == 5
    for frames in clips:
        assert frames[0] >= 0
        assert frames[-1] < video_frames or frames[0] == 0
    assert count_clips(cut, np.asarray([video_frames, 1])).tolist() == [5, 5]


@given(st.integers(4, 60), st.integers(1, 5), st.data())
def test_broken_holds_a_marked_frame(video_frames, stride, data):
    marked = data.draw(st.lists(st.integers(0, video_frames - 1), min_size=1, unique=True))
    clips = clip_frames(
        plan("broken", stride=stride, clips_per_video=4), row(video_frames, marked), epoch=0
    )
    last_start = max(video_frames - 1 - 3 * stride, 0)
    reachable = {start + stride * step for start in range(last_start + 1) for step in range(4)}
    if set(marked) <= reachable:
        assert all(set(frames.tolist()) & set(marked) for frames in clips)


def test_broken_is_centred_on_the_artifact():
    (clip,) = clip_frames(plan("broken", num_frames=5, stride=2), row(100, [50]), epoch=0)
    assert clip.tolist() == [46, 48, 50, 52, 54]


def test_broken_without_an_artifact_is_random():
    assert starts(clip_frames(plan("broken"), row(30), epoch=1)) == starts(
        clip_frames(plan(), row(30), epoch=1)
    )


def test_uniform_spreads_and_stays():
    spread = plan("uniform", clips_per_video=4)
    assert starts(clip_frames(spread, row(43), epoch=0)) == [5, 15, 25, 35]
    assert starts(clip_frames(spread, row(43), epoch=9)) == [5, 15, 25, 35]


def test_random_depends_on_seed_and_epoch():
    found = {
        tuple(starts(clip_frames(plan(seed=s, clips_per_video=3), row(500), epoch=e)))
        for s in (0, 1)
        for e in (0, 1)
    }
    assert len(found) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"sampling": "some"},
            'clips: sampling=\'some\', must be "random", "uniform", "all" or "broken".',
        ),
        (
            {"clips_per_video": 0},
            "clips: clips_per_video=0, must be 1 or more. Give a positive number.",
        ),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as error:
        plan(**arguments)
    assert str(error.value) == message
