"""Videos whose masks wait for a review: left out of a release, or taken."""

import json

import pytest

from brokenvideos.builder import BuildOptions, RawError, build, left_out, rebuild, verify
from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.raw import Problem
from brokenvideos.tools.synthetic import write_sample


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "raw"
    write_sample(folder, videos=3, height=48, width=64, num_frames=8, fps=8)
    return folder


def set_reviews(raw, *reviews):
    """Gives the videos these values of `review`, in the order of their ids; returns the ids."""
    lines = [json.loads(line) for line in (raw / "videos.jsonl").read_text().splitlines()]
    lines.sort(key=lambda line: line["video_id"])
    for line, review in zip(lines, reviews, strict=True):
        line["review"] = review
    (raw / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return [line["video_id"] for line in lines]


def test_unreviewed_videos_are_left_out_until_they_are_asked_for(raw, tmp_path):
    first, second, third = set_reviews(raw, "approved", "unreviewed", None)
    assert left_out(raw) == [second]
    approved = build(raw, tmp_path / "approved")
    assert sorted(approved["videos"]) == [first, third]
    assert "include" not in approved["reading"]
    everything = build(raw, tmp_path / "all", BuildOptions(include="unreviewed"))
    assert sorted(everything["videos"]) == [first, second, third]
    assert everything["reading"]["include"] == "unreviewed"
    for release in ("approved", "all"):
        assert verify(tmp_path / release, raw=raw).findings == ()
        assert rebuild(tmp_path / release, raw).findings == ()


def test_nothing_approved_is_said(raw, tmp_path):
    set_reviews(raw, *["unreviewed"] * 3)
    with pytest.raises(RawError) as caught:
        build(raw, tmp_path / "release")
    assert str(caught.value) == (
        f"{raw}: none of 3 videos is approved, no release was written. Let a second person review "
        "them, or give --include unreviewed."
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw"]


def test_another_word_is_a_problem(raw):
    set_reviews(raw, "approved", "maybe", None)
    what = 'review is "maybe", wanted approved or unreviewed'
    assert Problem("videos.jsonl line 2", what) in read_layout(raw)[1]
