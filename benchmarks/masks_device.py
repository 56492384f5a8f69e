"""Masks by NumPy, by torch operations and, where there is a GPU, by the Triton kernels; against
pycocotools.

    python benchmarks/masks_device.py [--masks DIR] [--rounds N] [--repeat N] [--on cuda]
    [--json FILE]

The ways take turns within a round; printed are medians over the rounds and the median of the ratio
to pycocotools within a round. faster-coco-eval and rlemasklib take part when they are installed. On
a GPU every way ends with a synchronize; filling and copying memory are timed in the same rounds,
and the last column is the time of writing the result once (uint8 or packed) as a share of the time
a way takes. `decode` begins with a list of strings, `decode_batch` with strings that are joined
already, as a DataLoader's workers send them, `draw` with runs that are on the device. The lines of
a GPU have never been run.
"""

import argparse
import importlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from masks_decode import label_maps_of, timed
from pycocotools import mask as coco  # type: ignore[import-untyped]

from brokenvideos.masks import decode, device as on_device, encode, fingerprint_bitmaps
from brokenvideos.masks.batch import collate_planes
from brokenvideos.masks.device.bitmaps import read
from brokenvideos.masks.device.raster import draw, draw_packed, packed_width

Way = Callable[[], object]
COCO = "pycocotools decode, loop, outputs kept"


def peers(rles: list[dict[str, Any]]) -> dict[str, Way]:
    """Other decoders of the same strings, as far as they are installed."""
    ways: dict[str, Way] = {}
    as_bytes = [{"size": rle["size"], "counts": rle["counts"].encode()} for rle in rles]
    try:
        faster = importlib.import_module("faster_coco_eval.core.mask")
        ways["faster-coco-eval decode, loop"] = lambda: [faster.decode(rle) for rle in as_bytes]
    except ImportError:
        pass
    try:
        rlemasklib = importlib.import_module("rlemasklib")
        ways["rlemasklib decode, loop"] = lambda: [rlemasklib.decode(rle) for rle in as_bytes]
    except ImportError:
        pass
    return ways


def ways_on(
    device: str, backend: on_device.Backend, counts: list[str], *, height: int, width: int
) -> dict[str, Way]:
    size: dict[str, Any] = {"height": height, "width": width, "device": device, "backend": backend}
    place = torch.device(device)
    bitmaps = on_device.decode(counts, **size)
    batch = collate_planes(counts, height=height, width=width)
    name = f"{backend} on {device}:"
    ways: dict[str, Way] = {
        f"{name} decode": lambda: on_device.decode(counts, **size),
        f"{name} decode_batch": lambda: on_device.decode_batch(
            batch, device=device, backend=backend
        ),
        f"{name} decode_packed": lambda: on_device.decode_packed(counts, **size),
        f"{name} encode": lambda: on_device.encode(bitmaps, backend=backend),
        f"{name} fingerprint": lambda: on_device.fingerprint(bitmaps, backend=backend),
        f"{name} fingerprint_decoded": lambda: on_device.fingerprint_decoded(counts, **size),
    }
    if backend != "numpy":
        runs, pixels = read(batch, device=place, backend=backend), height * width
        planes = torch.empty((len(counts), pixels), dtype=torch.uint8, device=place)
        rows = torch.empty((len(counts), packed_width(pixels)), dtype=torch.uint8, device=place)
        ways[f"{name} gate and parse"] = lambda: read(batch, device=place, backend=backend)
        ways[f"{name} draw"] = lambda: draw(runs, planes, pixels=pixels, backend=backend)
        # torch operations draw all bitmaps first, which decode_packed does part by part
        if backend == "triton":
            ways[f"{name} draw packed"] = lambda: draw_packed(
                runs, rows, pixels=pixels, backend=backend
            )
    return ways


def synchronized(way: Way) -> Way:
    def run() -> object:
        result = way()
        torch.cuda.synchronize()
        return result

    return run


def gpu_ways(counts: list[str], *, height: int, width: int) -> dict[str, Way]:
    """Every way on the card, and what bounds them."""
    ways: dict[str, Way] = {}
    backend: on_device.Backend
    for backend in ("torch", "triton"):
        if backend == "torch" or on_device.describe("cuda")["backend"] == "triton":
            ways |= ways_on("cuda", backend, counts, height=height, width=width)
    dense = torch.zeros(len(counts) * height * width, dtype=torch.uint8, device="cuda")
    packed = dense[: len(dense) // 8]
    other = torch.empty_like(dense)
    ways["cuda: fill uint8 result"] = lambda: dense.fill_(1)
    ways["cuda: fill packed result"] = lambda: packed.fill_(1)
    ways["cuda: copy uint8 result"] = lambda: other.copy_(dense)
    return {name: synchronized(way) for name, way in ways.items()}


def print_table(ways: dict[str, dict[str, float | None]]) -> None:
    print("| what | µs per mask | masks/s | times pycocotools decode | of the write bound |")
    print("|---|---|---|---|---|")
    for name, way in ways.items():
        per_mask_s, ratio, of_bound = (
            way["s_per_mask"] or 0.0,
            way["times_pycocotools"],
            way["of_write_bound"],
        )
        bound = "" if of_bound is None else f"{100 * of_bound:.0f} %"
        print(
            f"| {name} | {per_mask_s * 1e6:.1f} | {1 / per_mask_s:,.0f} | {ratio:.1f} | {bound} |"
        )


def figures(seconds: dict[str, list[float]], num_masks: int) -> dict[str, dict[str, float | None]]:
    """Medians over the rounds: seconds per mask, and the ratios within a round."""

    def ratio(of: str, by: str) -> float:
        return median(a / b for a, b in zip(seconds[of], seconds[by], strict=True))

    medians: dict[str, dict[str, float | None]] = {}
    for name, rounds in seconds.items():
        fill = f"cuda: fill {'packed' if 'packed' in name else 'uint8'} result"
        draws = "on cuda: decode" in name or "on cuda: draw" in name
        medians[name] = {
            "s_per_mask": median(rounds) / num_masks,
            "times_pycocotools": ratio(COCO, name),
            "of_write_bound": ratio(fill, name) if draws else None,
        }
    return medians


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Time masks on devices; prints Markdown table rows."
    )
    parser.add_argument(
        "--masks", type=Path, help="folder of label maps as PNG; default: blobs made here"
    )
    parser.add_argument(
        "--size", help="HEIGHTxWIDTH of the masks; default: their own, of blobs 480x854"
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--repeat", type=int, default=1, help="every mask so often, to fill a GPU")
    parser.add_argument(
        "--on", nargs="+", choices=("cpu", "cuda"), help="devices; default: all that there are"
    )
    parser.add_argument("--json", type=Path, help="also write the figures there")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
    devices = args.on or (["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"])

    label_maps = label_maps_of(args.masks, args.size)
    height, width = label_maps[0].shape
    bitmaps = np.stack([(labels == labels[labels > 0][0]).view(np.uint8) for labels in label_maps])
    once = encode(bitmaps)
    counts = once * args.repeat
    rles = [{"size": [height, width], "counts": entry} for entry in counts]

    ways: dict[str, Way] = {COCO: lambda: [coco.decode(rle) for rle in rles]}
    if "cpu" in devices:
        column_major = decode(counts, height=height, width=width)
        ways |= peers(rles)
        ways["fingerprint_bitmaps"] = lambda: fingerprint_bitmaps(column_major)
        backend: on_device.Backend
        for backend in ("numpy", "torch"):
            ways |= ways_on("cpu", backend, counts, height=height, width=width)
    if "cuda" in devices:
        ways |= gpu_ways(counts, height=height, width=width)
        wanted = decode(once, height=height, width=width)
        decoded = on_device.decode(counts, height=height, width=width, device="cuda")[-len(once) :]
        assert np.array_equal(decoded.cpu(), wanted)
    for way in ways.values():
        way()
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(args.rounds):
        for name, way in ways.items():
            seconds[name].append(timed(way))

    by_way = figures(seconds, len(counts))
    card = torch.cuda.get_device_name() if "cuda" in devices else "no GPU"
    print(
        f"{len(counts)} masks of {height} x {width}, {args.rounds} rounds, torch "
        f"{torch.__version__}, {card}\n"
    )
    print_table(by_way)
    if args.json:
        facts = {"masks": len(counts), "height": height, "width": width, "rounds": args.rounds}
        facts["on"] = [on_device.describe(device) for device in devices]
        args.json.write_text(json.dumps({**facts, "ways": by_way}, indent=1) + "\n")


if __name__ == "__main__":
    main()
