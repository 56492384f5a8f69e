"""Measures the cost of the next release: rewritten and uploaded bytes, a second worker, a resumed
build.

    python benchmarks/releases.py

Prints Markdown rows. Uploads use hf_xet, the Hub's own content-defined chunking, and go into a
local folder.
"""

import argparse
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Event
from pathlib import Path

import numpy as np
from PIL import Image

from brokenvideos.builder import BuildOptions, build, diff
from brokenvideos.builder.building import build_with
from brokenvideos.builder.ingest import Ingested, ingest
from brokenvideos.builder.layouts import read_layout
from brokenvideos.builder.plan.splits import ShardPlan
from brokenvideos.builder.shards import write_shard
from brokenvideos.builder.work.engine import executor_of, run_tasks
from brokenvideos.tools.synthetic.sample import write_sample

SHARES = (0.01, 0.05, 0.2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=100, help="of the release that grows")
    parser.add_argument("--video-kb", type=int, default=500, help="of each of them")
    parser.add_argument("--rounds", type=int, default=3, help="of the timings")
    parser.add_argument("--only", choices=("memory", "growth", "time"), help="one of the tables")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        # hf_xet keeps what it knows of a store here; the user's own must not make this one look
        # better.
        os.environ["HF_XET_CACHE"] = str(work / "xet")
        raw = write_sample(work / "raw", videos=arguments.videos, num_frames=8, height=48, width=64)
        for path in sorted((raw / "videos").iterdir()):
            pad(path, arguments.video_kb * 1000)
        if arguments.only in (None, "memory"):
            memory(raw, work)
        if arguments.only in (None, "growth"):
            growth(raw, work)
        if arguments.only in (None, "time"):
            heavy = write_sample(work / "heavy", videos=24, num_frames=36, height=288, width=384)
            timings(heavy, work, rounds=arguments.rounds)


# --- Growth ---------------------------------------------------------------------------------------


def growth(raw: Path, work: Path) -> None:
    print(
        "\n| changed | shards | release MB | written anew | uploaded anew (hf_xet) "
        "|\n|---|---|---|---|---|"
    )
    for num_shards in (
        {"train": 2, "validation": 1, "test": 1},
        {"train": 16, "validation": 2, "test": 2},
    ):
        old = work / "old"
        build(raw, old, BuildOptions(num_shards=num_shards, data_version="1.0.0"))
        upload(old, work / "store")
        for name, change in {"masks corrected": correct_masks, "videos added": add_videos}.items():
            for share in SHARES:
                with copied(raw, work / "changed") as changed:
                    change(changed, round(share * len(described(raw))))
                    build(changed, work / "new", BuildOptions(data_version="2.0.0"), parent=old)
                changes = diff(old, work / "new")
                total = changes.kept_bytes + changes.rewritten_bytes
                shutil.copytree(work / "store", work / "store-now")
                sent = upload(work / "new", work / "store-now")
                print(
                    f"| {name}: {share:.0%} | {sum(num_shards.values())} | {total / 1e6:.0f} | "
                    f"{changes.rewritten_bytes / total:.1%} | {sent / total:.2%} |",
                    flush=True,
                )
                for path in (work / "new", work / "store-now"):
                    shutil.rmtree(path)
        for path in (old, work / "store"):
            shutil.rmtree(path)


def upload(release: Path, store: Path) -> int:
    """Uploads all files of a release, and returns the number of bytes that the store did not
    have.
    """
    import hf_xet

    store.mkdir(exist_ok=True)
    shutil.rmtree(os.environ["HF_XET_CACHE"], ignore_errors=True)
    commit = hf_xet.XetSession().new_upload_commit(endpoint=f"local://{store}")
    for path in sorted(path for path in release.rglob("*") if path.is_file()):
        commit.start_upload_file(str(path))
    return int(commit.wait_to_finish().dedup_metrics.xorb_bytes_uploaded)


def pad(video: Path, size: int) -> None:
    """Makes a small video as large as a real one with an MP4 box of noise, which readers ignore."""
    missing = max(8, size - video.stat().st_size)
    noise = random.Random(video.name).randbytes(missing - 8)
    with video.open("ab") as file:
        file.write(missing.to_bytes(4, "big") + b"free" + noise)


def described(raw: Path) -> list[dict]:
    return [json.loads(line) for line in (raw / "videos.jsonl").read_text().splitlines()]


def correct_masks(raw: Path, count: int) -> None:
    """Changes one pixel of one mask in each of so many videos."""
    folders = sorted(path for path in (raw / "masks").iterdir() if any(path.iterdir()))
    for folder in random.Random(0).sample(folders, count):
        path = min(folder.iterdir())
        labels = np.array(Image.open(path))
        y, x = np.argwhere(labels)[0]
        if (labels > 0).sum() > 1:
            labels[y, x] = 0
        Image.fromarray(labels).save(path)


def add_videos(raw: Path, count: int) -> None:
    lines = described(raw)
    for number, video in enumerate(random.Random(0).sample(lines, count)):
        name = f"added_{number}"
        shutil.copy(raw / "videos" / f"{video['video_id']}.mp4", raw / "videos" / f"{name}.mp4")
        pad(raw / "videos" / f"{name}.mp4", 2 * (raw / "videos" / f"{name}.mp4").stat().st_size)
        if (raw / "masks" / video["video_id"]).exists():
            shutil.copytree(raw / "masks" / video["video_id"], raw / "masks" / name)
        lines.append(video | {"video_id": name, "prompt": None})
    (raw / "videos.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


@contextmanager
def copied(raw: Path, copy: Path) -> Iterator[Path]:
    shutil.copytree(raw, copy)
    yield copy
    shutil.rmtree(copy)


# --- Time -----------------------------------------------------------------------------------------


def timings(raw: Path, work: Path, *, rounds: int) -> None:
    times: dict[str, list[float]] = {
        "1 worker": [],
        "2 workers": [],
        "resumed": [],
        "1 up": [],
        "2 up": [],
    }
    for _ in range(rounds):
        whole, _ = run_build(raw, work / "out", workers=1)
        shutil.rmtree(work / "out")
        two, _ = run_build(raw, work / "out", workers=2)
        shutil.rmtree(work / "out")
        _, ended = run_build(raw, work / "out", workers=1, kill_after_s=whole / 2)
        assert not ended
        assert not (work / "out").exists()
        rest, _ = run_build(raw, work / "out", workers=1)
        shutil.rmtree(work / "out")
        up = [run_build_in_pool(raw, work / "out", workers=workers) for workers in (1, 2)]
        for name, seconds in zip(times, (whole, two, rest, *up), strict=True):
            times[name].append(seconds)
    one, two, rest, one_up, two_up = (statistics.median(seconds) for seconds in times.values())
    ratios = sorted(r / w for r, w in zip(times["resumed"], times["1 worker"], strict=True))
    print("\n| 24 videos of 36 frames 384x288 | s | ratio |\n|---|---|---|")
    print(f"| whole build, 1 worker | {one:.2f} | 1 |")
    print(f"| 2 workers, their start included | {two:.2f} | {one / two:.2f} times as fast |")
    print(
        f"| 1 worker and 2 that are up | {one_up:.2f}, {two_up:.2f} | {one_up / two_up:.2f} times "
        "as fast |"
    )
    print(
        f"| resumed after SIGKILL at half the time | {rest:.2f} | {statistics.median(ratios):.0%} "
        "of a whole build |"
    )
    print(
        f"\nper task and engine: {overhead_ms(None):.2f} ms in this process, {overhead_ms(2):.2f} "
        "ms in 2 processes"
    )


def run_build(
    raw: Path, out: Path, *, workers: int, kill_after_s: float | None = None
) -> tuple[float, bool]:
    """Runs a build in a process of its own: (seconds from its first step to its end, whether it
    finished).
    """
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    process = context.Process(target=_build, args=(raw, out, workers, started))
    process.start()
    started.wait()
    start = time.perf_counter()
    process.join(kill_after_s)
    if process.exitcode is None:
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
    return time.perf_counter() - start, process.exitcode == 0


def _build(raw: Path, out: Path, workers: int, started: Event) -> None:
    build(raw, out, workers=workers, on_progress=lambda step, done, total: started.set())


def run_build_in_pool(raw: Path, out: Path, *, workers: int) -> float:
    """Seconds of a build by workers that have already imported everything."""
    with executor_of(workers) as executor:
        list(run_tasks(executor, abs, range(10), lambda done, total: None))
        start = time.perf_counter()
        build_with(
            executor,
            raw,
            out,
            BuildOptions(),
            parent=None,
            fresh=True,
            more_files=None,
            on_progress=lambda step, done, total: None,
        )
        seconds = time.perf_counter() - start
    shutil.rmtree(out)
    return seconds


# --- Memory ---------------------------------------------------------------------------------------


def memory(raw: Path, work: Path) -> None:
    """The peak memory of a process that writes one shard with repeated rows."""
    records, _ = read_layout(raw)
    (work / "rows").mkdir()
    results = [
        ingest(record, work / "rows" / f"{record.video_id}.arrow", layout="own")
        for record in records
    ]
    videos = tuple(result for result in results if isinstance(result, Ingested))
    print("\n| shard MB of video | peak RSS MB |\n|---|---|")
    for times in (0, 1, 4, 16):
        context = multiprocessing.get_context("spawn")
        peak = context.Value("d", 0.0)
        process = context.Process(
            target=_write, args=(ShardPlan("train", 0, 1, videos * times), work / "one", peak)
        )
        process.start()
        process.join()
        megabytes = sum(video.video_bytes for video in videos) * times / 1e6
        print(f"| {megabytes:.0f} | {peak.value:.0f} |", flush=True)
        shutil.rmtree(work / "one")


def _write(plan: ShardPlan, out: Path, peak: "Synchronized[float]") -> None:
    write_shard(plan, out)
    peak.value = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def overhead_ms(workers: int | None, *, tasks: int = 2000) -> float:
    with executor_of(workers or 1) as executor:
        list(run_tasks(executor, abs, range(10), lambda done, total: None))  # workers are up
        start = time.perf_counter()
        list(run_tasks(executor, abs, range(tasks), lambda done, total: None))
        return 1000 * (time.perf_counter() - start) / tasks


if __name__ == "__main__":
    main()
