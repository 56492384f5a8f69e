"""croissant.json describes the release to mlcroissant: every record set can be read from the
folder, with the rows' values.
"""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlcroissant as mlc
import pytest

import brokenvideos
from brokenvideos.card.about import About
from brokenvideos.card.croissant import croissant, croissant_bytes
from brokenvideos.card.inputs import CardInputs


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """mlcroissant's own warnings, of what its libraries will change."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "ConjunctiveGraph is deprecated", DeprecationWarning)
        warnings.filterwarnings("ignore", "The inplace keyword in DataFrame.reset_index")
        yield


@pytest.fixture(scope="module")
def described(carded: Path) -> dict[str, Any]:
    return json.loads((carded / "croissant.json").read_text())


def test_versions_and_what_the_rai_extension_asks(described: dict[str, Any]) -> None:
    assert described["conformsTo"] == [
        "http://mlcommons.org/croissant/1.1",
        "http://mlcommons.org/croissant/RAI/1.0",
    ]
    assert described["version"] == "1.0.0"
    assert described["datePublished"].startswith("2026-01-31")
    assert described["license"] == "https://spdx.org/licenses/CC0-1.0.html"
    assert described["rai:hasSyntheticData"] is True
    for name in (
        "dataLimitations",
        "dataBiases",
        "personalSensitiveInformation",
        "dataUseCases",
        "dataSocialImpact",
    ):
        assert len("".join(described[f"rai:{name}"])) > 60
    assert described["rai:dataAnnotationProtocol"] == "Two people marked every video."
    assert "2 annotators marked the same 9 videos" in described["rai:dataAnnotationAnalysis"]


def test_files_are_those_of_the_manifest(described: dict[str, Any], carded: Path) -> None:
    shards = brokenvideos.read_manifest(str(carded))["shards"]
    stated = {
        file["path"]: (file["sha256"], f"{file['bytes']} B")
        for shard in shards
        for file in shard["files"]
    }
    files = [entry for entry in described["distribution"] if entry["@type"] == "cr:FileObject"]
    assert {file["contentUrl"]: (file["sha256"], file["contentSize"]) for file in files} == stated
    formats = {file["contentUrl"].rpartition(".")[2]: file["encodingFormat"] for file in files}
    assert formats == {"parquet": "application/x-parquet", "tar": "application/x-tar"}


def test_a_record_of_every_record_set_can_be_read(carded: Path) -> None:
    dataset = mlc.Dataset(carded / "croissant.json")
    assert [record_set.uuid for record_set in dataset.metadata.record_sets] == [
        "splits",
        "default",
        "annotations",
    ]
    assert [record["splits/name"] for record in dataset.records("splits")] == list(
        brokenvideos.SPLITS
    )
    rows = {
        row["video_id"]: row
        for row in brokenvideos.load(data_dir=str(carded), split="test", streaming=True)
    }
    for name in ("default", "annotations"):
        record = next(iter(dataset.records(name)))
        assert record[f"{name}/split"] == b"test"
        row = rows[record[f"{name}/video_id"].decode()]
        columns = {key.partition("/")[2] for key in record}
        assert columns - {"split"} == set(brokenvideos.FEATURES) - (
            {"video"} if name == "annotations" else set()
        )
        for column in columns - {"split", "video"}:
            assert plain(record[f"{name}/{column}"]) == row[column], column
        if name == "default":
            assert record["default/video"] == row["video"]["bytes"]


def plain(value: Any) -> Any:
    """A record's value as `datasets` has it: mlcroissant gives bytes for text, and the whole path
    as the name of a part.
    """
    if isinstance(value, dict):
        return {key.rpartition("/")[2]: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value.decode("latin-1") if isinstance(value, bytes) else value


def test_a_split_can_be_chosen(carded: Path) -> None:
    records = mlc.Dataset(carded / "croissant.json").records(
        "annotations", filters={"annotations/split": "train"}
    )
    count = sum(
        shard["files"][0]["rows"] for shard in brokenvideos.read_manifest(str(carded))["shards"][:2]
    )
    assert [record["annotations/split"] for record in records] == [b"train"] * count


def test_without_words_of_people_nothing_is_made_up(inputs: CardInputs) -> None:
    found = croissant(inputs)
    assert croissant_bytes(found) == croissant_bytes(croissant(inputs))
    assert inputs.about == About()
    for name in (
        "datePublished",
        "rai:dataAnnotationProtocol",
        "rai:dataAnnotationAnalysis",
        "creator",
        "url",
    ):
        assert name not in found
