"""How the time and the memory of every step grow with a release: 1 %, 10 %, 100 %, 300 % of the
paper's 3,254 videos.

    python benchmarks/growth.py [--share 1 10 100] [--json FILE] [--plot FILE]

Tiny videos, all different: 12 frames of 64x48, two coarse patterns of its own, one after the other,
with a bright square that moves over them, and in half of the videos the square is marked. One
pattern was not enough: at 9,762 videos two looked alike and counted as near-duplicates. Each step
is a process of its own: build, verify, stats, evaluate of the release against itself, load (every
row of every split, streamed). Printed are the seconds of the processor, which other work on the
machine changes least; in brackets what each further video takes, after the time of the smallest
share; and the highest memory of the process. --json adds to the figures that the file has already,
so that shares can be measured one at a time; without --share the script only prints and draws them.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from brokenvideos.frames import encode_video

PAPER_VIDEOS = 3254
NUM_FRAMES, HEIGHT, WIDTH, SIDE = 12, 48, 64, 12
NUM_TRACKS = 8
"""Ways of the square; the masks of a way are the same files in every video that has it."""
STEPS = ("build", "verify", "stats", "evaluate", "load")
BROKENVIDEOS = "from brokenvideos.tools.commands.main import main; main()"
LOAD = """
import sys, brokenvideos
for split, rows in brokenvideos.load(data_dir=sys.argv[1], streaming=True).items():
    for row in rows:
        pass
"""


def write_raw(raw: Path, videos: int) -> None:
    """A raw folder of so many videos; the same for the same number."""
    (raw / "videos").mkdir(parents=True)
    tracks = [
        [(4 + 2 * track + frame, 3 + 5 * track + frame) for frame in range(NUM_FRAMES)]
        for track in range(NUM_TRACKS)
    ]
    for track, places in enumerate(tracks):
        (raw / f"track-{track}").mkdir()
        for frame, (top, left) in enumerate(places):
            labels = np.zeros((HEIGHT, WIDTH), np.uint8)
            labels[top : top + SIDE, left : left + SIDE] = 1
            Image.fromarray(labels).save(raw / f"track-{track}" / f"{frame:05d}.png")
    lines = []
    for number in range(videos):
        video_id, track, broken = f"video_{number:06d}", number % NUM_TRACKS, number % 2 == 1
        rng = np.random.default_rng(number)
        cells = rng.integers(0, 200, (2, 6, 8, 3), np.uint8)
        patterns = np.kron(cells, np.ones((1, 8, 8, 1), np.uint8))
        frames = []
        for frame, (top, left) in enumerate(tracks[track]):
            rgb = patterns[frame * 2 // NUM_FRAMES].copy()
            rgb[top : top + SIDE, left : left + SIDE] = 255
            frames.append(rgb)
        encode_video(raw / "videos" / f"{video_id}.mp4", frames, fps=12)
        if broken:
            (raw / "masks" / video_id).mkdir(parents=True)
            for path in (raw / f"track-{track}").iterdir():
                os.link(path, raw / "masks" / video_id / path.name)
        objects = (
            [{"object_id": 1, "artifact_type": ("motion", "deformation", "blur")[number % 3]}]
            if broken
            else []
        )
        split = {0: "validation", 1: "test"}.get(number // 2 % 10, "train")
        label = "broken" if broken else "normal"
        line = {
            "video_id": video_id,
            "generator": f"model-{number // 2 % 3}",
            "prompt": None,
            "label": label,
        }
        lines.append(json.dumps({**line, "split": split, "objects": objects}))
    for track in range(NUM_TRACKS):
        for path in (raw / f"track-{track}").iterdir():
            path.unlink()
        (raw / f"track-{track}").rmdir()
    (raw / "videos.jsonl").write_text("\n".join(lines) + "\n")


def measured(command: list[str], work: Path) -> dict[str, float]:
    """Seconds of the processor and on the clock, and the highest memory, of a command that must end
    well.
    """
    log = work / "log"
    start_s = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, log.read_text()
    clock_s = time.perf_counter() - start_s
    return {
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "s": clock_s,
        "peak_mb": usage.ru_maxrss / 1000,
    }


def measure(videos: int) -> dict[str, dict[str, float]]:
    """Figures of every step by its name."""
    with tempfile.TemporaryDirectory(prefix="growth-") as folder:
        work = Path(folder)
        raw, release = work / "raw", work / "release"
        write_raw(raw, videos)
        command = [sys.executable, "-c", BROKENVIDEOS]
        commands = {
            "build": [*command, "build", str(raw), str(release)],
            "verify": [*command, "verify", str(release)],
            "stats": [*command, "stats", str(release)],
            "evaluate": [*command, "evaluate", str(release), str(release)],
            "load": [sys.executable, "-c", LOAD, str(release)],
        }
        figures = {}
        for step in STEPS:
            figures[step] = measured(commands[step], work)
            print(f"{videos} videos, {step}: {figures[step]}", file=sys.stderr, flush=True)
        return figures


def print_table(shares: dict[str, Any]) -> None:
    """A row per step: CPU seconds and peak memory at each share, and milliseconds that each further
    video takes.
    """
    order = sorted(shares, key=lambda share: float(share))
    print("| step | " + " | ".join(f"{shares[share]['videos']:,} videos" for share in order) + " |")
    print("|---" * (len(order) + 1) + "|")
    least = shares[order[0]]
    for step in STEPS:
        cells = []
        for share in order:
            figures, more = shares[share]["steps"][step], shares[share]["videos"] - least["videos"]
            each = (
                f" ({1000 * (figures['cpu_s'] - least['steps'][step]['cpu_s']) / more:.1f} ms)"
                if more
                else ""
            )
            cells.append(f"{figures['cpu_s']:.1f} s{each}, {figures['peak_mb']:.0f} MB")
        print(f"| {step} | {' | '.join(cells)} |")


def draw(shares: dict[str, Any], path: Path) -> None:
    """Seconds of the processor and peak memory against the number of videos."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "growth"
    from matplotlib import pyplot

    order = sorted(shares, key=lambda share: float(share))
    videos = [shares[share]["videos"] for share in order]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    for step in STEPS:
        steps = [shares[share]["steps"][step] for share in order]
        left.plot(videos, [figures["cpu_s"] for figures in steps], marker="o", ms=4, label=step)
        right.plot(videos, [figures["peak_mb"] for figures in steps], marker="o", ms=4, label=step)
    left.set_ylabel("seconds of the processor")
    right.set_ylabel("highest memory, MB")
    right.legend(frameon=False)
    for axes in (left, right):
        axes.set_xlabel("videos")
        axes.set_ylim(bottom=0)
        axes.grid(color="#e4e7eb", lw=0.8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format="svg", metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--share", type=float, nargs="*", default=[], help="per cent of the paper's size"
    )
    parser.add_argument(
        "--json", type=Path, help="figures of earlier runs, to which these are added"
    )
    parser.add_argument("--plot", type=Path, help="draw an SVG; needs matplotlib")
    arguments = parser.parse_args()
    shares: dict[str, Any] = {}
    for share in arguments.share:
        videos = max(1, round(PAPER_VIDEOS * share / 100))
        shares[f"{share:g}"] = {"videos": videos, "steps": measure(videos)}
        if arguments.json:
            known = json.loads(arguments.json.read_text()) if arguments.json.exists() else {}
            arguments.json.write_text(json.dumps(known | shares, indent=1) + "\n")
    if arguments.json:
        shares = json.loads(arguments.json.read_text())
    print_table(shares)
    if arguments.plot:
        draw(shares, arguments.plot)


if __name__ == "__main__":
    main()
