"""The rows that a training reads from a release or a Hub repository: one split, without the
hold-out.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ...frames import index_from_row, read_clips, whole
from ...release import LABELS, SPLITS, load, read_manifest
from ...sampling import ReleaseRows, SourceError, opened_source, release_folder as named_folder
from .recipe import TrainError


def release_folder(data: str) -> Path:
    """The folder of `--data`: a release, "sample", or a Hub repository, whose Parquet shards are
    downloaded into the Hub's cache.

    They are downloaded once, not streamed in every epoch. And a release on disk can be shared
    exactly among any number of workers and processes; a stream cannot.

    Raises:
        TrainError: neither a folder nor the name of a release. ReleaseError: not a release.
    """
    try:
        return named_folder(data)
    except SourceError as error:
        raise TrainError(f"--data {error}") from None


@dataclass(frozen=True, slots=True, eq=False)
class ChosenRows:
    """Some rows of a release, as a sequence."""

    rows: ReleaseRows
    numbers: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, number: int) -> dict[str, Any]:
        return self.rows[self.numbers[number]]

    @property
    def data(self) -> str:
        """An identifier of these rows, for the states of clips."""
        return f"{self.rows.data} {hashlib.sha256(repr(self.numbers).encode()).hexdigest()[:16]}"


def split_rows(
    release: Path, split: str, *, holdout: str | None = None
) -> ReleaseRows | ChosenRows:
    """The rows of a split; for train and validation without the videos of `holdout` (see
    `brokenvideos.load`).

    Raises:
        ValueError: no such split, or an invalid holdout.
    """
    rows: ReleaseRows = opened_source(release, split=split)
    if holdout is None:
        return rows
    kept = split_labels(release, split, holdout=holdout)
    ids = split_labels(release, split)
    return ChosenRows(
        rows, tuple(number for number, video_id in enumerate(ids) if video_id in kept)
    )


def split_labels(release: Path, split: str, *, holdout: str | None = None) -> dict[str, str]:
    """Labels of a split's videos by video_id, in the order of its shards."""
    rows = load(
        "annotations",
        data_dir=release,
        split=split,
        streaming=True,
        columns=["video_id", "artifact_types", "generator", "label"],
        holdout=holdout,
    )
    return {row["video_id"]: LABELS[row["label"]] for row in rows}


def require_splits(release: Path) -> None:
    """Checks that the release has every split that a training needs, before the first step.

    Raises:
        TrainError: a split is missing.
    """
    splits = {shard["split"] for shard in read_manifest(str(release))["shards"]}
    if missing := [split for split in SPLITS if split not in splits]:
        raise TrainError(
            f"{release}: no split {' and no split '.join(missing)}. A training learns on train, "
            "chooses on validation, is scored on test. Build the release from more videos or "
            "prompts, or name the splits in videos.jsonl (split)."
        )


def require_broken(release: Path, split: str, *, holdout: str | None) -> None:
    """Checks that a split still has a broken video without the hold-out.

    Raises:
        TrainError: no broken video is left to learn from, or to choose a model by.
    """
    if "broken" not in split_labels(release, split, holdout=holdout).values():
        without = "" if holdout is None else f" without {holdout}"
        raise TrainError(
            f"{release}: {split} has no broken video{without}. Use a larger release, or another "
            "hold-out."
        )


def held_out(holdout: str, *, artifact_types: Collection[str], generator: str) -> bool:
    """Whether a video is one of those that a holdout leaves out of training."""
    kind, _, name = holdout.partition(":")
    return generator == name if kind == "generator" else name in artifact_types


class WholeVideos(Dataset[dict[str, Any]]):
    """Every `share`-th video from `first` on, with all frames: {"video_id", "height", "width",
    "frames": uint8[T, 3, h, w]}.
    """

    def __init__(
        self,
        rows: ReleaseRows | ChosenRows,
        *,
        size: tuple[int, int],
        first: int = 0,
        share: int = 1,
    ) -> None:
        self.rows = rows
        self.size = size
        self.numbers = range(first, len(rows), share)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, number: int) -> dict[str, Any]:
        if not 0 <= number < len(self):
            raise IndexError(number)  # this ends a loop over a sequence
        row = self.rows[self.numbers[number]]
        index = index_from_row(row)
        geometry = whole(row["height"], row["width"], size=self.size)
        every = np.arange(index.num_frames)
        frames = next(
            read_clips(row["video"]["bytes"], [every], index=index, geometries=[geometry])
        )
        return {
            "video_id": row["video_id"],
            "height": row["height"],
            "width": row["width"],
            "frames": torch.from_numpy(frames),
        }
