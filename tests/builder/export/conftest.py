"""A small release with everything that layouts find hard."""

import json
from pathlib import Path

import numpy as np
import pytest

from brokenvideos.builder import build
from brokenvideos.frames import encode_video
from brokenvideos.masks import encode

HEIGHT, WIDTH, FRAMES = 16, 24, 9


def mask(rows: slice, columns: slice) -> np.ndarray:
    bitmap = np.zeros((HEIGHT, WIDTH), np.uint8)
    bitmap[rows, columns] = 1
    return bitmap


def rle(bitmap: np.ndarray) -> dict:
    return {"size": [HEIGHT, WIDTH], "counts": encode(bitmap[None])[0]}


LEFT, TOP, CORNER = (
    mask(slice(2, 13), slice(1, 9)),
    mask(slice(0, 5), slice(3, 20)),
    mask(slice(14, 16), slice(22, 24)),
)


@pytest.fixture(scope="session")
def overlapping(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release from SA-V files: objects that overlap, one with a large id, one out of sight; a
    normal video; an unseen one; one with an object whose type nobody gave, but a subtype.
    """
    raw = tmp_path_factory.mktemp("sav")
    (raw / "videos").mkdir()
    (raw / "annotations").mkdir()
    for video_id in ("a", "b", "c", "d"):
        rng = np.random.default_rng(ord(video_id))
        frames = [rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8) for _ in range(FRAMES)]
        encode_video(raw / "videos" / f"{video_id}.mp4", frames, fps=8)
    none = rle(mask(slice(0, 0), slice(0, 0)))
    content = {
        "a": (
            [0, 6, 299],
            [[rle(LEFT), rle(TOP), none], [rle(LEFT), none, none], [none, none, rle(CORNER)]],
        ),
        "b": ([], [[], []]),
        "d": ([1], [[rle(CORNER)], [none]]),
    }
    for video_id, (ids, masklet) in content.items():
        annotation = {
            "video_id": video_id,
            "video_frame_count": float(FRAMES),
            "masklet_id": ids,
            "masklet": masklet,
        }
        (raw / "annotations" / f"{video_id}_manual.json").write_text(json.dumps(annotation))
    objects = [
        {"object_id": i, "artifact_type": kind}
        for i, kind in ((1, "blur"), (7, "motion"), (300, "blur"))
    ]
    lines = [
        {
            "video_id": "a",
            "generator": "Kling",
            "prompt": "ein Hund läuft",
            "objects": objects,
            "split": "test",
        },
        {"video_id": "b", "generator": "Vidu", "label": "normal", "source": {"license": "CC0-1.0"}},
        {"video_id": "c", "generator": "Vidu", "label": "normal"},
        {
            "video_id": "d",
            "generator": "Vidu",
            "objects": [{"object_id": 2, "artifact_type": None, "subtype": "halo"}],
        },
    ]
    (raw / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    out = tmp_path_factory.mktemp("overlapping") / "release"
    build(raw, out)
    return out
