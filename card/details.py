"""Counts that only a full card shows: by two names, positions and sizes of masks, and the frames to
show.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..masks import ARTIFACT_TYPES, TYPE_NOT_GIVEN, Float64Array, Int64Array, area, type_name
from ..release import LABELS
from .facts import COLUMNS, ReleaseFacts, annotation_rows, count_rows, types_in
from .heat import GRID, covered_shares

MORE_COLUMNS = ("video_id", "prompt", "objects", "codec")

AREA_EDGES = 10.0 ** np.arange(-5, 0.01, 0.25)
"""Bounds of the bins of mask size for the figure, as shares of a frame: four per decade, from 0.001
% to the whole frame.
"""

UNKNOWN = "unknown"

SHOWN_PER_TYPE = 4
_SHOWN_SHARES = (0.01, 0.6)
_MAX_CANDIDATES = 2 * SHOWN_PER_TYPE


@dataclass(frozen=True, slots=True, order=True)
class Shown:
    """A frame that may be shown. `rank` orders candidates by a hash of the id, those with too small
    or too large masks last.
    """

    rank: tuple[bool, str]
    video_id: str
    split: str
    generator: str
    frame_index: int


@dataclass(slots=True)
class Details:
    """Counts of a whole release; a count by two names has both as its key."""

    generator_types: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Videos by generator and artifact type, or "normal"; a video with several types counts for
    each of them.
    """
    split_generators: Counter[tuple[str, str]] = field(default_factory=Counter)
    split_types: Counter[tuple[str, str]] = field(default_factory=Counter)
    generator_licenses: Counter[tuple[str, str]] = field(default_factory=Counter)
    label_lengths: Counter[tuple[str, int]] = field(default_factory=Counter)
    annotators: Counter[str] = field(default_factory=Counter)
    rates: Counter[float] = field(default_factory=Counter)
    num_prompts: int = 0
    num_partly_annotated: int = 0
    """Number of videos in which some frames are not annotated."""
    empty_shares: dict[str, list[float]] = field(default_factory=dict)
    """By split, for every broken video: the share of its annotated frames without a mask."""
    num_masks: Counter[str] = field(default_factory=Counter)
    """Masks by artifact type: one per object and frame."""
    areas: dict[str, Int64Array] = field(default_factory=dict)
    """By artifact type: number of masks per bin of `AREA_EDGES`, int64[len(AREA_EDGES) - 1];
    smaller masks are in the first bin.
    """
    covered: dict[str, Float64Array] = field(default_factory=dict)
    """By artifact type: the marked share of each cell of a grid over the upright frame, summed over
    the masks, float64[GRID].
    """
    candidates: dict[tuple[str, str], list[Shown]] = field(default_factory=dict)
    """Candidates by artifact type and generator, best first; their number is limited."""

    def add(self, split: str, row: Mapping[str, Any]) -> None:
        """Counts one row (the columns `COLUMNS` and `MORE_COLUMNS`)."""
        generator = row["generator"]
        codes = [None] if row["artifact_types"] is None else row["artifact_types"]
        types = [type_name(code) for code in codes] or [LABELS[0]]
        self.generator_types.update((generator, name) for name in types)
        self.split_types.update((split, name) for name in types)
        self.split_generators[split, generator] += 1
        self.generator_licenses[generator, row["source"]["license"] or UNKNOWN] += 1
        self.label_lengths[LABELS[row["label"]], row["num_frames"]] += 1
        self.annotators[row["source"]["annotator"] or UNKNOWN] += 1
        self.rates[round(row["fps"], 3)] += 1
        self.num_prompts += bool(row["prompt"])
        annotated = len(row["annotated_frames"])
        self.num_partly_annotated += annotated < row["num_frames"]
        if row["label"] and annotated:
            empty = 1 - len(set(row["masks"]["frame_index"])) / annotated
            self.empty_shares.setdefault(split, []).append(empty)
        for name, counts, frames in _masks_by_type(row):
            self._add_masks(split, row, name, counts, frames)

    def _add_masks(
        self, split: str, row: Mapping[str, Any], name: str, counts: list[str], frames: list[int]
    ) -> None:
        height, width = row["height"], row["width"]
        shares = area(counts, height=height, width=width) / (height * width)
        bins = np.searchsorted(AREA_EDGES[1:-1], shares, side="right")
        per_bin = np.bincount(bins, minlength=len(AREA_EDGES) - 1)
        self.num_masks[name] += len(counts)
        self.areas[name] = self.areas.get(name, np.zeros(len(per_bin), np.int64)) + per_bin
        covered = covered_shares(
            counts, height=height, width=width, rotation=row["codec"]["rotation"]
        )
        self.covered[name] = self.covered.get(name, np.zeros(GRID)) + covered
        middle = int(np.argsort(shares, kind="stable")[len(shares) // 2])
        unfit = not _SHOWN_SHARES[0] <= shares[middle] <= _SHOWN_SHARES[1]
        digest = hashlib.sha256(row["video_id"].encode()).hexdigest()
        shown = Shown((unfit, digest), row["video_id"], split, row["generator"], frames[middle])
        key = name, row["generator"]
        self.candidates[key] = sorted([*self.candidates.get(key, []), shown])[:_MAX_CANDIDATES]

    def shown(self) -> dict[str, list[Shown]]:
        """Up to `SHOWN_PER_TYPE` frames of each artifact type, from as many generators as possible.

        A video is shown for a second type only if that type has no other video. The frame is the
        one in which the video's masks of the type have their median size.
        """
        taken: set[str] = set()
        chosen: dict[str, list[Shown]] = {}
        for name in types_in(self.num_masks):
            by_generator = [
                candidates
                for (kind, _), candidates in sorted(self.candidates.items())
                if kind == name
            ]
            fresh = [
                [shown for shown in candidates if shown.video_id not in taken]
                for candidates in by_generator
            ]
            rounds = fresh if any(fresh) else by_generator
            ranked = sorted(
                (place, shown) for candidates in rounds for place, shown in enumerate(candidates)
            )
            chosen[name] = [shown for _, shown in ranked[:SHOWN_PER_TYPE]]
            taken.update(shown.video_id for shown in chosen[name])
        return chosen


def count_all(release: Path) -> tuple[ReleaseFacts, Details]:
    """`count_facts` and the details, in one pass over the annotation shards.

    Raises:
        ReleaseError: no manifest. OSError: a shard is missing.
    """
    details = Details()

    def passing() -> Iterator[tuple[str, Mapping[str, Any]]]:
        for split, row in annotation_rows(release, (*COLUMNS, *MORE_COLUMNS)):
            details.add(split, row)
            yield split, row

    return count_rows(passing()), details


def _masks_by_type(row: Mapping[str, Any]) -> Iterator[tuple[str, list[str], list[int]]]:
    """The artifact types that have masks in a row, with the masks' strings and frames."""
    names = map(type_name, row["objects"]["artifact_type"])
    type_of = dict(zip(row["objects"]["object_id"], names, strict=True))
    masks = row["masks"]
    for name in (*ARTIFACT_TYPES, TYPE_NOT_GIVEN):
        places = [i for i, object_id in enumerate(masks["object_id"]) if type_of[object_id] == name]
        if places:
            yield (
                name,
                [masks["counts"][i] for i in places],
                [masks["frame_index"][i] for i in places],
            )
