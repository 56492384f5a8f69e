"""Compares the throughput of a build with a plain copy of the videos with SHA-256.

    python benchmarks/build.py [--videos DIR] [--busy]

Prints Markdown rows. Every figure is a median over rounds; in a round, all variants run in turn.
--busy measures another thing: what the indexing of videos costs beside a bare decode of all frames
where every core is busy with it, so that hashing finds no free core.
"""

import argparse
import hashlib
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import av
import numpy as np
from PIL import Image

import brokenvideos
from brokenvideos.builder.building import BuildOptions, build
from brokenvideos.builder.ingest import Ingested, ingest
from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.plan.splits import assign_splits, plan_shards
from brokenvideos.builder.shards import write_shard
from brokenvideos.frames import iter_frames
from brokenvideos.tools.synthetic.sample import write_sample


def copy_with_sha256(videos: list[Path], out: Path) -> None:
    out.mkdir()
    for path in videos:
        content = path.read_bytes()
        hashlib.sha256(content).hexdigest()
        (out / path.name).write_bytes(content)


def decode_all(videos: list[Path]) -> None:
    for path in videos:
        for _ in iter_frames(path):
            pass


def raw_of(videos: list[Path], raw: Path, copies: int) -> Path:
    """Makes a raw folder as in DAVIS: several copies of each given video, with one small mask."""
    (raw / "videos").mkdir(parents=True)
    for path in videos:
        height, width = next(iter(iter_frames(path)))[1].shape[:2]
        mask = np.zeros((height, width), np.uint8)
        mask[height // 4 : height // 2, width // 4 : width // 2] = 1
        for number in range(copies):
            name = f"{path.stem}-{number}"
            shutil.copy(path, raw / "videos" / f"{name}{path.suffix}")
            (raw / "masks" / name).mkdir(parents=True)
            Image.fromarray(mask).save(raw / "masks" / name / "00000.png")
    return raw


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def measure(raw: Path, *, rounds: int, options: BuildOptions) -> None:
    videos = sorted((raw / "videos").iterdir())
    megabytes = sum(path.stat().st_size for path in videos) / 1e6
    times: dict[str, list[float]] = {
        "copy with SHA-256": [],
        "decode every frame": [],
        "write shards": [],
        "whole build": [],
    }
    with tempfile.TemporaryDirectory(dir=raw.parent) as work:
        rows = Path(work) / "rows"
        rows.mkdir()
        records, _ = read_layout(raw, artifact_type=options.artifact_type)
        results = [
            ingest(record, rows / f"{record.video_id}.arrow", layout="own") for record in records
        ]
        ingested = [result for result in results if isinstance(result, Ingested)]
        plans = plan_shards(ingested, assign_splits(ingested), num_shards={})
        for number in range(rounds):
            out = Path(work) / str(number)
            times["copy with SHA-256"].append(
                seconds(lambda out=out: copy_with_sha256(videos, out.with_suffix(".copy")))
            )
            times["write shards"].append(
                seconds(lambda out=out: [write_shard(plan, out) for plan in plans])
            )
            if number < 2:
                times["decode every frame"].append(seconds(lambda: decode_all(videos)))
                times["whole build"].append(
                    seconds(lambda out=out: build(raw, out.with_suffix(".build"), options))
                )
            for path in Path(work).glob(f"{number}*"):
                shutil.rmtree(path)
    base = statistics.median(times["copy with SHA-256"])
    print(
        f"| {len(videos)} videos, {megabytes:.1f} MB | s | MB/s | relative to the copy "
        "|\n|---|---|---|---|"
    )
    for name, measured in times.items():
        median = statistics.median(measured)
        print(f"| {name} | {median:.3f} | {megabytes / median:.0f} | {base / median:.2f} |")


def decode_bare(videos: list[Path]) -> None:
    """Decodes every frame on one thread, without a conversion to RGB."""
    for path in videos:
        with av.open(path) as container:
            container.streams.video[0].codec_context.thread_count = 1
            for _ in container.decode(video=0):
                pass


def take_turns(number: int, barrier: Barrier, raw: Path, work: Path, rounds: int) -> None:
    """One of the processes: its share of the videos, decoded and indexed in each round."""
    records = read_layout(raw, artifact_type="blur")[0][number :: os.cpu_count() or 1]
    videos = [
        path for path in (raw / "videos").iterdir() if path.stem in {r.video_id for r in records}
    ]
    rows = work / str(number)
    rows.mkdir()
    for _ in range(rounds):
        barrier.wait()
        decode_bare(videos)
        barrier.wait()
        for record in records:
            ingest(record, rows / f"{record.video_id}.arrow", layout="own")
    barrier.wait()


def measure_busy(raw: Path, *, rounds: int) -> None:
    cores = os.cpu_count() or 1
    context = get_context("spawn")
    barrier = context.Barrier(cores + 1)
    with tempfile.TemporaryDirectory(dir=raw.parent) as work:
        processes = [
            context.Process(target=take_turns, args=(number, barrier, raw, Path(work), rounds))
            for number in range(cores)
        ]
        for process in processes:
            process.start()
        marks = []
        for _ in range(2 * rounds + 1):
            barrier.wait()
            marks.append(time.perf_counter())
        for process in processes:
            process.join()
    spans = np.diff(marks).reshape(rounds, 2)
    decode_s, index_s = np.median(spans, axis=0)
    ratios = spans[:, 0] / spans[:, 1]
    print(
        f"{cores} processes on {cores} cores, {rounds} rounds: decode {decode_s:.2f} s, "
        f"index {index_s:.2f} s; {np.median(ratios):.2f} of the decode "
        f"({ratios.min():.2f} to {ratios.max():.2f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--videos", type=Path, help="a folder of videos to build from; else synthetic ones"
    )
    parser.add_argument("--copies", type=int, default=12, help="of each of them")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--busy", action="store_true", help="every core busy at once")
    arguments = parser.parse_args()
    print(f"brokenvideos {brokenvideos.__version__}")
    with tempfile.TemporaryDirectory() as work:
        if arguments.videos:
            raw = raw_of(sorted(arguments.videos.iterdir()), Path(work) / "raw", arguments.copies)
        else:
            raw = write_sample(Path(work) / "raw", videos=48)
        if arguments.busy:
            measure_busy(raw, rounds=arguments.rounds)
        else:
            measure(raw, rounds=arguments.rounds, options=BuildOptions(artifact_type="blur"))


if __name__ == "__main__":
    main()
