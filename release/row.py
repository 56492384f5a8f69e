"""The names in a row: labels, splits, ids and source fields."""

import re

LABELS = ("normal", "broken")
"""The names of column `label`, by its number.

Examples:
    >>> row = next(iter(brokenvideos.load("sample", split="train", streaming=True)))
    >>> brokenvideos.LABELS[row["label"]]
    'broken'
"""

SPLITS = ("train", "validation", "test")
"""The splits of a release, in this order.

Examples:
    >>> tuple(brokenvideos.load("sample", streaming=True)) == brokenvideos.SPLITS
    True
"""

VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""The names that a video may have, matched whole. A dot would break the keys of WebDataset.

Examples:
    >>> [name for name in ("kling_0041", "kling 0041", "kling.0041") if brokenvideos.VIDEO_ID.fullmatch(name)]
    ['kling_0041']
"""

VIDEO_SUFFIXES = (".mp4", ".webm", ".mkv", ".mov", ".avi", ".m4v", ".gif")
"""The suffixes of video files that a release stores unchanged, in lower case."""

SOURCE_FIELDS = (
    "generator_version",
    "seed",
    "license",
    "url",
    "annotator",
    "layout",
    "frames_sha256",
    "notes",
    "record",
)
"""The fields of column `source`: the origin of a video and its masks. A field is null if it is not
known.

Examples:
    >>> row = next(iter(brokenvideos.load("sample", split="train", streaming=True)))
    >>> tuple(row["source"]) == brokenvideos.SOURCE_FIELDS
    True
"""
