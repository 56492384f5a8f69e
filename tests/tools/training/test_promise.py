"""What gates that were chosen on few normal videos may promise."""

import pytest
from scipy.stats import beta

from brokenvideos.tools.training.promise import FEW_NORMAL_VIDEOS, at_most, false_alarms, warning


@pytest.mark.parametrize(("flagged", "n"), [(0, 1), (0, 19), (1, 20), (3, 40), (30, 300), (299, 300)])
def test_the_bound_is_that_of_clopper_and_pearson(flagged: int, n: int) -> None:
    assert at_most(flagged, n) == pytest.approx(beta.ppf(0.95, flagged + 1, n - flagged), abs=1e-9)


@pytest.mark.parametrize("n", [0, 1, 5])
def test_all_flagged_bounds_nothing(n: int) -> None:
    assert at_most(n, n) == 1.0


def test_few_normal_videos_are_warned_of() -> None:
    assert warning(None) is None
    assert warning({"normal_videos": FEW_NORMAL_VIDEOS, "false_videos": 0}) is None
    assert warning({"normal_videos": 1, "false_videos": 0}) == (
        "The gates were chosen on validation with 0 of 1 normal videos flagged, at most 95.0 % of others (95 % confidence). Fewer "
        "than 20 normal videos promise nothing: add normal videos to validation and train again."
    ).replace("95.0 %", "95.0%")
    assert false_alarms(2, 30) == "2 of 30 normal videos flagged, at most 19.5% of others (95 % confidence)"
