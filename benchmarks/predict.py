"""Compares `brokenvideos predict` with one worker and with two workers.

    OMP_NUM_THREADS=1 python benchmarks/predict.py [--videos N] [--rounds N]

It uses synthetic videos and a unet with random weights, on the CPU. A round runs the whole command
with 1 and with 2 workers, in alternating order. Prints medians over rounds as rows of a Markdown
table: wall time and CPU time in seconds, and the ratio of each within a round. On a machine with
two free cores, use the wall time. On a busy machine, the wall time depends on other processes. Then
2 · (CPU time with one worker) / (CPU time with two) is the largest possible speed-up with two free
cores, because workers share the videos evenly.
"""

import argparse
import contextlib
import ctypes
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import torch
from torch import nn

from brokenvideos.tools.synthetic.sample import write_sample
from brokenvideos.tools.training.predictor import Feeding, save_model
from brokenvideos.tools.training.recipes import recipe_named


def make_model(folder: Path) -> None:
    torch.manual_seed(0)
    recipe = recipe_named("unet")
    unet = recipe.make(None)
    for parameter in unet.head.parameters():  # type: ignore[union-attr, operator]
        nn.init.normal_(parameter, std=0.5)
    save_model(unet, folder, recipe=recipe, feeding=Feeding((128, 128), 12), facts={})


PR_SET_CHILD_SUBREAPER = 36
"""Of Linux: processes whose parent ends become this one's children."""


def adopt_orphans() -> None:
    """Lets this process wait for workers, which are children of a process that ends before."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def seconds(command: list[str]) -> tuple[float, float]:
    """(wall time, CPU time) in seconds of a command and all processes that it starts."""
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    clock_s = time.perf_counter() - begun
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return clock_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--videos", type=int, default=64)
    parser.add_argument("--num-frames", type=int, default=96)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_model(folder / "model")
        raw = write_sample(
            folder / "raw",
            videos=arguments.videos,
            num_frames=arguments.num_frames,
            height=240,
            width=320,
        )
        command = [
            str(Path(sys.executable).parent / "brokenvideos"),
            "predict",
            str(folder / "model"),
        ]
        command += [str(raw / "videos"), "--device", "cpu"]
        times_by_workers: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
        for number in range(arguments.rounds):
            for workers in (1, 2) if number % 2 == 0 else (2, 1):
                out = folder / f"out-{number}-{workers}"
                times_by_workers[workers].append(
                    seconds([*command, "--out", str(out), "--workers", str(workers)])
                )
        print(
            f"{arguments.videos} videos of {arguments.num_frames} frames; load "
            f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        )
        print("| workers | clock | processor |\n|---|---|---|")
        for workers, times in times_by_workers.items():
            print(
                f"| {workers} | {median(t for t, _ in times):.1f} s | "
                f"{median(t for _, t in times):.1f} s |"
            )
        pairs = list(zip(times_by_workers[1], times_by_workers[2], strict=True))
        clock = median(one[0] / two[0] for one, two in pairs)
        most = median(2 * one[1] / two[1] for one, two in pairs)
        print(f"| ratio | {clock:.2f} | at most {most:.2f} |")


if __name__ == "__main__":
    main()
