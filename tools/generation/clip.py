"""Writes frames as a clip, and gives the part of its record about the file."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...builder.work import sync_folder
from ...frames import encode_hashed

UInt8Array = npt.NDArray[np.uint8]

CRF, GOP, B_FRAMES = 10, 12, 2


def encoder_settings(fps: float) -> dict[str, Any]:
    """How clips are encoded: H.264 at a quality that keeps the artifacts."""
    return {
        "encoder": "libx264",
        "preset": "medium",
        "crf": CRF,
        "gop": GOP,
        "b_frames": B_FRAMES,
        "fps": fps,
    }


def write_clip(path: Path, frames: UInt8Array, *, fps: float) -> dict[str, Any]:
    """Encodes uint8[T, H, W, 3] to `path`, complete or not at all. Returns the record's `video`.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rate = Fraction(fps).limit_denominator(1001)
    with ThreadPoolExecutor(
        1
    ) as pool:  # hashing releases Python's lock, so it runs beside the encoder
        generated = pool.submit(lambda: hashlib.sha256(frames.data).hexdigest())
        frames_sha256 = encode_hashed(path, frames, fps=rate, crf=CRF, gop=GOP, b_frames=B_FRAMES)
    sync_folder(path.parent)  # after a power cut, the record must not exist without the clip
    data = path.read_bytes()
    num_frames, height, width, _ = frames.shape
    return {
        "file": path.name,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "frames_sha256": frames_sha256,
        "generated_sha256": generated.result(),
        "num_frames": num_frames,
        "height": height,
        "width": width,
        "fps": float(rate),
    }
