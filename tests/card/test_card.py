"""The card's numbers are those of the shards, and its YAML is what the Hub reads."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset, load_dataset_builder
from datasets.exceptions import NonMatchingSplitsSizesError
from huggingface_hub import DatasetCard
from hypothesis import given, settings, strategies as st

import brokenvideos
from brokenvideos.card import count_facts
from brokenvideos.card.shortcuts import FEATURES, auc, find_shortcuts
from brokenvideos.card.sizes import arrow_bytes
from brokenvideos.tools.stats.stats import stats_dict, stats_text

FOLDERS = {"default": "data", "annotations": "annotations"}


def rows_of(release: Path) -> list[tuple[str, dict]]:
    found = []
    for path in sorted((release / "annotations").iterdir()):
        for table in brokenvideos.release.read_parquet(str(path)):
            found += [(path.name.partition("-")[0], row) for row in table.to_pylist()]
    return found


def test_facts_are_counted_in_the_shards(release: Path) -> None:
    rows, facts = rows_of(release), count_facts(release)
    for split, of_split in facts.splits.items():
        mine = [row for s, row in rows if s == split]
        assert of_split.num_videos == len(mine)
        assert of_split.labels["broken"] == sum(row["label"] for row in mine)
        assert (
            of_split.num_masks
            == sum(len(row["masks"]["counts"]) for row in mine)
            == of_split.mask_areas.total()
        )
        assert of_split.num_annotated_frames == sum(len(row["annotated_frames"]) for row in mine)
        assert of_split.num_active_frames == sum(
            len(set(row["masks"]["frame_index"])) for row in mine
        )
    assert facts.total().num_videos == len(rows)


def test_the_card_s_metadata_names_both_configs(release: Path) -> None:
    card = DatasetCard.load(release / "README.md")
    assert card.data.license == "cc0-1.0"
    assert card.data.size_categories == ["n<1K"]
    assert [config["config_name"] for config in card.data.configs] == ["default", "annotations"]
    files = {file["split"]: file["path"] for file in card.data.configs[0]["data_files"]}
    assert files == {split: f"data/{split}-*.parquet" for split in files}
    assert set(files) == {split for split, _ in rows_of(release)}


@pytest.mark.parametrize("config", ["default", "annotations"])
def test_datasets_finds_the_sizes_that_the_card_states(
    release: Path, config: str, tmp_path: Path
) -> None:
    info = load_dataset_builder(str(release), config).info
    loaded = load_dataset(str(release), config, cache_dir=str(tmp_path))
    assert info.download_size == sum(
        path.stat().st_size for path in (release / FOLDERS[config]).iterdir()
    )
    assert info.dataset_size == sum(split.num_bytes for split in info.splits.values())
    for split, rows in loaded.items():
        counted = rows.info.splits[split]  # what was written into the Arrow cache
        assert (info.splits[split].num_examples, info.splits[split].num_bytes) == (
            len(rows),
            counted.num_bytes,
        )
    assert info.features == (
        brokenvideos.FEATURES if config == "default" else brokenvideos.ANNOTATION_FEATURES
    )


def test_a_wrong_number_of_rows_in_the_card_is_refused_by_datasets(
    release: Path, tmp_path: Path
) -> None:
    shutil.copytree(release, tmp_path / "release")
    card = (release / "README.md").read_text()
    (tmp_path / "release" / "README.md").write_text(
        card.replace("num_examples: 1\n", "num_examples: 2\n", 1)
    )
    with pytest.raises(NonMatchingSplitsSizesError):
        load_dataset(str(tmp_path / "release"), "default", cache_dir=str(tmp_path / "cache"))


def test_bytes_are_counted_in_the_batches_that_datasets_reads(
    release: Path, tmp_path: Path
) -> None:
    """Row groups of several sizes: a batch has at most as many rows as the first."""
    rows = pa.concat_tables([pq.read_table(path) for path in sorted((release / "data").iterdir())])
    (tmp_path / "data").mkdir()
    with pq.ParquetWriter(tmp_path / "data" / "train.parquet", rows.schema) as writer:
        for start, stop in ((0, 2), (2, 7), (7, 9)):
            writer.write_table(rows[start:stop])
    loaded = load_dataset(str(tmp_path), cache_dir=str(tmp_path / "cache"), split="train")
    assert arrow_bytes(tmp_path / "data" / "train.parquet") == loaded.info.splits["train"].num_bytes


def test_the_card_repeats_the_counts(release: Path) -> None:
    total, text = count_facts(release).total(), (release / "README.md").read_text()
    frames = sum(length * count for length, count in total.num_frames.items())
    opening = " ".join(text.partition("# BrokenVideos 1.0.0")[2].split())
    broken, normal = total.labels["broken"], total.labels["normal"]
    assert (
        f"{total.num_videos} videos ({broken} broken, {normal} normal), {frames} frames" in opening
    )
    assert f"({total.num_annotated_frames} of them annotated), {total.num_masks} masks." in opening
    for column in brokenvideos.FEATURES:
        assert f"| `{column}` |" in text


def test_stats_as_text_and_json(release: Path) -> None:
    facts = count_facts(release)
    text = stats_text(facts, [])
    assert text.splitlines()[0].split() == [*facts.splits, "all"]
    assert f"videos {' '.join(str(f.num_videos) for f in facts.splits.values())} 9" in " ".join(
        text.split()
    )
    assert "Shortcuts: too few videos to say" in text
    assert stats_dict(facts, [])["splits"]["train"]["labels"] == dict(facts.splits["train"].labels)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=2, max_size=30))
@settings(deadline=None, max_examples=100)
def test_auc_is_the_share_of_pairs_in_order(pairs: list[tuple[int, int]]) -> None:
    truth, scores = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs], float)
    if len(set(truth)) < 2:
        return
    broken, normal = scores[truth == 1][:, None], scores[truth == 0][None]
    assert auc(truth, scores) == pytest.approx(
        ((broken > normal) + 0.5 * (broken == normal)).mean()
    )


def test_a_length_that_gives_the_label_away_is_reported() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 60)
    noise = {name: random.normal(size=120) for name in FEATURES}
    assert find_shortcuts(labels, noise).combined == pytest.approx(0.5, abs=0.15)
    found = find_shortcuts(labels, noise | {"num_frames": labels * 5 + random.normal(size=120)})
    assert found.combined > 0.98
    assert max(found.by_feature, key=found.by_feature.get) == "num_frames"
