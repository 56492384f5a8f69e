"""Equal to davis2017-evaluation on two methods' real results: integers exactly, sequences to
1e-9.
"""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brokenvideos.tools.evaluation.counts import Counts, count_bitmaps
from brokenvideos.tools.evaluation.scores import statistics

COLUMNS = {
    "area_gt": "truth_px",
    "area_pred": "pred_px",
    "intersection": "both_px",
    "n_bnd_gt": "truth_boundary_px",
    "n_bnd_pred": "pred_boundary_px",
    "match_gt": "truth_matched_px",
    "match_pred": "pred_matched_px",
}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def counts(real_data: Path) -> dict[tuple[str, str], Counts]:
    """By method that is the truth, and sequence."""
    found: dict[tuple[str, str], Counts] = {}
    for folder in sorted((real_data / "davis" / "rvos").iterdir()):
        names = sorted(path.name for path in folder.iterdir())
        rvos, osvos = (
            np.stack(
                [
                    np.asarray(Image.open(real_data / "davis" / method / folder.name / name)) > 0
                    for name in names
                ]
            )
            for method in ("rvos", "osvos")
        )
        found["rvos", folder.name] = count_bitmaps(rvos, osvos)
        found["osvos", folder.name] = count_bitmaps(osvos, rvos)
    return found


def test_every_integer_of_every_frame(
    real_data: Path, counts: dict[tuple[str, str], Counts]
) -> None:
    rows = rows_of(real_data / "jf_reference" / "frames_binary_gt-rvos_pred-osvos.csv")
    assert len(rows) == sum(len(found) for (truth, _), found in counts.items() if truth == "rvos")
    for row in rows:
        found, index = counts["rvos", row["sequence"]], int(row["frame"])
        for column, name in COLUMNS.items():
            assert int(row[column]) == getattr(found, name)[index], (row["sequence"], index, column)
        assert found.j()[index] == pytest.approx(float(row["J"]), abs=1e-12)
        assert found.f()[index] == pytest.approx(float(row["F"]), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "truth", "chosen"),
    [
        ("binary_gt-rvos_pred-osvos", "rvos", slice(None)),
        ("binary_gt-osvos_pred-rvos", "osvos", slice(None)),
        ("binary_gt-osvos_pred-rvos_skip-ends", "osvos", slice(1, -1)),
    ],
)
def test_every_number_of_every_sequence(
    name: str, truth: str, chosen: slice, real_data: Path, counts: dict[tuple[str, str], Counts]
) -> None:
    rows = rows_of(real_data / "jf_reference" / f"{name}.csv")
    assert rows
    for row in rows:
        found = counts[truth, row["sequence"]].at(chosen)
        j, f = statistics(found.j()), statistics(found.f())
        for wanted, value in zip(
            ("J", "J_recall", "J_decay", "F", "F_recall", "F_decay"), (*j, *f), strict=True
        ):
            assert value == pytest.approx(float(row[wanted]), abs=1e-9), (row["sequence"], wanted)
        assert (j[0] + f[0]) / 2 == pytest.approx(float(row["JF"]), abs=1e-9)
