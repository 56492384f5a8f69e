"""Compares the time of J&F per frame with that of the two functions of davis2017-evaluation.

    python benchmarks/evaluate.py [--masks TRUTH PRED] [--rounds N]

The two functions are implemented here again from their formulas, with OpenCV and scikit-image.
TRUTH and PRED hold label maps {video}/{frame}.png, for example DAVIS results of two methods;
without them the masks are synthetic blobs. In a round, each way runs once per video, in turn, on
one thread. Prints medians over videos and rounds, and medians of the ratio within a round, as rows
of a Markdown table. Needs opencv-python-headless, scikit-image and pycocotools.
"""

import argparse
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from statistics import median

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from pycocotools import mask as coco
from skimage.morphology import disk

from brokenvideos.masks import encode
from brokenvideos.tools.evaluation.counts import count_bitmaps, count_strings

BoolArray = npt.NDArray[np.bool_]
MAX_FRAMES = 40


def davis_j(truth: BoolArray, pred: BoolArray) -> float:
    """Region similarity as davis2017-evaluation computes it, including void pixels."""
    known = np.logical_not(np.zeros_like(truth))
    both, either = np.sum((truth & pred) & known), np.sum((truth | pred) & known)
    return 1.0 if either == 0 else float(both / either)


def davis_boundary(mask: BoolArray) -> BoolArray:
    right, below, both = np.zeros_like(mask), np.zeros_like(mask), np.zeros_like(mask)
    right[:, :-1], below[:-1], both[:-1, :-1] = mask[:, 1:], mask[1:], mask[1:, 1:]
    boundary = mask ^ right | mask ^ below | mask ^ both
    boundary[-1], boundary[:, -1] = mask[-1] ^ right[-1], mask[:, -1] ^ below[:, -1]
    boundary[-1, -1] = False
    return boundary


def davis_f(truth: BoolArray, pred: BoolArray) -> float:
    """Boundary accuracy as davis2017-evaluation computes it."""
    radius = np.ceil(0.008 * np.linalg.norm(truth.shape))
    known = np.logical_not(np.zeros_like(truth))
    pred_boundary, truth_boundary = davis_boundary(pred * known), davis_boundary(truth * known)
    shape = disk(radius).astype(np.uint8)
    pred_grown = cv2.dilate(pred_boundary.astype(np.uint8), shape)
    truth_grown = cv2.dilate(truth_boundary.astype(np.uint8), shape)
    pred_matched, truth_matched = pred_boundary * truth_grown, truth_boundary * pred_grown
    pred_px, truth_px = np.sum(pred_boundary), np.sum(truth_boundary)
    if not pred_px or not truth_px:
        return float(pred_px == truth_px)
    precision, recall = np.sum(pred_matched) / pred_px, np.sum(truth_matched) / truth_px
    return 0.0 if precision + recall == 0 else float(2 * precision * recall / (precision + recall))


def real_videos(truth: Path, pred: Path) -> dict[str, tuple[BoolArray, BoolArray]]:
    videos = {}
    for folder in sorted(path for path in truth.iterdir() if path.is_dir()):
        names = sorted(path.name for path in folder.iterdir())[:MAX_FRAMES]
        sides = [
            np.stack([np.asarray(Image.open(root / folder.name / name)) > 0 for name in names])
            for root in (truth, pred)
        ]
        videos[folder.name] = (sides[0], sides[1])
    return videos


def blob_videos() -> dict[str, tuple[BoolArray, BoolArray]]:
    """Blobs with wavy outlines, a tenth of the frame in size; predictions are slightly shifted."""
    y, x = np.mgrid[:480, :854]
    sides = []
    for off in (0, 6):
        masks = []
        for frame in range(MAX_FRAMES):
            dy, dx = (
                y - 240 - off - 80 * np.sin(frame / 9),
                x - 427 - off - 200 * np.cos(frame / 12),
            )
            edge = 110 * (1 + 0.2 * np.sin(9 * np.arctan2(dy, dx) + off))
            masks.append(dy * dy + dx * dx < edge * edge)
        sides.append(np.stack(masks))
    return {"blobs": (sides[0], sides[1])}


def contenders(truth: BoolArray, pred: BoolArray) -> dict[str, Callable[[], object]]:
    height, width = truth.shape[1:]
    truth_counts, pred_counts = encode(truth), encode(pred)
    frames = range(len(truth))

    def decoded(counts: str) -> BoolArray:
        return coco.decode({"size": [height, width], "counts": counts}).astype(np.bool_)

    ours = count_strings(truth_counts, pred_counts, frames=frames, height=height, width=width)
    assert np.allclose(
        ours.j(), [davis_j(a, b) for a, b in zip(truth, pred, strict=True)], atol=1e-12
    )
    assert np.allclose(
        ours.f(), [davis_f(a, b) for a, b in zip(truth, pred, strict=True)], atol=1e-12
    )
    return {
        "DAVIS J and F, from bitmaps": lambda: [
            (davis_j(a, b), davis_f(a, b)) for a, b in zip(truth, pred, strict=True)
        ],
        "ours, from bitmaps": lambda: count_bitmaps(truth, pred, frames=frames),
        "pycocotools decode + DAVIS J and F, from RLE": lambda: [
            (davis_j(a, b), davis_f(a, b))
            for a, b in (
                (decoded(a), decoded(b)) for a, b in zip(truth_counts, pred_counts, strict=True)
            )
        ],
        "ours, from RLE": lambda: count_strings(
            truth_counts, pred_counts, frames=frames, height=height, width=width
        ),
    }


AGAINST = {
    "ours, from bitmaps": "DAVIS J and F, from bitmaps",
    "ours, from RLE": "pycocotools decode + DAVIS J and F, from RLE",
}


def timed(call: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    call()
    return time.perf_counter() - start_s


def peak_mib(truth: BoolArray, pred: BoolArray, *, repeats: int) -> float:
    """The peak memory of Python and NumPy in MiB while the masks of a long video are counted from
    RLE.
    """
    truth_counts, pred_counts = encode(truth) * repeats, encode(pred) * repeats
    height, width = truth.shape[1:]
    tracemalloc.start()
    count_strings(
        truth_counts, pred_counts, frames=range(len(truth_counts)), height=height, width=width
    )
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return peak


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Time J&F against DAVIS's functions; prints Markdown table rows."
    )
    parser.add_argument(
        "--masks",
        type=Path,
        nargs=2,
        metavar=("TRUTH", "PRED"),
        help="folders of {video}/{frame}.png",
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="times each way is timed (default: %(default)s)"
    )
    args = parser.parse_args()
    cv2.setNumThreads(1)
    videos = real_videos(*args.masks) if args.masks else blob_videos()
    per_frame: dict[str, list[float]] = {}
    ratios: dict[str, list[float]] = {name: [] for name in AGAINST}
    for truth, pred in videos.values():
        ways = contenders(truth, pred)
        for _ in range(args.rounds):
            seconds = {name: timed(call) for name, call in ways.items()}
            for name, elapsed_s in seconds.items():
                per_frame.setdefault(name, []).append(elapsed_s / len(truth))
            for name, other in AGAINST.items():
                ratios[name].append(seconds[other] / seconds[name])
    sizes = sorted({f"{truth.shape[1]} x {truth.shape[2]}" for truth, _ in videos.values()})
    print(f"{len(videos)} videos of {', '.join(sizes)}, {args.rounds} rounds\n")
    print("| what | ms per frame | times DAVIS | least over the videos |")
    print("|---|---|---|---|")
    for name, times_s in per_frame.items():
        ratio = ("", "")
        if name in AGAINST:
            by_video = [
                median(ratios[name][start : start + args.rounds])
                for start in range(0, len(times_s), args.rounds)
            ]
            ratio = (f"{median(ratios[name]):.1f}", f"{min(by_video):.1f}")
        print(f"| {name} | {median(times_s) * 1e3:.2f} | {ratio[0]} | {ratio[1]} |")
    truth, pred = next(iter(videos.values()))
    short, long = (peak_mib(truth, pred, repeats=repeats) for repeats in (2, 20))
    print(
        f"\nPeak memory from RLE: {short:.1f} MiB for {2 * len(truth)} frames, {long:.1f} MiB for "
        f"{20 * len(truth)}."
    )


if __name__ == "__main__":
    main()
