"""Videos keep the suffix that they come with: what phones and the web call them is read from
Parquet and from tars.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image

import brokenvideos
from brokenvideos.builder import build, rebuild, verify
from tests.odd_videos import make_video

MARKED = np.zeros((48, 64), np.uint8)
MARKED[8:24, 8:24] = 1


def gif() -> bytes:
    """Three frames of 64x48 pixels."""
    frames = [Image.fromarray(np.full((48, 64), 60 * number, np.uint8)) for number in range(1, 4)]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=120)
    return stream.getvalue()


def row(video_id: str) -> dict[str, object]:
    objects = [{"object_id": 1, "artifact_type": "blur"}]
    return {
        "video_id": video_id,
        "generator": "g",
        "prompt": None,
        "label": "broken",
        "objects": objects,
        "split": "train",
    }


def test_m4v_and_gif(write_raw, tmp_path: Path) -> None:
    files = {
        "videos/a.m4v": make_video(num_frames=3),
        "videos/b.GIF": gif(),
        "videos.jsonl": [row("a"), row("b")],
    }
    raw = write_raw(
        files | {f"masks/{name}/{frame:05d}.png": MARKED for name in "ab" for frame in range(3)}
    )
    build(raw, tmp_path / "release")
    assert verify(tmp_path / "release", raw=raw).findings == ()
    assert rebuild(tmp_path / "release", raw).findings == ()
    for config in ("default", "webdataset"):
        rows = list(
            brokenvideos.load(
                config, data_dir=str(tmp_path / "release"), split="train", streaming=True
            )
        )
        assert [found["video"]["path"] for found in rows] == ["a.m4v", "b.gif"]
        assert [int(brokenvideos.decode_masks(found).sum()) for found in rows] == [3 * 256, 3 * 256]
