"""The fixtures of tests/odd_videos.py."""

from tests.odd_videos import (
    _barcode,
    _barcode_frame,
    _every_frame,
    _make_video,
    _remux,
    real_videos,
    video,
)

__all__ = [
    "_barcode",
    "_barcode_frame",
    "_every_frame",
    "_make_video",
    "_remux",
    "real_videos",
    "video",
]
