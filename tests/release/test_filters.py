"""Filters, hold-outs and columns: names work, and what names nothing is refused with what there
is.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.compute as pc
import pytest

import brokenvideos
from brokenvideos.release import ANNOTATION_FEATURES, FilterError

TYPES = brokenvideos.ARTIFACT_TYPES


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture(scope="module")
def rows(release: Path) -> list[dict[str, Any]]:
    return list(brokenvideos.load("annotations", data_dir=release, split="train", streaming=True))


def message_of(call: Callable[[], object]) -> str:
    with pytest.raises(ValueError) as caught:
        call()
    return str(caught.value)


def has(row: dict[str, Any], name: str) -> bool:
    return TYPES.index(name) in row["artifact_types"]


ASKED = {
    "label by name": ([("label", "==", "broken")], lambda row: row["label"] == 1),
    "label by number": ([("label", "==", np.int64(1))], lambda row: row["label"] == 1),
    "not a label": ([("label", "!=", "broken")], lambda row: row["label"] == 0),
    "labels": ([("label", "in", {"broken", "normal"})], lambda row: True),
    "not labels": ([("label", "not in", ("normal",))], lambda row: row["label"] == 1),
    "one tuple": (("label", "==", 1), lambda row: row["label"] == 1),
    "lists, as JSON has them": ([["label", "==", "broken"]], lambda row: row["label"] == 1),
    "nothing": ([], lambda row: True),
    "a type": ([("artifact_types", "==", "blur")], lambda row: has(row, "blur")),
    "not a type": ([("artifact_types", "!=", "blur")], lambda row: not has(row, "blur")),
    "one of types": (
        [("artifact_types", "in", ["blur", 0])],
        lambda row: has(row, "blur") or has(row, "motion"),
    ),
    "none of types": (
        [("artifact_types", "not in", ["blur", "motion"])],
        lambda row: not has(row, "blur") and not has(row, "motion"),
    ),
    "either": (
        [
            [("artifact_types", "==", "blur")],
            [("label", "==", "normal"), ("generator", "==", "synth-a")],
        ],
        lambda row: has(row, "blur") or (row["label"] == 0 and row["generator"] == "synth-a"),
    ),
    "an expression": (pc.field("height") > 1, lambda row: True),
}


@pytest.mark.parametrize("name", ASKED)
def test_filters_keep_what_they_say(release: Path, rows: list[dict[str, Any]], name: str) -> None:
    filters, keeps = ASKED[name]
    wanted = [row["video_id"] for row in rows if keeps(row)]
    assert wanted
    for kind in ("annotations", "webdataset"):
        found = brokenvideos.load(
            kind,
            data_dir=release,
            split="train",
            streaming=True,
            columns=["video_id"],
            filters=filters,
        )
        assert [row["video_id"] for row in found] == wanted


LIST = (
    "Wanted a list of (column, operator, value), as in [('label', '==', 'broken')], or a list "
    "of such lists."
)
COLUMNS = ", ".join(ANNOTATION_FEATURES)
WRONG = {
    "an unknown column": (
        [("lable", "==", 1)],
        f"filters: no column 'lable'. The columns are {COLUMNS}.",
    ),
    "an unknown column in an expression": (
        pc.field("lable") == 1,
        f"filters: no column 'lable'. The columns are {COLUMNS}.",
    ),
    "the video": ([("video", "==", 1)], f"filters: no column 'video'. The columns are {COLUMNS}."),
    "an unknown label": (
        [("label", "==", "Broken")],
        "filters: label has no 'Broken'. It has normal = 0, broken = 1.",
    ),
    "a label's number": (
        [("label", "in", [0, 7])],
        "filters: label has no 7. It has normal = 0, broken = 1.",
    ),
    "an unknown type": (
        [("artifact_types", "==", "noise")],
        "filters: artifact_types has no 'noise'. It has motion = 0, deformation = 1, blur = 2.",
    ),
    "types compared": (
        [("artifact_types", "<", "blur")],
        "filters: no '<' for artifact_types. Use ==, !=, in or not in.",
    ),
    "an unknown operator": (
        [("label", "is", 1)],
        "filters=[('label', 'is', 1)]: no operator 'is'. Wanted one of =, ==, !=, <, >, <=, >=, "
        "in, not in.",
    ),
    "in without a list": (
        [("generator", "in", "synth-a")],
        "filters=[('generator', 'in', 'synth-a')]: 'synth-a' after 'in', wanted a list of values.",
    ),
    "text": ("label == 1", f"filters='label == 1': {LIST}"),
    "a dict": ({"label": 1}, f"filters={{'label': 1}}: {LIST}"),
    "a pair": ([("label", 1)], f"filters=[('label', 1)]: {LIST}"),
    "an empty list inside": ([[]], f"filters=[[]]: {LIST}"),
}


@pytest.mark.parametrize("name", WRONG)
def test_filters_that_name_nothing_are_refused_before_a_row_is_read(
    release: Path, name: str
) -> None:
    filters, says = WRONG[name]
    for streaming in (True, False):
        assert (
            message_of(
                lambda streaming=streaming: brokenvideos.load(
                    "annotations",
                    data_dir=release,
                    split="train",
                    streaming=streaming,
                    filters=filters,
                )
            )
            == says
        )


def test_a_value_of_another_type_is_refused(release: Path) -> None:
    said = message_of(
        lambda: brokenvideos.load(
            data_dir=release, streaming=True, filters=[("height", "==", "tall")]
        )
    )
    assert said.startswith("filters=[('height', '==', 'tall')]: ")
    assert said.endswith(
        "Give values of the column's type (label: normal = 0, broken = 1; artifact_types: motion = "
        "0, deformation = 1, blur = 2)."
    )


@pytest.mark.parametrize("kind", ["default", "annotations", "webdataset"])
@pytest.mark.parametrize("streaming", [True, False])
def test_no_row_passes(release: Path, kind: str, streaming: bool) -> None:
    filters = [("generator", "==", "nobody"), ("label", "==", "broken")]

    def read(**more: Any) -> list[Any]:
        return list(
            brokenvideos.load(kind, data_dir=release, streaming=streaming, filters=filters, **more)
        )

    assert message_of(lambda: read(split="train")) == (
        f"no row of split 'train' passes filters={filters!r}. Its generator: synth-a, synth-b, "
        "synth-c. Its label: broken, normal."
    )


def test_a_shard_without_a_row_that_passes_is_no_error(
    release: Path, rows: list[dict[str, Any]]
) -> None:
    wanted = rows[-1]["video_id"]
    stream = brokenvideos.load(
        "annotations",
        data_dir=release,
        split="train",
        streaming=True,
        filters=[("video_id", "==", wanted)],
    )
    assert [row["video_id"] for row in stream.reshard()] == [wanted]


@pytest.mark.parametrize("kind", ["default", "webdataset"])
@pytest.mark.parametrize("streaming", [True, False])
@pytest.mark.parametrize(
    ("holdout", "says"),
    [
        (
            "generator:Synth-A",
            "no video has the generator 'Synth-A'. There are synth-a, synth-b, synth-c.",
        ),
        (
            "generator: synth-a",
            "no video has the generator ' synth-a'. There are synth-a, synth-b, synth-c.",
        ),
    ],
)
def test_a_holdout_of_nobody(
    release: Path, kind: str, streaming: bool, holdout: str, says: str
) -> None:
    for split in ("train", "test", None):
        assert (
            message_of(
                lambda split=split: brokenvideos.load(
                    kind, data_dir=release, split=split, streaming=streaming, holdout=holdout
                )
            )
            == f"holdout={holdout!r}: {says}"
        )


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("label", "columns='label': wanted a list of names, as in columns=['label']."),
        (7, "columns=7: wanted a list of names, as in columns=['label']."),
        ([], f"columns=[]: name at least one of {COLUMNS}, or leave columns= out."),
        ((), f"columns=(): name at least one of {COLUMNS}, or leave columns= out."),
        (["lable", 3], f"columns=['lable', 3]: no column 'lable', 3. The columns are {COLUMNS}."),
    ],
)
def test_columns_that_are_none(release: Path, columns: Any, says: str) -> None:
    assert (
        message_of(lambda: brokenvideos.load("annotations", data_dir=release, columns=columns))
        == says
    )


def test_a_split_that_is_not_there(release: Path) -> None:
    assert "['train', 'validation', 'test']" in message_of(
        lambda: brokenvideos.load("annotations", data_dir=release, split="val", streaming=True)
    )


def test_the_error_is_a_value_error() -> None:
    assert issubclass(FilterError, ValueError)
