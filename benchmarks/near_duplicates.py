"""Measures the time to find near-duplicates among many videos.

    python benchmarks/near_duplicates.py [--videos 3254 300000]

Prints Markdown rows. The hashes are random. The bits of "even" hashes are independent. "alike"
hashes are harder, as those of real videos: the four frames of a video agree in most bits, a third
of the videos have black bars, and two fifths have a sky without texture. One video in a hundred is
a near-duplicate of another.
"""

import argparse
import time

import numpy as np
import numpy.typing as npt

from brokenvideos.builder.plan.near_duplicates import near_duplicate_groups


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, nargs="+", default=[3_254, 30_000, 300_000])
    print("| hashes | videos | CPU s | groups |\n|---|---|---|---|")
    for number in parser.parse_args().videos:
        for name, make in (("even", even), ("alike", alike)):
            hashes = [bits.tobytes().hex() for bits in with_near_duplicates(make(number))]
            start = time.process_time()
            labels = near_duplicate_groups(hashes)
            seconds = time.process_time() - start
            print(
                f"| {name} | {number} | {seconds:.1f} | {(np.bincount(labels) > 1).sum()} |",
                flush=True,
            )


def even(number: int) -> npt.NDArray[np.bool_]:
    """bool[number, 4, 64]."""
    return np.random.default_rng(0).random((number, 4, 64), dtype=np.float32) < 0.5


def alike(number: int) -> npt.NDArray[np.bool_]:
    """bool[number, 4, 64]."""
    random = np.random.default_rng(0)
    first = random.random((number, 1, 64), dtype=np.float32) < 0.45
    bits = (first ^ (random.random((number, 4, 64), dtype=np.float32) < 0.2)).reshape(
        number, 4, 8, 8
    )
    barred, under_sky = random.random(number) < 0.33, random.random(number) < 0.4
    bits[:, :, [0, 7]] &= ~barred[:, None, None, None]
    bits[:, :, :4] &= ~under_sky[:, None, None, None] | (
        random.random((number, 4, 4, 8), dtype=np.float32) < 0.15
    )
    return bits.reshape(number, 4, 64)


def with_near_duplicates(bits: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """uint8[number, 32]: one hash in a hundred is a copy of another, with up to five bits changed
    in every frame.
    """
    random = np.random.default_rng(1)
    source, target = random.integers(0, len(bits), (2, len(bits) // 100))
    changed = bits[source].copy()
    for copy in changed:
        for frame in copy:
            frame[random.permutation(64)[: random.integers(0, 6)]] ^= True
    bits[target] = changed
    return np.packbits(bits.reshape(len(bits), -1), axis=1)


if __name__ == "__main__":
    main()
