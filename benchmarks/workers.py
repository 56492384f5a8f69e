"""Any `brokenvideos` command with one worker and with two, in turn.

    OMP_NUM_THREADS=1 python benchmarks/workers.py [--rounds N] -- evaluate truth pred -o OUT

OUT in the command is a new name below a temporary folder in each run. Every round runs the command
with 1 and with 2 workers, in an order that turns. Printed are medians over rounds: seconds on the
clock and of the processor, and the ratio of the clock within a round. On a busy machine the clock
measures the others too, and two workers more than one.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from statistics import median

from predict import adopt_orphans, run_timed


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("command", nargs="+", help="without `brokenvideos` and without --workers")
    arguments = parser.parse_args()
    adopt_orphans()
    times_by_workers: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.rounds):
            for workers in (1, 2) if number % 2 == 0 else (2, 1):
                out = str(Path(folder) / f"{number}-{workers}")
                words = [out if word == "OUT" else word for word in arguments.command]
                command = [
                    str(Path(sys.executable).parent / "brokenvideos"),
                    *words,
                    "--workers",
                    str(workers),
                ]
                _, clock_s, cpu_s = run_timed(command)
                times_by_workers[workers].append((clock_s, cpu_s))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print("| workers | clock | processor |\n|---|---|---|")
    for workers, times in times_by_workers.items():
        print(
            f"| {workers} | {median(clock for clock, _ in times):.1f} s | "
            f"{median(cpu for _, cpu in times):.1f} s |"
        )
    print(
        f"| ratio | {median(one[0] / two[0] for one, two in zip(times_by_workers[1], times_by_workers[2], strict=True)):.2f} | |"
    )


if __name__ == "__main__":
    main()
