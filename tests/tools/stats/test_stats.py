"""What `brokenvideos stats` says of near-duplicate videos."""

import json
from pathlib import Path

from typer.testing import CliRunner

import brokenvideos
from brokenvideos.builder.manifest import manifest_bytes
from brokenvideos.card import count_facts
from brokenvideos.tools.commands.main import app
from brokenvideos.tools.stats.stats import stats_dict, stats_text


def test_groups_in_several_splits_come_first_and_long_lists_are_cut(release: Path) -> None:
    facts = count_facts(release)
    apart = {"b": "train", "c": "test"}
    groups = [{f"a{n}": "train", f"b{n}": "train"} for n in range(22)] + [apart]
    assert stats_dict(facts, groups)["near_duplicates"] == {
        "groups": groups,
        "in_several_splits": [apart],
    }
    lines = stats_text(facts, groups).splitlines()
    start = lines.index(
        "Near-duplicates: 23 groups, 46 videos; 1 of the groups are in several splits."
    )
    assert lines[start + 1 : start + 3] == [
        "  in several splits: b (train), c (test)",
        "  a0, b0 (train)",
    ]
    assert lines[start + 22 : start + 24] == ["  and 2 more groups: --json lists them", ""]


def test_the_command_reads_the_manifest(release: Path, tmp_path: Path) -> None:
    copy = tmp_path / "release"
    copy.mkdir()
    (copy / "annotations").symlink_to(release / "annotations")
    manifest = brokenvideos.read_manifest(str(release))
    train, test = (
        next(s["video_ids"][0] for s in manifest["shards"] if s["split"] == name)
        for name in ("train", "test")
    )
    facts = manifest["videos"]
    for change, wanted in (
        (
            {test: facts[test] | {"perceptual_hash": facts[train]["perceptual_hash"]}},
            [{test: "test", train: "train"}],
        ),
        (
            {test: facts[test] | {"video_sha256": facts[train]["video_sha256"]}},
            [{test: "test", train: "train"}],
        ),
        ({}, []),
    ):
        (copy / "manifest.json").write_bytes(manifest_bytes(manifest | {"videos": facts | change}))
        said = CliRunner().invoke(app, ["stats", str(copy), "--json"])
        assert json.loads(said.stdout)["near_duplicates"]["in_several_splits"] == wanted
    old = {
        video_id: {key: each[key] for key in each if key != "perceptual_hash"}
        for video_id, each in facts.items()
    }
    (copy / "manifest.json").write_bytes(manifest_bytes(manifest | {"videos": old}))
    assert (
        "Near-duplicates: unknown, because the version that built the release did not look for "
        "them. Build it again." in CliRunner().invoke(app, ["stats", str(copy)]).stdout.splitlines()
    )
