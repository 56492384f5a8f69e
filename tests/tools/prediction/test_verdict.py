from dataclasses import replace

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from brokenvideos.tools.prediction import Flag, Report, VideoReport


def report_of(flagged: int, videos: int) -> Report:
    nothing = np.zeros(1)
    found = [
        VideoReport(
            f"v{k}", f"v{k}.mp4", 8, 8, 12.0, nothing, nothing, nothing > 0, k < flagged, nothing
        )
        for k in range(videos)
    ]
    return Report("all-full", Flag(), tuple(found), ())


@pytest.mark.parametrize(("flagged", "videos"), [(0, 1), (0, 3), (3, 3), (3, 40), (100, 100)])
def test_a_share_of_all_or_none_is_not_certain(flagged, videos):
    share = report_of(flagged, videos).share
    assert (share.value, share.n) == (flagged / videos, videos)
    assert (share.low, share.high) == pytest.approx(
        proportion_confint(flagged, videos, method="wilson"), abs=1e-9
    )
    assert share.high - share.low > 0.03


@pytest.mark.parametrize(
    ("flagged", "videos", "words"),
    [
        (0, 0, "0 of 0 videos flagged broken, 0 unreadable"),
        (
            3,
            3,
            "3 of 3 videos flagged broken (100.0%, 95 % interval [0.439, 1.000]?), 0 unreadable",
        ),
        (3, 40, "3 of 40 videos flagged broken (7.5%, 95 % interval [0.026, 0.199]), 0 unreadable"),
    ],
)
def test_the_summary_gives_the_interval(flagged, videos, words):
    assert report_of(flagged, videos).summary() == words


def test_videos_unlike_all_that_the_model_has_seen_are_named():
    report = report_of(1, 6)
    assert report.far_line() is None
    assert report.to_dict()["far"] is None
    far = ("shorter side 1080 px, seen 48 to 64", "rate 60 frames per second, seen 8 to 12")
    videos = [
        replace(video, far=far[: 1 + (k == 0)]) if k < 5 else video
        for k, video in enumerate(report.videos)
    ]
    one = replace(report, videos=(videos[0], *report.videos[1:]))
    assert one.far_line() == (
        "1 of 6 videos are far from what the model was trained on, where nothing is promised: "
        "v0 (shorter side 1080 px, seen 48 to 64, rate 60 frames per second, seen 8 to 12)."
    )
    many = replace(report, videos=tuple(videos))
    assert many.far_line().startswith("5 of 6 videos are far ")
    assert many.far_line().endswith("; v2 (shorter side 1080 px, seen 48 to 64); and 2 more.")
    assert many.to_dict()["videos"][1]["far"] == [far[0]]
