"""What a card says of a release, counted in its annotation shards."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import brokenvideos

COLUMNS = (
    "video_id",
    "label",
    "artifact_types",
    "generator",
    "height",
    "width",
    "num_frames",
    "annotated_frames",
    "masks",
    "source",
)


@dataclass(slots=True)
class Facts:
    """Counts over a release; every key is a plain name."""

    videos: Counter[str] = field(default_factory=Counter)
    """by split"""
    labels: Counter[tuple[str, str]] = field(default_factory=Counter)
    """by (split, label)"""
    artifact_types: Counter[str] = field(default_factory=Counter)
    """videos that have the type"""
    generators: Counter[str] = field(default_factory=Counter)
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    """by (width, height)"""
    licenses: Counter[str] = field(default_factory=Counter)
    num_frames: int = 0
    num_annotated_frames: int = 0
    num_masks: int = 0


def count_facts(release: Path) -> Facts:
    """Reads the annotation shards once, a row group at a time.

    Raises:
        ReleaseError: no manifest. OSError: a shard is missing.
    """
    facts = Facts()
    for shard in brokenvideos.read_manifest(str(release))["shards"]:
        path = release / brokenvideos.shard_paths(shard["split"], shard["index"], shard["num_shards"])["annotations"]
        for table in brokenvideos.read_parquet(str(path), columns=COLUMNS):
            for row in table.to_pylist():
                facts.videos[shard["split"]] += 1
                facts.labels[shard["split"], brokenvideos.LABELS[row["label"]]] += 1
                facts.artifact_types.update(brokenvideos.ARTIFACT_TYPES[kind] for kind in row["artifact_types"])
                facts.generators[row["generator"]] += 1
                facts.sizes[row["width"], row["height"]] += 1
                facts.licenses[row["source"]["license"] or "unknown"] += 1
                facts.num_frames += row["num_frames"]
                facts.num_annotated_frames += len(row["annotated_frames"])
                facts.num_masks += len(row["masks"]["counts"])
    return facts
