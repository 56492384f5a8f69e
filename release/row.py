"""What a row holds, in plain values: names of labels, splits, ids and source fields."""

import re

LABELS = ("normal", "broken")
SPLITS = ("train", "validation", "test")
VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
VIDEO_SUFFIXES = (".mp4", ".webm", ".mkv", ".mov", ".avi", ".m4v", ".gif")
"""Of the files that a release takes as they are, in lower case."""

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
