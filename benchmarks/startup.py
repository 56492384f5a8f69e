"""Compares the import time and the time to the first row of the sample with `import datasets`.

python benchmarks/startup.py
"""

import argparse
import statistics
import subprocess
import sys
import time

SCRIPTS = {
    "import datasets": "import datasets",
    "import brokenvideos": "import brokenvideos",
    "first row of sample, streaming": (
        "import brokenvideos; next(iter(brokenvideos.load('sample', split='train', "
        "streaming=True)))"
    ),
    "first row of sample with masks": (
        "import brokenvideos; brokenvideos.decode_masks(next(iter(brokenvideos.load('sample', "
        "split='train', streaming=True))))"
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {name: [] for name in SCRIPTS}
    for _ in range(rounds):
        for name, script in SCRIPTS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", script], check=True)
            times[name].append(time.perf_counter() - start)
    base = statistics.median(times["import datasets"])
    print("| process | s | relative to `import datasets` |\n|---|---|---|")
    for name, measured in times.items():
        median = statistics.median(measured)
        print(f"| {name} | {median:.2f} | {median / base:.2f} |")


if __name__ == "__main__":
    main()
