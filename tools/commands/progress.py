"""How long work shows itself: a bar on a terminal, a plain line per step elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A callback (step, done, total) that draws to standard error until the block ends."""
    from tqdm import tqdm  # loaded with the work, not with the command line

    bars: dict[str, tqdm[None]] = {}
    terminal = sys.stderr.isatty()

    def show(step: str, done: int, total: int) -> None:
        if not terminal:
            if done == total:
                print(f"{step}: {done} of {total}", file=sys.stderr, flush=True)
            return
        bar = bars.setdefault(step, tqdm(total=total, desc=step, unit="", file=sys.stderr))
        bar.update(done - bar.n)

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.close()
