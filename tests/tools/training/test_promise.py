"""What gates that were chosen on few normal videos may promise."""

import pytest
from scipy.stats import beta, chi2

from brokenvideos.tools.training.about import FalseAlarms, TrainedOn, _stretches
from brokenvideos.tools.training.promise import (
    FEW_NORMAL_VIDEOS,
    at_most,
    at_most_per_unit,
    false_alarms,
    warning,
)


@pytest.mark.parametrize(
    ("flagged", "n"), [(0, 1), (0, 19), (1, 20), (3, 40), (30, 300), (299, 300)]
)
def test_the_bound_is_that_of_clopper_and_pearson(flagged: int, n: int) -> None:
    assert at_most(flagged, n) == pytest.approx(beta.ppf(0.95, flagged + 1, n - flagged), abs=1e-9)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_all_flagged_bounds_nothing(n: int) -> None:
    assert at_most(n, n) == 1.0


@pytest.mark.parametrize("events", [0, 1, 3, 40])
def test_the_rate_is_bounded_as_by_garwood(events: int) -> None:
    assert at_most_per_unit(events, 0.5) == pytest.approx(
        chi2.ppf(0.95, 2 * (events + 1)) / 2 / 0.5, rel=1e-9
    )


def test_alarms_are_stretches_of_frames() -> None:
    import numpy as np

    marked = np.array([True, True, False, True, False, False, True, True])
    assert (_stretches(marked), _stretches(~marked), _stretches(marked[:0])) == (3, 2, 0)
    assert FalseAlarms(3, 0.02).text() == (
        "3 false alarms in 0.0200 h of normal video: 150 per hour, at most 388 (95 % confidence)"
    )
    assert (
        FalseAlarms(1, 0.5)
        .text()
        .startswith("1 false alarm in 0.5000 h of normal video: 2 per hour, at most 9 ")
    )
    assert FalseAlarms(0, 0).text() == "no normal video was there to count false alarms in"
    assert FalseAlarms(0, 0).to_dict() == {
        "alarms": 0,
        "hours": 0,
        "per_hour": None,
        "per_hour_at_most": None,
    }


def test_what_a_model_was_trained_on_is_told() -> None:
    assert TrainedOn(6, 3, 0.25, {"b": 4, "a": 5}, {}).text() == (
        "9 videos (6 broken, 3 normal), 0.25 h. By generator: a 5, b 4. By artifact type: none."
    )


def test_few_normal_videos_are_warned_of() -> None:
    assert warning(None) is None
    assert warning({"normal_videos": FEW_NORMAL_VIDEOS, "false_videos": 0}) is None
    assert warning({"normal_videos": 1, "false_videos": 0}) == (
        "The gates were chosen on validation with 0 of 1 normal videos flagged, at most 95.0 % of "
        "others (95 % confidence). Fewer than 20 normal videos promise nothing: add normal videos "
        "to validation and train again."
    ).replace("95.0 %", "95.0%")
    assert (
        false_alarms(2, 30)
        == "2 of 30 normal videos flagged, at most 19.5% of others (95 % confidence)"
    )
