"""Counts the facts of a card in the annotation shards of a release."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..masks import ARTIFACT_TYPES, TYPE_NOT_GIVEN, area, type_name
from ..release import LABELS, read_manifest, read_parquet, shard_paths
from .shortcuts import Shortcuts, find_shortcuts
from .triggers import TriggerFacts, add_row

COLUMNS = (
    "label",
    "artifact_types",
    "generator",
    "height",
    "width",
    "num_frames",
    "fps",
    "packets",
    "annotated_frames",
    "masks",
    "source",
)
AREA_BINS = (0.001, 0.01, 0.05, 0.2)
"""Bounds of the bins of mask size, as shares of a frame."""


def types_in(counts: Mapping[str, int]) -> tuple[str, ...]:
    """The artifact types that a card lists: all types, and `TYPE_NOT_GIVEN` if it has a count."""
    return (*ARTIFACT_TYPES, TYPE_NOT_GIVEN) if counts.get(TYPE_NOT_GIVEN) else ARTIFACT_TYPES


@dataclass(slots=True)
class Facts:
    """Counts over one split; keys are plain names."""

    labels: Counter[str] = field(default_factory=Counter)
    artifact_types: Counter[str] = field(default_factory=Counter)
    """Number of broken videos with each type."""
    generators: Counter[str] = field(default_factory=Counter)
    sizes: Counter[str] = field(default_factory=Counter)
    """Videos by size, as WIDTHxHEIGHT."""
    num_frames: Counter[int] = field(default_factory=Counter)
    """Videos by length."""
    mask_areas: Counter[str] = field(default_factory=Counter)
    """Masks by the share of their frame, in `AREA_BINS`."""
    licenses: Counter[str] = field(default_factory=Counter)
    num_annotated_frames: int = 0
    num_active_frames: int = 0
    """Frames with at least one mask."""
    num_masks: int = 0

    @property
    def num_videos(self) -> int:
        return self.labels.total()

    def add(self, row: Mapping[str, Any]) -> None:
        """Counts one row (the columns `COLUMNS`)."""
        self.labels[LABELS[row["label"]]] += 1
        kinds = [None] if row["artifact_types"] is None else row["artifact_types"]
        self.artifact_types.update(map(type_name, kinds))
        self.generators[row["generator"]] += 1
        self.sizes[f"{row['width']}x{row['height']}"] += 1
        self.num_frames[row["num_frames"]] += 1
        self.licenses[row["source"]["license"] or "unknown"] += 1
        self.num_annotated_frames += len(row["annotated_frames"])
        self.num_active_frames += len(set(row["masks"]["frame_index"]))
        self.num_masks += len(row["masks"]["counts"])
        areas = area(row["masks"]["counts"], height=row["height"], width=row["width"])
        bins = np.searchsorted(AREA_BINS, areas / (row["height"] * row["width"]), side="right")
        self.mask_areas.update(AREA_NAMES[number] for number in bins)


AREA_NAMES = tuple(
    f"< {high:.1%}"
    if low is None
    else f">= {low:.1%}"
    if high is None
    else f"{low:.1%} to {high:.1%}"
    for low, high in zip((None, *AREA_BINS), (*AREA_BINS, None), strict=True)
)


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """Counts by split (splits with videos, in the usual order), and how well metadata alone
    predicts the label.

    `triggers`: counts by the trigger of the clips' prompts; empty if no row has one.
    """

    splits: Mapping[str, Facts]
    shortcuts: Shortcuts
    triggers: Mapping[str, TriggerFacts]

    def total(self) -> Facts:
        """The counts of all splits together."""
        total = Facts()
        for facts in self.splits.values():
            for name in Facts.__slots__:
                setattr(total, name, getattr(total, name) + getattr(facts, name))
        return total


def count_facts(release: Path) -> ReleaseFacts:
    """Reads the annotation shards once, a row group at a time.

    Raises:
        ReleaseError: no manifest. OSError: a shard is missing.
    """
    return count_rows(annotation_rows(release, COLUMNS))


def count_rows(rows: Iterable[tuple[str, Mapping[str, Any]]]) -> ReleaseFacts:
    """The facts of rows that have the columns `COLUMNS`, each with its split."""
    splits: dict[str, Facts] = {}
    triggers: dict[str, TriggerFacts] = {}
    labels: list[int] = []
    features: dict[str, list[float]] = {}
    for split, row in rows:
        splits.setdefault(split, Facts()).add(row)
        add_row(triggers, row)
        labels.append(row["label"])
        for name, value in _metadata(row).items():
            features.setdefault(name, []).append(value)
    return ReleaseFacts(splits, find_shortcuts(labels, features), triggers)


def annotation_rows(release: Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every row of the annotation shards with its split, in the manifest's order; one row group is
    in memory at a time.
    """
    for shard in read_manifest(str(release))["shards"]:
        path = (
            release
            / shard_paths(shard["split"], shard["index"], shard["num_shards"])["annotations"]
        )
        for table in read_parquet(str(path), columns=columns):
            for row in table.to_pylist():
                yield shard["split"], row


def _metadata(row: Mapping[str, Any]) -> dict[str, float]:
    """The metadata that a file browser shows of a video. Its bytes are those of the coded frames (0
    if the row has no packets).
    """
    video_bytes = sum(row["packets"]["size"]) if row["packets"] is not None else 0
    pixels = row["width"] * row["height"]
    return {
        "num_frames": row["num_frames"],
        "pixels": pixels,
        "fps": row["fps"],
        "duration_s": row["num_frames"] / row["fps"],
        "video_bytes": video_bytes,
        "bytes_per_pixel": video_bytes / (pixels * row["num_frames"]),
    }
