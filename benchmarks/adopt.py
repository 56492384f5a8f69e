"""Measures adopt, build, verify and load on a synthetic copy of the published dataset.

Prints the CPU time per video and the peak memory of each step as Markdown rows.

python benchmarks/adopt.py --videos 60 240          # how both grow
python benchmarks/adopt.py --videos 3254            # the size of the real one: about 25 GB of disk, hours on two cores

The synthetic dataset has videos of 720x480 pixels and 49 frames. --distinct (100) gives the number
of distinct videos. The other videos repeat their frames, in files with other bytes. Half of the
masks are black-and-white videos, half are drawn over the clip. Files are filled up to 3 MB, the
average of 3,254 videos with 10 GB.
"""

import argparse
import contextlib
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from predict import adopt_orphans, ended_cpu_s

from brokenvideos.builder import build, verify
from brokenvideos.card import card_files
from brokenvideos.frames import encode_video, iter_frames
from brokenvideos.masks import decode_masks
from brokenvideos.release import load, read_manifest
from brokenvideos.tools.adoption import adopt
from brokenvideos.tools.synthetic.sample import write_sample

ONE_STEP = "--one-step"
HEIGHT, WIDTH, FRAMES = 480, 720, 49
PREFIXES = ("Cog5B", "Kling", "Luma", "Vidu", "MiniMax", "Gen3")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--videos", type=int, nargs="+", default=[60, 240], help="of the stand-ins, one run each"
    )
    parser.add_argument(
        "--distinct", type=int, default=100, help="videos whose frames are of no other"
    )
    parser.add_argument("--video-kb", type=int, default=3000, help="of each clip")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--folder",
        type=Path,
        help="where to work, and to keep the distinct videos; else a folder that goes",
    )
    arguments = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.folder or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        distinct = make_distinct(work / "distinct", min(arguments.distinct, max(arguments.videos)))
        print(
            "| videos | GB | step | s | CPU s | CPU s a video | peak MB "
            "|\n|---|---|---|---|---|---|---|",
            flush=True,
        )
        for count in arguments.videos:
            tree = make_tree(work / "tree", distinct, count, size=arguments.video_kb * 1000)
            gigabytes = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file()) / 1e9
            for step in (_adopt, _adopt_again, _build, _verify, _load):
                seconds, cpu, peak = measured(step, work, arguments.workers)
                name = step.__name__.removeprefix("_").replace("_", " ")
                facts = f"{seconds:.0f} | {cpu:.0f} | {cpu / count:.2f} | {peak:.0f}"
                print(f"| {count} | {gigabytes:.2f} | {name} | {facts} |", flush=True)
            for name in ("tree", "raw", "release"):
                shutil.rmtree(work / name)


def measured(
    step: Callable[[Path, int], None], work: Path, workers: int
) -> tuple[float, float, float]:
    """(seconds, CPU seconds, peak MB) of a step that runs in a process of its own.

    The CPU time is that of all its processes, the peak that of the largest one.
    """
    command = [sys.executable, __file__, ONE_STEP, step.__name__, str(work), str(workers)]
    before_s, start = ended_cpu_s(), time.perf_counter()
    process = subprocess.Popen(command, start_new_session=True)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, largest_mb(process.pid))
        time.sleep(0.2)
    seconds = time.perf_counter() - start
    assert process.returncode == 0, step
    return seconds, ended_cpu_s() - before_s, peak


def largest_mb(session: int) -> float:
    """The peak of the largest process of a session, in MB."""
    peak = 0.0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            facts = (folder / "stat").read_text().rpartition(")")[2].split()
            held = re.search(r"VmHWM:\s+(\d+) kB", (folder / "status").read_text())
            if int(facts[3]) == session and held:
                peak = max(peak, int(held[1]) / 1000)
    return peak


def _adopt(work: Path, workers: int) -> None:
    report = adopt(str(work / "tree"), work / "raw", workers=workers)
    assert report.ok, list(report.lines())


def _adopt_again(work: Path, workers: int) -> None:
    report = adopt(str(work / "tree"), work / "raw", workers=workers)
    assert {outcome.state for outcome in report.outcomes} == {"unchanged"}


def _build(work: Path, workers: int) -> None:
    build(work / "raw", work / "release", workers=workers, more_files=card_files)


def _verify(work: Path, workers: int) -> None:
    report = verify(work / "release", raw=work / "raw", workers=workers)
    assert report.ok, report.findings


def _load(work: Path, workers: int) -> None:
    """Streams all rows, and decodes all masks of every tenth row."""
    splits = {shard["split"] for shard in read_manifest(str(work / "release"))["shards"]}
    for split in sorted(splits):
        for number, row in enumerate(load(data_dir=work / "release", split=split, streaming=True)):
            if number % 10 == 0:
                decode_masks(row)


# --- The stand-in ---------------------------------------------------------------------------------


def make_distinct(folder: Path, count: int) -> list[tuple[Path, Path]]:
    """Makes the clip and the mask of each distinct video, unless they exist."""
    made = []
    for number in range(count):
        clip, mask = folder / f"{number:03d}.mp4", folder / f"{number:03d}-mask.mp4"
        if not mask.exists():
            folder.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory() as temporary:
                raw = write_sample(
                    Path(temporary, "raw"),
                    videos=1,
                    num_frames=FRAMES,
                    height=HEIGHT,
                    width=WIDTH,
                    seed=number,
                )
                video = next((raw / "videos").iterdir())
                masks = raw / "masks" / video.stem
                shutil.copy(video, clip)
                frames = masked(clip, masks, drawn=number % 2 == 1)
                encode_video(folder / "partial.mp4", frames, fps=8, crf=23)
                os.replace(folder / "partial.mp4", mask)
        made.append((clip, mask))
    return made


def masked(clip: Path, masks: Path, *, drawn: bool) -> Iterator[np.ndarray]:
    """Frames of a mask video: white masks on black, or half-transparent red masks over the clip."""
    for number, (_, rgb) in enumerate(iter_frames(clip)):
        path = masks / f"{number:05d}.png"
        marked = (
            np.asarray(Image.open(path)) > 0 if path.exists() else np.zeros(rgb.shape[:2], np.bool_)
        )
        if drawn:
            frame = rgb.copy()
            frame[marked] = (rgb[marked].astype(np.uint16) + np.array([255, 0, 0], np.uint16)) // 2
        else:
            frame = np.repeat(np.where(marked, 255, 0).astype(np.uint8)[..., None], 3, axis=2)
        yield frame


def make_tree(tree: Path, distinct: list[tuple[Path, Path]], count: int, *, size: int) -> Path:
    for name in ("videos", "masks"):
        (tree / name).mkdir(parents=True)
    for number in range(count):
        clip, mask = distinct[number % len(distinct)]
        video_id = f"{PREFIXES[number % len(PREFIXES)]}_{number:05d}"
        shutil.copy(clip, tree / "videos" / f"{video_id}.mp4")
        pad(tree / "videos" / f"{video_id}.mp4", size, seed=number)
        shutil.copy(mask, tree / "masks" / f"{video_id}_mask.mp4")
        pad(tree / "masks" / f"{video_id}_mask.mp4", mask.stat().st_size + 64, seed=number)
    (tree / "README.md").write_text("---\nlicense: other\n---\n# A stand-in\n")
    return tree


def pad(video: Path, size: int, *, seed: int) -> None:
    """Enlarges a video with an MP4 box of noise, which readers ignore."""
    missing = max(16, size - video.stat().st_size)
    with video.open("ab") as file:
        file.write(
            missing.to_bytes(4, "big") + b"free" + random.Random(seed).randbytes(missing - 8)
        )


if __name__ == "__main__":
    if sys.argv[1:2] == [ONE_STEP]:
        globals()[sys.argv[2]](Path(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
