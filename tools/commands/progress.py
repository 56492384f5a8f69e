"""How long work shows itself: a bar on a terminal; elsewhere a plain line per step, and every 30 s of a long one."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LINE_EVERY_S = 30


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A callback (step, done, total) that draws to standard error until the block ends."""
    from tqdm import tqdm  # loaded with the work, not with the command line

    bars: dict[str, tqdm[None]] = {}
    terminal = sys.stderr.isatty()
    said_s = time.monotonic()

    def show(step: str, done: int, total: int) -> None:
        nonlocal said_s
        if not terminal:
            if done == total or time.monotonic() - said_s >= LINE_EVERY_S:
                said_s = time.monotonic()
                print(f"{step}: {done} of {total}", file=sys.stderr, flush=True)
            return
        bar = bars.setdefault(step, tqdm(total=total, desc=step, unit="", file=sys.stderr))
        bar.update(done - bar.n)

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.close()
