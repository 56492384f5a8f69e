"""What a full card counts beside the facts, against the slow and plain way of counting it."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as npst

import brokenvideos
from brokenvideos.card.details import AREA_EDGES, Details, count_all
from brokenvideos.card.facts import annotation_rows, count_facts
from brokenvideos.card.heat import GRID, coverage, covered_shares
from brokenvideos.card.inputs import CardInputs
from brokenvideos.masks import ARTIFACT_TYPES, decode_masks, encode
from brokenvideos.tools.evaluation.evaluation import evaluate

BITMAPS = st.tuples(st.integers(0, 4), st.integers(1, 7), st.integers(1, 9)).flatmap(
    lambda shape: npst.arrays(np.uint8, shape, elements=st.integers(0, 1))
)


@given(BITMAPS)
@settings(deadline=None, max_examples=150)
def test_coverage_counts_the_masks_over_each_pixel(bitmaps: np.ndarray) -> None:
    _, height, width = bitmaps.shape
    assert np.array_equal(
        coverage(encode(bitmaps), height=height, width=width), bitmaps.sum(axis=0, dtype=np.int64)
    )


def test_covered_shares_are_those_of_the_upright_frame() -> None:
    mask = np.zeros((1, 72, 128), np.uint8)
    mask[0, :36, :32] = 1  # the left quarter of the upper half
    counts = encode(mask)
    upright = covered_shares(counts, height=72, width=128)
    assert upright.shape == GRID
    assert np.array_equal(upright, np.pad(np.ones((18, 16)), ((0, 18), (0, 48))))
    # clockwise: what was left is now above
    turned = covered_shares(counts, height=72, width=128, rotation=90)
    assert np.array_equal(turned, np.pad(np.ones((9, 32)), ((0, 27), (32, 0))))


def test_a_frame_smaller_than_the_grid_is_stretched() -> None:
    mask = np.zeros((2, 2, 2), np.uint8)
    mask[:, 1, 0] = 1
    shares = covered_shares(encode(mask), height=2, width=2)
    assert np.array_equal(shares, np.pad(np.full((18, 32), 2.0), ((18, 0), (0, 32))))


def test_details_of_a_release(release: Path, inputs: CardInputs) -> None:
    details = inputs.details
    rows = list(
        annotation_rows(release, [name for name in brokenvideos.FEATURES if name != "video"])
    )
    crossed: Counter[tuple[str, str]] = Counter()
    masks: Counter[str] = Counter()
    for _, row in rows:
        for name in [ARTIFACT_TYPES[code] for code in row["artifact_types"]] or ["normal"]:
            crossed[row["generator"], name] += 1
        for number, code in enumerate(row["objects"]["artifact_type"]):
            of_object = decode_masks(row, by="object")[:, number]
            masks[ARTIFACT_TYPES[code]] += int(of_object.any(axis=(1, 2)).sum())
    assert details.generator_types == crossed
    assert details.num_masks == masks
    assert {name: bins.sum() for name, bins in details.areas.items()} == dict(masks)
    assert all(len(bins) == len(AREA_EDGES) - 1 for bins in details.areas.values())
    assert details.annotators == {"renderer": len(rows)}
    assert details.num_partly_annotated == sum(
        len(row["annotated_frames"]) < row["num_frames"] for _, row in rows
    )


def test_one_pass_gives_the_same_facts(release: Path) -> None:
    assert count_all(release)[0] == count_facts(release)


def test_the_floor_that_is_counted_is_the_one_that_evaluate_scores(
    release: Path, inputs: CardInputs
) -> None:
    for split, shares in inputs.details.empty_shares.items():
        floor = evaluate(release, release, splits=[split]).floors["all-empty"]
        assert floor.broken["jf"].value == pytest.approx(sum(shares) / len(shares))
        assert floor.broken["active_jf"].value == 0


def row_with(video_id: str, generator: str, *, side: int) -> dict:
    """A broken video of 100 x 100 with one square mask, as a row of the annotations."""
    mask = np.zeros((1, 100, 100), np.uint8)
    mask[0, :side, :side] = 1
    return {
        "video_id": video_id,
        "label": 1,
        "artifact_types": [2],
        "generator": generator,
        "prompt": None,
        "height": 100,
        "width": 100,
        "num_frames": 1,
        "fps": 24.0,
        "codec": {"rotation": 0},
        "annotated_frames": [0],
        "objects": {"object_id": [1], "artifact_type": [2]},
        "masks": {"object_id": [1], "frame_index": [0], "counts": encode(mask)},
        "source": {"license": None, "annotator": None},
    }


def test_what_is_shown_is_of_many_generators_and_large_enough_to_see() -> None:
    details = Details()
    for number in range(40):
        details.add("train", row_with(f"many_{number}", "many", side=30))
    details.add("train", row_with("tiny", "other", side=2))
    details.add("train", row_with("good", "other", side=30))
    details.add("train", row_with("whole", "third", side=100))
    shown = details.shown()["blur"]
    assert {one.generator for one in shown} == {"many", "other", "third"}
    assert len(shown) == 4
    assert "good" in [one.video_id for one in shown]
    assert "tiny" not in [one.video_id for one in shown]
    assert max(map(len, details.candidates.values())) == 8  # of however many videos


def test_a_video_is_shown_for_two_types_only_where_one_has_no_other() -> None:
    details = Details()
    both = row_with("both", "a", side=30) | {
        "artifact_types": [1, 2],
        "objects": {"object_id": [1, 2], "artifact_type": [1, 2]},
    }
    both["masks"] = {
        "object_id": [1, 2],
        "frame_index": [0, 0],
        "counts": both["masks"]["counts"] * 2,
    }
    details.add("train", both)
    assert {name: [one.video_id for one in found] for name, found in details.shown().items()} == {
        "motion": [],
        "deformation": ["both"],
        "blur": ["both"],
    }
    details.add("train", row_with("another", "a", side=30))
    assert [one.video_id for one in details.shown()["blur"]] == ["another"]
