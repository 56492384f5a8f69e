"""What a release says of its triggers: counts, shares with their intervals, and which artifact
types they brought out.
"""

import json
from typing import Any

import pytest
from statsmodels.stats.proportion import proportion_confint

from brokenvideos.card.facts import count_rows
from brokenvideos.card.sections.prompts import prompts
from brokenvideos.card.triggers import prompt_of, wilson_interval
from brokenvideos.masks import ARTIFACT_TYPES
from brokenvideos.tools.stats.stats import stats_dict, stats_text


def row(record: object, *, types: tuple[str, ...] = (), looked_at: bool = True) -> dict[str, Any]:
    """A video without masks, whose row names artifact types."""
    return {
        "label": int(bool(types)),
        "artifact_types": [ARTIFACT_TYPES.index(kind) for kind in types],
        "generator": "tiny",
        "height": 32,
        "width": 64,
        "num_frames": 9,
        "fps": 8.0,
        "packets": None,
        "annotated_frames": [0] if looked_at else [],
        "masks": {"object_id": [], "frame_index": [], "counts": [], "fingerprint": []},
        "source": {
            "license": None,
            "record": record if record is None or isinstance(record, str) else json.dumps(record),
        },
    }


def asked(prompt_id: str, trigger: str | None, *expected: str) -> dict[str, Any]:
    values = {"subject": "man"}
    return {
        "prompt": {
            "prompt_id": prompt_id,
            "trigger": trigger,
            "artifact_types": expected,
            "values": values,
        }
    }


ROWS = [
    row(asked("h1", "hands", "deformation"), types=("deformation", "blur")),
    row(asked("h1", "hands", "deformation"), types=("motion",)),
    row(asked("h2", "hands", "deformation")),
    row(asked("h3", "hands", "deformation"), looked_at=False),
    row(asked("c1", None)),
    row(asked("f1", "fluid", "motion", "deformation"), looked_at=False),
    # of no taxonomy
    row({"prompt": {"prompt_id": "x", "prompt": "a dog", "trigger": None, "values": {}}}),
    row({"claims": {"generator": "Kling"}, "prompt": None}),
    row("not JSON"),
    row("[1]"),
    row(None),
]


def test_clips_are_counted_by_their_trigger() -> None:
    facts = count_rows(("train", each) for each in ROWS)
    found = stats_dict(facts, None)["triggers"]
    assert list(found) == ["control", "fluid", "hands"]
    assert {**found["hands"], "share_broken": None} == {
        "prompts": 3,
        "videos": 4,
        "judged": 3,
        "broken": 2,
        "share_broken": None,
        "artifact_types": {"motion": 1, "deformation": 1, "blur": 1},
        "expected": ["deformation"],
    }
    assert found["hands"]["share_broken"]["value"] == pytest.approx(2 / 3)
    assert found["fluid"]["share_broken"] == {"value": None, "low": None, "high": None}
    assert stats_text(facts, None).splitlines()[-4:] == [
        "Triggers: share of annotated clips that are broken (95 % interval), and their artifact "
        "types; * = expected.",
        "  control: 1 clips of 1 prompts, 0 of 1 broken, 0.0% (0.0% to 79.3%); motion 0, "
        "deformation 0, blur 0",
        "  fluid: 1 clips of 1 prompts, 0 of 0 broken, none annotated; motion* 0, deformation* 0, "
        "blur 0",
        "  hands: 4 clips of 3 prompts, 2 of 3 broken, 66.7% (20.8% to 93.9%); motion 1, "
        "deformation* 1, blur 1",
    ]


def test_the_card_has_a_table_with_controls_last() -> None:
    text = prompts(count_rows(("train", each) for each in ROWS).triggers)
    assert text is not None
    assert text.splitlines()[:5] == [
        "| trigger | expected | prompts | clips | judged | broken | motion | deformation | blur |",
        "| --- | --- | --: | --: | --: | --: | --: | --: | --: |",
        "| fluid | motion, deformation | 1 | 1 | 0 | - | 0 | 0 | 0 |",
        "| hands | deformation | 3 | 4 | 3 | 66.7% [20.8%, 93.9%] | 1 | 1 | 1 |",
        "| control | - | 1 | 1 | 1 | 0.0% [0.0%, 79.3%] | 0 | 0 | 0 |",
    ]


def test_nothing_is_said_where_no_clip_says_its_prompt() -> None:
    facts = count_rows([("train", row(None)), ("train", row("{}"))])
    assert prompts(facts.triggers) is None
    assert "Triggers" not in stats_text(facts, None)
    assert prompt_of({}) is None  # a release of the format before records


@pytest.mark.parametrize(
    ("count", "total"), [(0, 1), (1, 1), (2, 3), (0, 50), (37, 50), (50, 50), (1, 10_000)]
)
def test_the_interval_is_wilsons(count: int, total: int) -> None:
    assert wilson_interval(count, total) == pytest.approx(
        proportion_confint(count, total, method="wilson"), abs=1e-9
    )


def test_nothing_has_no_interval() -> None:
    assert wilson_interval(0, 0) is None


def test_a_broken_clip_whose_types_are_not_given_counts_as_broken() -> None:
    untyped = {
        **row(asked("h1", "hands", "deformation"), types=("motion",)),
        "artifact_types": None,
    }
    found = stats_dict(count_rows([("train", untyped)]), None)["triggers"]["hands"]
    assert (found["broken"], found["artifact_types"]) == (1, dict.fromkeys(ARTIFACT_TYPES, 0))
