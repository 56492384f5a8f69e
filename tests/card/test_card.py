"""The card's numbers are those of the shards, and its YAML is what the Hub reads."""

from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import DatasetCard
from hypothesis import given, settings
from hypothesis import strategies as st

import brokenvideos
from brokenvideos.card import count_facts
from brokenvideos.card.shortcuts import FEATURES, auc, find_shortcuts
from brokenvideos.tools.stats import stats_dict, stats_text


def rows_of(release: Path) -> list[tuple[str, dict]]:
    found = []
    for path in sorted((release / "annotations").iterdir()):
        for table in brokenvideos.read_parquet(str(path)):
            found += [(path.name.partition("-")[0], row) for row in table.to_pylist()]
    return found


def test_facts_are_counted_in_the_shards(release: Path) -> None:
    rows, facts = rows_of(release), count_facts(release)
    for split, of_split in facts.splits.items():
        mine = [row for s, row in rows if s == split]
        assert of_split.num_videos == len(mine)
        assert of_split.labels["broken"] == sum(row["label"] for row in mine)
        assert of_split.num_masks == sum(len(row["masks"]["counts"]) for row in mine) == of_split.mask_areas.total()
        assert of_split.num_annotated_frames == sum(len(row["annotated_frames"]) for row in mine)
        assert of_split.num_active_frames == sum(len(set(row["masks"]["frame_index"])) for row in mine)
    assert facts.total().num_videos == len(rows)


def test_the_card_s_metadata_names_both_configs(release: Path) -> None:
    card = DatasetCard.load(release / "README.md")
    assert card.data.license == "cc0-1.0"
    assert card.data.size_categories == ["n<1K"]
    assert [config["config_name"] for config in card.data.configs] == ["default", "annotations"]
    files = {file["split"]: file["path"] for file in card.data.configs[0]["data_files"]}
    assert files == {split: f"data/{split}-*.parquet" for split in files}
    assert set(files) == {split for split, _ in rows_of(release)}


def test_the_card_repeats_the_counts(release: Path) -> None:
    total, text = count_facts(release).total(), (release / "README.md").read_text()
    frames = sum(length * count for length, count in total.num_frames.items())
    opening = " ".join(text.partition("# BrokenVideos 1.0.0")[2].split())
    assert f"{total.num_videos} videos, {frames} frames ({total.num_annotated_frames} of them looked at" in opening
    for column in brokenvideos.FEATURES:
        assert f"| `{column}` |" in text


def test_stats_as_text_and_json(release: Path) -> None:
    facts = count_facts(release)
    text = stats_text(facts)
    assert text.splitlines()[0].split() == [*facts.splits, "all"]
    assert f"videos {' '.join(str(f.num_videos) for f in facts.splits.values())} 9" in " ".join(text.split())
    assert "Shortcuts: too few videos to say" in text
    assert stats_dict(facts)["splits"]["train"]["labels"] == dict(facts.splits["train"].labels)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-3, 3)), min_size=2, max_size=30))
@settings(deadline=None, max_examples=100)
def test_auc_is_the_share_of_pairs_in_order(pairs: list[tuple[int, int]]) -> None:
    truth, scores = np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs], float)
    if len(set(truth)) < 2:
        return
    broken, normal = scores[truth == 1][:, None], scores[truth == 0][None]
    assert auc(truth, scores) == pytest.approx(((broken > normal) + 0.5 * (broken == normal)).mean())


def test_a_length_that_gives_the_label_away_is_reported() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1], 60)
    noise = {name: random.normal(size=120) for name in FEATURES}
    assert find_shortcuts(labels, noise).combined == pytest.approx(0.5, abs=0.15)
    found = find_shortcuts(labels, noise | {"num_frames": labels * 5 + random.normal(size=120)})
    assert found.combined > 0.98
    assert max(found.by_feature, key=found.by_feature.get) == "num_frames"
