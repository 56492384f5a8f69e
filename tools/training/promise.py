"""What the gates of a model may promise: how many normal videos they were chosen on, and what that
says of others.
"""

import math
from collections.abc import Mapping
from typing import Any

FEW_NORMAL_VIDEOS = 20
"""Below this the share of normal videos that a model flags says nothing that a user could rely
on.
"""

CONFIDENCE = 0.95


def at_most(flagged: int, n: int) -> float:
    """The share of videos that is not exceeded with 95 % confidence when `flagged` of `n` are; 1.0
    where n is 0.

    Source: the one-sided bound of Clopper and Pearson, Biometrika 26 (1934).
    """
    if flagged >= n:
        return 1.0
    low, high = flagged / n, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most_that_many(flagged, n, middle) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle
    return high


def _at_most_that_many(flagged: int, n: int, share: float) -> float:
    """The probability of at most `flagged` of `n` videos, each with the probability `share` in (0,
    1).
    """
    choose = (
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) for k in range(flagged + 1)
    )
    return sum(
        math.exp(c + k * math.log(share) + (n - k) * math.log1p(-share))
        for k, c in enumerate(choose)
    )


def at_most_per_unit(events: int, units: float) -> float:
    """The rate that is not exceeded with 95 % confidence when `events` were counted in `units`
    (hours, say; above 0).

    Source: the one-sided exact bound for a Poisson count, Garwood, Biometrika 28 (1936).
    """
    low, high = float(events), 2.0 * events + 10
    for _ in range(60):
        middle = (low + high) / 2
        terms = (
            math.exp(k * math.log(middle) - middle - math.lgamma(k + 1)) for k in range(events + 1)
        )
        low, high = (middle, high) if sum(terms) > 1 - CONFIDENCE else (low, middle)
    return high / units


def false_alarms(flagged: int, n: int) -> str:
    """ "2 of 30 normal videos flagged, at most 19.5 % of others (95 % confidence)"."""
    return (
        f"{flagged} of {n} normal videos flagged, at most {at_most(flagged, n):.1%} of others "
        "(95 % confidence)"
    )


def warning(gates: Mapping[str, Any] | None) -> str | None:
    """What to tell a user of a model whose gates were chosen on few normal videos; None where they
    were enough, or are not known.

    Args:
        gates: {"normal_videos", "false_videos"} as `training` writes them beside a model.
    """
    if gates is None or gates["normal_videos"] >= FEW_NORMAL_VIDEOS:
        return None
    alarms = false_alarms(gates["false_videos"], gates["normal_videos"])
    return (
        f"The gates were chosen on validation with {alarms}. Fewer than {FEW_NORMAL_VIDEOS} normal "
        "videos promise nothing: add normal videos to validation and train again."
    )
