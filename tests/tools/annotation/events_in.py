"""Logs made by hand: a start event of a small video, and events that follow one another."""

import numpy as np

from brokenvideos.masks import encode
from brokenvideos.tools.annotation.events import Event

HEIGHT, WIDTH, FRAMES = 6, 8, 12


def rect(x0, y0, x1, y1, *, height=HEIGHT, width=WIDTH):
    """COCO RLE of a rectangle; x1 and y1 are outside."""
    mask = np.zeros((1, height, width), np.uint8)
    mask[0, y0:y1, x0:x1] = 1
    return encode(mask)[0]


SQUARE, BAR, NOTHING = rect(1, 1, 4, 4), rect(0, 2, 8, 4), rect(0, 0, 0, 0)


def start_data(**changes):
    data = {
        "log_format": 1,
        "video": {
            "name": "a.mp4",
            "sha256": "0" * 64,
            "num_bytes": 1000,
            "height": HEIGHT,
            "width": WIDTH,
            "num_frames": FRAMES,
        },
        "about": {
            "generator": "Kling",
            "prompt": None,
            "split": None,
            "review": None,
            "source": {},
        },
        "status": "untouched",
        "annotator": None,
        "objects": [],
        "masks": [],
        "seen": [],
    }
    return data | changes


def log(*events, start=None):
    """Events numbered from 1: a start event, then (user, kind, data) or (user, kind, data, step), a
    second apart.
    """
    found = [Event(1, "2026-01-01T00:00:00+00:00", "", "start", start_data(**(start or {})))]
    for n, (user, kind, data, *step) in enumerate(events, start=2):
        at = f"2026-01-01T00:{n // 60:02d}:{n % 60:02d}+00:00"
        found.append(Event(n, at, user, kind, data, "", *step))
    return found


def new_object(object_id=1, artifact_type="motion", user="Ada", subtype=None):
    data = {"new": True, "object_id": object_id, "artifact_type": artifact_type, "subtype": subtype}
    return user, "object", data


def masks(origin, *cells, user="Ada", step="", **data):
    """cells: (object_id, frame_index, counts)"""
    return user, "masks", {"from": origin, "masks": [list(cell) for cell in cells], **data}, step


def drawn(object_id, frame_index, counts=SQUARE, user="Ada"):
    return masks("drawn", (object_id, frame_index, counts), user=user)


def seen(first=0, last=FRAMES - 1, user="Ada"):
    return user, "seen", {"ranges": [[first, last]]}


def plain(kind, user="Ada", **data):
    return user, kind, data
