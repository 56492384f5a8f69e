"""Compares `brokenvideos predict` with one worker and with two workers.

    OMP_NUM_THREADS=1 python benchmarks/predict.py [--videos N] [--num-frames N] [--rounds N]

It uses synthetic videos and a unet with random weights, on the CPU. A round predicts the videos
with 1 and with 2 workers, in alternating order, each in a process of its own that does what the
command does. The files of both must be equal.

Prints medians over rounds as rows of a Markdown table: wall time and CPU time in seconds, the wall
time of each stage, and ratios within a round. A stage whose ratio is near 1 is not divided. On a
machine with two free cores, use the wall time. On a busy machine, the wall time depends on other
processes. Then 2 · (CPU time with one worker) / (CPU time with two) is the largest possible
speed-up with two free cores, because workers share the videos evenly.
"""

import argparse
import contextlib
import ctypes
import filecmp
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

STAGES = {
    "open": "imports, model and list of videos",
    "predict": "prediction, with the start of workers",
    "write": "predictions.parquet, report.json, videos.csv",
    "measure masks": "masks measured for the page",
    "write videos": "previews of the page",
    "end": "end of the process",
}
ONE_RUN = "--one-run"


@dataclass(frozen=True, slots=True)
class Times:
    """Of one run in seconds: wall time, CPU time of all processes, and wall time by stage."""

    clock_s: float
    cpu_s: float
    stages_s: dict[str, float]


def make_model(folder: Path) -> None:
    import torch
    from torch import nn

    from brokenvideos.tools.training.predictor import Feeding, save_model
    from brokenvideos.tools.training.recipes import recipe_named

    torch.manual_seed(0)
    recipe = recipe_named("unet")
    unet = recipe.make(None)
    for parameter in unet.head.parameters():  # type: ignore[union-attr, operator]
        nn.init.normal_(parameter, std=0.5)
    save_model(unet, folder, recipe=recipe, feeding=Feeding((128, 128), 12), facts={})


def one_run(model: str, videos: str, out: str, workers: int) -> None:
    """Predicts as the command does, and prints the moments at which stages begin, as JSON."""
    begun = time.time()
    from brokenvideos.tools.commands.predict import COMMAND

    if workers > 1:
        from brokenvideos.builder.work import import_ahead

        import_ahead(*(f"brokenvideos.{module}" for module in COMMAND.work))
    from brokenvideos.tools.prediction import find_videos, open_model, predict

    opened, chosen = open_model(model, device="cpu"), find_videos([videos])
    stages = {"open": begun, "predict": time.time()}

    def on_progress(step: str, done: int, total: int) -> None:
        if step == "predict" and done == total:
            stages["write"] = time.time()
        elif step not in stages:
            stages[step] = time.time()

    predict(opened, chosen, Path(out), name="model", workers=workers, on_progress=on_progress)
    stages["end"] = time.time()
    print(json.dumps(stages))


PR_SET_CHILD_SUBREAPER = 36
"""Of Linux: processes whose parent ends become this one's children."""


def adopt_orphans() -> None:
    """Lets this process wait for workers, which are children of a process that ends before."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def ended_cpu_s() -> float:
    """CPU time in seconds of all processes that this one has started, once they have ended."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run_timed(command: list[str]) -> tuple[str, float, float]:
    """What a command prints, and wall time and CPU time in seconds of it and of all processes that
    it starts.
    """
    before_s, begun = ended_cpu_s(), time.perf_counter()
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    clock_s = time.perf_counter() - begun
    return said, clock_s, ended_cpu_s() - before_s


def measured(model: Path, videos: Path, out: Path, *, workers: int) -> Times:
    command = [sys.executable, __file__, ONE_RUN, str(model), str(videos), str(out), str(workers)]
    begun = time.time()
    said, clock_s, cpu_s = run_timed(command)
    ended = begun + clock_s
    moments = json.loads(said)
    # "open" begins with the process.
    starts = [begun, *(moments[stage] for stage in list(STAGES)[1:]), ended]
    stages_s = {
        stage: stop - start
        for stage, start, stop in zip(STAGES, starts[:-1], starts[1:], strict=True)
    }
    return Times(clock_s, cpu_s, stages_s)


def check_equal(one: Path, two: Path) -> None:
    names = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    there = sorted(path.relative_to(two) for path in two.rglob("*") if path.is_file())
    _, other, wrong = filecmp.cmpfiles(one, two, names, shallow=False)
    if names != there or other or wrong:
        sys.exit(f"{one} and {two} differ: {[*other, *wrong][:3] or 'other files'}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--videos", type=int, default=60)
    parser.add_argument("--num-frames", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=2)
    arguments = parser.parse_args()
    from brokenvideos.tools.synthetic.sample import write_sample

    adopt_orphans()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_model(folder / "model")
        size = {"num_frames": arguments.num_frames, "height": 240, "width": 320}
        raw = write_sample(folder / "raw", videos=arguments.videos, **size)
        found: dict[int, list[Times]] = {1: [], 2: []}
        for number in range(arguments.rounds):
            outs = {workers: folder / f"out-{number}-{workers}" for workers in (1, 2)}
            for workers in (1, 2) if number % 2 == 0 else (2, 1):
                found[workers].append(
                    measured(folder / "model", raw / "videos", outs[workers], workers=workers)
                )
            check_equal(outs[1], outs[2])
    print_table(arguments, found)


def print_table(arguments: argparse.Namespace, found: dict[int, list[Times]]) -> None:
    print(
        f"{arguments.videos} videos of {arguments.num_frames} frames, {arguments.rounds} rounds; "
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    print("| | one worker | two workers | ratio |\n|---|---|---|---|")
    pairs = list(zip(found[1], found[2], strict=True))

    def row(what: str, values: list[tuple[float, float]]) -> None:
        ones, twos = zip(*values, strict=True)
        ratio = median(one / two for one, two in values)
        print(f"| {what} | {median(ones):.1f} s | {median(twos):.1f} s | {ratio:.2f} |")

    row("wall time", [(one.clock_s, two.clock_s) for one, two in pairs])
    row("CPU time", [(one.cpu_s, two.cpu_s) for one, two in pairs])
    for stage, what in STAGES.items():
        row(
            f"wall time: {what}", [(one.stages_s[stage], two.stages_s[stage]) for one, two in pairs]
        )
    most = median(2 * one.cpu_s / two.cpu_s for one, two in pairs)
    print(f"By the CPU time, the ratio of the wall time can be {most:.2f} at most.")


if __name__ == "__main__":
    if sys.argv[1:2] == [ONE_RUN]:
        one_run(*sys.argv[2:5], workers=int(sys.argv[5]))
    else:
        main()
