"""How the masks' part of `verify` grows with a release: 1 %, 100 %, 300 % of the paper's 3,254
videos of about 100 masks each.

    python benchmarks/verify.py --share 1 10 [--masks DIR] [--size 720x1280] [--device cuda]
    [--release DIR] [--json FILE]

Real masks (label maps as PNG below DIR, a DAVIS folder; else blobs made here) are repeated into a
Parquet file of that size, with the fingerprints of their label maps. A process of its own then does
what `verify` does with it: reads row groups, decodes on the device, fingerprints the decoded
bitmaps, compares. Checksums of files, videos and tars are not part of it. Printed per share:
seconds, those that the processors worked (which other work on the machine hardly changes), masks
per second, and the highest resident memory of that process (and of the device); time should grow as
the masks do and memory not at all. `reading alone` is the time of the same loop without decoding.
--release also verifies a whole release and says how many times as long that takes as reading its
files and taking their SHA-256. With --device cuda this has never been run.
"""

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from masks_decode import label_maps_of

import brokenvideos
from brokenvideos.builder.work import file_sha256
from brokenvideos.masks import decoded_ahead, encode, fingerprint_labels

PAPER_VIDEOS = 3254
MASKS_PER_VIDEO = 100
ROWS_PER_GROUP = 8


def masks_to_repeat(folder: Path | None, size: str | None) -> tuple[list[str], list[int], int, int]:
    """Counts, fingerprints of the label maps, height and width."""
    label_maps = label_maps_of(folder, size)
    height, width = label_maps[0].shape
    counts: list[str] = []
    fingerprints: list[int] = []
    for labels in label_maps:
        of_map = fingerprint_labels(labels)
        counts += encode(np.stack([labels == object_id for object_id in of_map])) if of_map else []
        fingerprints += of_map.values()
    return counts, fingerprints, height, width


def write_release(
    path: Path, num_videos: int, masks: tuple[list[str], list[int], int, int]
) -> None:
    counts, fingerprints, height, width = masks
    schema = pa.schema(
        {
            "height": pa.int32(),
            "width": pa.int32(),
            "counts": pa.list_(pa.string()),
            "fingerprint": pa.list_(pa.int64()),
        }
    )
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for start in range(0, num_videos, ROWS_PER_GROUP):
            rows = []
            for video in range(start, min(start + ROWS_PER_GROUP, num_videos)):
                at = [
                    (video * MASKS_PER_VIDEO + place) % len(counts)
                    for place in range(MASKS_PER_VIDEO)
                ]
                own = {
                    "counts": [counts[i] for i in at],
                    "fingerprint": [fingerprints[i] for i in at],
                }
                rows.append({"height": height, "width": width, **own})
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def describe(device: str) -> object:
    from brokenvideos.masks import device as on_device  # which imports torch

    return on_device.describe(device)


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    for table in brokenvideos.release.read_parquet(str(path)):
        yield from table.to_pylist()


def measure(path: Path, device: str) -> dict[str, float]:
    """Runs in a process of its own, so that its highest memory is that of this release."""
    start_s = time.perf_counter()
    read = sum(len(row["counts"]) for row in rows_of(path))
    reading_s = time.perf_counter() - start_s
    if device != "cpu":
        describe(device)  # kernels are compiled before the clock runs
    start_s, start_cpu_s = time.perf_counter(), time.process_time()
    checked = wrong = 0
    rows = decoded_ahead(
        rows_of(path), lambda row: (row["counts"], row["height"], row["width"]), device=device
    )
    for row, fingerprints in rows:
        checked += len(fingerprints)
        wrong += sum(a != b for a, b in zip(fingerprints, row["fingerprint"], strict=True))
    elapsed_s, cpu_s = time.perf_counter() - start_s, time.process_time() - start_cpu_s
    assert (read, wrong) == (checked, 0)
    device_mb = 0.0
    if device != "cpu":
        import torch

        device_mb = torch.cuda.max_memory_allocated() / 1e6
    resident_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return {
        "masks": checked,
        "s": elapsed_s,
        "cpu_s": cpu_s,
        "reading_s": reading_s,
        "resident_mb": resident_mb,
        "device_mb": device_mb,
    }


def measure_release(release: Path, device: str) -> dict[str, float]:
    """Seconds of verifying a whole release, and of reading its files and hashing what was read;
    each the best of two.
    """
    if device != "cpu":
        describe(device)
    times: dict[str, list[float]] = {"s": [], "reading_s": []}
    for _ in range(2):
        start_s = time.perf_counter()
        for path in sorted(path for path in release.rglob("*") if path.is_file()):
            file_sha256(path)
        times["reading_s"].append(time.perf_counter() - start_s)
        start_s = time.perf_counter()
        report = brokenvideos.verify(release, device=device)
        times["s"].append(time.perf_counter() - start_s)
        assert report.ok, report.findings
    seconds, reading_s = min(times["s"]), min(times["reading_s"])
    facts = {"videos": report.num_videos, "masks": report.num_masks}
    return {**facts, "s": seconds, "reading_s": reading_s, "times_reading": seconds / reading_s}


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Time the masks' part of verify at several sizes; prints Markdown rows."
    )
    parser.add_argument(
        "--share", type=float, nargs="+", default=[1], help="per cent of the paper's size"
    )
    parser.add_argument(
        "--masks", type=Path, help="folder of label maps as PNG; default: blobs made here"
    )
    parser.add_argument(
        "--size", help="HEIGHTxWIDTH of the masks; default: their own, of blobs 480x854"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--release", type=Path, help="also verify this whole release")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    args = parser.parse_args()

    masks = masks_to_repeat(args.masks, args.size)
    facts = "NumPy" if args.device == "cpu" else describe(args.device)
    print(f"{len(masks[0])} masks of {masks[2]} x {masks[3]} repeated; {facts}\n")
    print(
        "| share | masks | file, MB | s | CPU s | masks/s | reading alone, s | resident, MB | on "
        "device, MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    figures: dict[str, Any] = {"device": facts, "height": masks[2], "width": masks[3], "share": {}}
    with tempfile.TemporaryDirectory() as folder:
        for share in args.share:
            path = Path(folder) / "annotations.parquet"
            write_release(path, max(1, round(PAPER_VIDEOS * share / 100)), masks)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                measured = pool.apply(measure, (path, args.device))
            figures["share"][f"{share:g} %"] = measured
            print(
                f"| {share:g} % | {measured['masks']:,} | {path.stat().st_size / 1e6:.1f} | "
                f"{measured['s']:.1f} | {measured['cpu_s']:.1f} | {measured['masks'] / measured['s']:,.0f} | "
                f"{measured['reading_s']:.2f} | {measured['resident_mb']:.0f} | {measured['device_mb']:.0f} "
                "|",
                flush=True,
            )
            save(args.json, figures)
    if args.release:
        figures["release"] = measured = measure_release(args.release, args.device)
        save(args.json, figures)
        print(
            f"\nwhole release: {measured['s']:.2f} s, {measured['times_reading']:.1f} times reading and "
            "hashing its files"
        )


def save(path: Path | None, figures: dict[str, Any]) -> None:
    """After each part, so that what was measured stays if a later one is cut off."""
    if path is not None:
        path.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
