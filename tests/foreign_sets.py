"""Small synthetic sets in the published forms of other people's artifact sets, to score a model on
where the real ones are not.
"""

import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from brokenvideos.frames import encode_video
from brokenvideos.tools.synthetic import draw_artifacts, make_scene, render

HEIGHT, WIDTH, NUM_FRAMES = 48, 64, 8


def checksum(data: bytes) -> bytes:
    """The masked CRC-32C of a TFRecord."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    value ^= 0xFFFFFFFF
    return struct.pack("<I", ((value >> 15 | value << 17) + 0xA282EAD8) % 2**32)


def tfrecord(**features: bytes) -> bytes:
    """A TFRecord file of one Example with these features, each of one value."""

    def field(number: int, content: bytes) -> bytes:
        size, head = len(content), bytearray([number << 3 | 2])
        while size > 127:
            head.append(size & 127 | 128)
            size >>= 7
        return bytes([*head, size]) + content

    entries = (
        field(1, field(1, k.encode()) + field(2, field(1, field(1, v))))
        for k, v in features.items()
    )
    data = field(1, b"".join(entries))
    length = struct.pack("<Q", len(data))
    return length + checksum(length) + data + checksum(data)


def scenes(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """(uint8[T, H, W, 3] frames, bool[T, H, W] mask) of broken videos."""
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        scene = make_scene(
            rng, height=HEIGHT, width=WIDTH, num_frames=NUM_FRAMES, generator="synth-a"
        )
        rendered = render(scene, draw_artifacts(rng, scene, ["deformation"]))
        found.append((rendered.frames, rendered.labels > 0))
    return found


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


def write_foreign_sets(root: Path) -> dict[str, Path]:
    """Writes a folder each of geneva, anakin, pal4vst and richhf, of two videos or images, and
    returns them by name.
    """
    videos = scenes(2)
    entries = []
    for number, (frames, masks) in enumerate(videos):
        label = np.where(masks, 255, 0).astype(np.uint8)
        worst = int(masks.sum(axis=(1, 2)).argmax())
        zipped = io.BytesIO()
        with zipfile.ZipFile(zipped, "w") as archive:
            for at, frame in enumerate(label):
                archive.writestr(f"{at:05d}.png", png(frame))
        write(
            root,
            {
                f"anakin/masks/{number}.zip": zipped.getvalue(),
                f"pal4vst/images/{number}.png": png(frames[worst]),
                f"pal4vst/labels/{number}.png": png(label[worst]),
                f"richhf/images/{number}.png": png(frames[worst]),
            },
        )
        for name in ("geneva/videos", "anakin/edited"):
            (root / name).mkdir(parents=True, exist_ok=True)
            encode_video(root / name / f"{number}.mp4", frames, fps=8)
        boxes = []
        for at in np.flatnonzero(masks.any(axis=(1, 2))).tolist():
            rows, columns = (
                np.flatnonzero(masks[at].any(axis=1)),
                np.flatnonzero(masks[at].any(axis=0)),
            )
            (top, bottom), (left, right) = (
                (int(place[0]), int(place[-1])) for place in (rows, columns)
            )
            box = {
                "frame": at,
                "x": left,
                "y": top,
                "width": right - left + 1,
                "height": bottom - top + 1,
            }
            boxes.append(box)
        artifacts = [{"category": "warped", "boxes": boxes}]
        entries.append({"video": f"{number}.mp4", "model": "x", "artifacts": artifacts})
    write(root, {"geneva/geneva.json": json.dumps(entries).encode()})
    records = b""
    for number, (_, masks) in enumerate(videos):
        worst = int(masks.sum(axis=(1, 2)).argmax())
        heat = np.where(masks[worst], 255, 0).astype(np.uint8)
        records += tfrecord(
            filename=f"{number}.png".encode(), artifact_map=png(heat), artifact_score=b"0"
        )
    write(root, {"richhf/test.tfrecord": records})
    return {name: root / name for name in ("geneva", "anakin", "pal4vst", "richhf")}
