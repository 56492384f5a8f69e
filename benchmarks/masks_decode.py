"""Compares batched decoding of COCO RLE with a loop over pycocotools, and times other functions of
masks.

    python benchmarks/masks_decode.py [--masks DIR] [--rounds N]

DIR holds label maps as palette PNGs at any depth (a DAVIS folder); without it the masks are
synthetic blobs. A round times each way once, in turn, so that other load on the machine affects all
of them. Prints medians over rounds, and medians of the ratio within a round, as rows of a Markdown
table. The masks are those of one video, of one size. Decoding and encoding use one thread.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image
from pycocotools import mask as coco  # type: ignore[import-untyped]

from brokenvideos.masks import (
    check,
    decode,
    encode,
    fingerprint_bitmaps,
    fingerprint_counts,
    fingerprint_labels,
    format_runs,
    parse,
)
from brokenvideos.masks.arrays import UInt8Array

CHUNK = 16
NUM_MASKS = 192


def real_label_maps(folder: Path) -> list[UInt8Array]:
    """The label maps of the most common size among evenly spread PNGs."""
    paths = sorted(folder.rglob("*.png"))
    if not paths:
        raise SystemExit(
            f"{folder}: no PNG below it. Give a folder of label maps, for instance DAVIS results."
        )
    label_maps = [
        np.asarray(Image.open(path)) for path in paths[:: max(1, len(paths) // (2 * NUM_MASKS))]
    ]
    shapes = [labels.shape for labels in label_maps]
    size = max(sorted(set(shapes)), key=shapes.count)
    return [labels for labels in label_maps if labels.shape == size and labels.any()][:NUM_MASKS]


def blob_label_maps(height: int = 480, width: int = 854) -> list[UInt8Array]:
    """Two objects with wavy outlines that wander over the frame."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    tall, wide = height / 480, width / 854
    label_maps = []
    for frame in range(NUM_MASKS):
        labels = np.zeros((height, width), np.uint8)
        for object_id, (radius, lobes) in enumerate([(110, 9), (50, 5)], start=1):
            dy = y - tall * (240 + 100 * np.sin(frame / 20 + object_id))
            dx = x - wide * (427 + 250 * np.cos(frame / 30 + object_id))
            edge = tall * radius * (1 + 0.2 * np.sin(lobes * np.arctan2(dy, dx) + frame / 9))
            labels[dy * dy + dx * dx < edge * edge] = object_id
        label_maps.append(labels)
    return label_maps


def label_maps_of(folder: Path | None, size: str | None) -> list[UInt8Array]:
    """Real label maps below a folder, else blobs; at HEIGHTxWIDTH where a size is named."""
    sides = [int(side) for side in size.split("x")] if size else []
    if folder is None:
        return blob_label_maps(*sides)
    label_maps = real_label_maps(folder)
    if not sides:
        return label_maps
    height, width = label_maps[0].shape
    rows, columns = (
        np.arange(sides[0]) * height // sides[0],
        np.arange(sides[1]) * width // sides[1],
    )
    return [labels[rows[:, None], columns] for labels in label_maps]


def contenders(label_maps: list[UInt8Array]) -> dict[str, Callable[[], object]]:
    height, width = label_maps[0].shape
    bitmaps = np.stack([(labels == labels[labels > 0][0]).view(np.uint8) for labels in label_maps])
    counts = encode(bitmaps)
    rles = [{"size": [height, width], "counts": entry} for entry in counts]
    fortran = [np.asfortranarray(bitmap) for bitmap in bitmaps]
    column_major = decode(counts, height=height, width=width)
    assert np.array_equal(column_major, np.stack([coco.decode(rle) for rle in rles]))
    assert counts == [coco.encode(bitmap)["counts"].decode() for bitmap in fortran]
    whole = np.empty((len(counts), width, height), np.uint8)
    chunk = whole[:CHUNK].copy()
    runs = parse(counts, height=height, width=width)

    def coco_loop() -> None:
        for rle in rles:
            coco.decode(rle)

    def in_chunks() -> None:
        for start in range(0, len(counts), CHUNK):
            decode(counts[start : start + CHUNK], height=height, width=width, out=chunk)

    return {
        "pycocotools decode, loop, outputs dropped": coco_loop,
        "pycocotools decode, loop, outputs kept": lambda: [coco.decode(rle) for rle in rles],
        f"decode, reused buffer of {CHUNK} masks": in_chunks,
        "decode, reused buffer of all masks": lambda: decode(
            counts, height=height, width=width, out=whole
        ),
        "decode, outputs kept": lambda: decode(counts, height=height, width=width),
        "check (gate and parse alone)": lambda: check(counts, height=height, width=width),
        "pycocotools encode, loop": lambda: [coco.encode(bitmap) for bitmap in fortran],
        "encode, column-major bitmaps": lambda: encode(column_major),
        "encode, row-major bitmaps": lambda: encode(bitmaps),
        "format_runs": lambda: format_runs(runs),
        "fingerprint_counts": lambda: fingerprint_counts(counts, height=height, width=width),
        "fingerprint_bitmaps": lambda: fingerprint_bitmaps(column_major),
        "fingerprint_labels": lambda: [fingerprint_labels(labels) for labels in label_maps],
    }


# What each ratio divides: pycocotools' seconds by ours.
AGAINST = {
    f"decode, reused buffer of {CHUNK} masks": "pycocotools decode, loop, outputs dropped",
    "decode, reused buffer of all masks": "pycocotools decode, loop, outputs dropped",
    "decode, outputs kept": "pycocotools decode, loop, outputs kept",
    "encode, column-major bitmaps": "pycocotools encode, loop",
    "encode, row-major bitmaps": "pycocotools encode, loop",
}


def timed(call: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    result = call()
    elapsed_s = time.perf_counter() - start_s
    del result  # freeing what was kept is the caller's time
    return elapsed_s


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Time masks/ against pycocotools; prints Markdown table rows."
    )
    parser.add_argument(
        "--masks", type=Path, help="folder of label maps as PNG; default: blobs made here"
    )
    parser.add_argument(
        "--rounds", type=int, default=11, help="times each way is timed (default: %(default)s)"
    )
    args = parser.parse_args()
    warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)

    label_maps = label_maps_of(args.masks, None)
    ways = contenders(label_maps)
    for call in ways.values():
        call()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(args.rounds):
        for name, call in ways.items():
            seconds[name].append(timed(call))

    height, width = label_maps[0].shape
    print(
        f"{len(label_maps)} masks of {height} x {width} ({args.masks or 'blobs made here'}), "
        f"{args.rounds} rounds\n"
    )
    print("| what | µs per mask | masks/s | times pycocotools |")
    print("|---|---|---|---|")
    for name, rounds in seconds.items():
        per_mask_s = median(rounds) / len(label_maps)
        ratio = ""
        if name in AGAINST:
            ratio = f"{median(theirs / ours for theirs, ours in zip(seconds[AGAINST[name]], rounds, strict=True)):.1f}"
        print(f"| {name} | {per_mask_s * 1e6:.0f} | {1 / per_mask_s:,.0f} | {ratio} |")


if __name__ == "__main__":
    main()
