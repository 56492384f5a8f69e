"""What videos a model has seen in training, in numbers, and whether another video is far from
them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...frames import INDEX_COLUMNS, VideoIndex, index_from_row
from ...release import load

QUANTILES = (0.01, 0.99)
"""Of training videos, between which a model counts as having seen everything."""

FAR = 1.5
"""A video is far if a number is so many times below the range, or above it."""

_NAMES = {
    "short_side_px": ("shorter side", "{:.0f}", " px"),
    "fps": ("rate", "{:.4g}", " frames per second"),
    "bits_per_pixel": ("compression", "{:.2g}", " bits per pixel"),
}
_COLUMNS = ["video_id", *INDEX_COLUMNS]


def numbers_of(index: VideoIndex) -> dict[str, float]:
    """Size, rate and compression of a video, by the names of `seen_in`.

    Bits per pixel stand for the noise of the codec; they are left out where the container does not
    tell the sizes of packets.
    """
    values = {"short_side_px": float(min(index.height, index.width)), "fps": index.fps}
    pixels = index.height * index.width * index.num_frames
    if index.packets is not None and pixels:
        values["bits_per_pixel"] = 8 * float(index.packets.size.sum()) / pixels
    return values


def seen_in(release: Path, *, holdout: str | None) -> dict[str, tuple[float, float]]:
    """The range of each number over the split train without the hold-out; no video is read."""
    rows = load(
        "annotations",
        data_dir=release,
        split="train",
        streaming=True,
        columns=_COLUMNS,
        holdout=holdout,
    )
    values: dict[str, list[float]] = {}
    for row in rows:
        for name, value in numbers_of(index_from_row(row)).items():
            values.setdefault(name, []).append(value)
    ranges = {}
    for name, found in values.items():
        low, high = np.quantile(found, QUANTILES).tolist()
        ranges[name] = (low, high)
    return ranges


def far_from(seen: Mapping[str, Any] | None, index: VideoIndex) -> tuple[str, ...]:
    """In which numbers a video is far from what a model has seen, in words; () where it is not, or
    nobody knows.

    Args:
        seen: as `seen_in` gives it, and as it stands beside a model.
    """
    numbers = numbers_of(index)
    words = []
    for name, (low, high) in (seen or {}).items():
        value = numbers.get(name)
        if value is not None and not low / FAR <= value <= high * FAR:
            what, form, unit = _NAMES[name]
            words.append(
                f"{what} {form.format(value)}{unit}, seen {form.format(low)} to {form.format(high)}"
            )
    return tuple(words)
