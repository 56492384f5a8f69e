"""Progress of long work: a bar on a terminal; elsewhere a plain line every 30 s and after each
step.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

LINE_EVERY_S = 30.0


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """A context with a callback (step, done, total) that shows progress on standard error.

    `step` names a part of the work; `done` of its `total` items are finished.
    """
    with _bars() if sys.stderr.isatty() else _lines() as show:
        yield show


@contextmanager
def _bars() -> Iterator[Callable[[str, int, int], None]]:
    from tqdm import tqdm  # loaded with the work, not with the command line

    bars: dict[str, tqdm[None]] = {}

    def show(step: str, done: int, total: int) -> None:
        bar = bars.setdefault(step, tqdm(total=total, desc=step, unit="", file=sys.stderr))
        bar.update(done - bar.n)

    try:
        yield show
    finally:
        for bar in bars.values():
            bar.close()


@contextmanager
def _lines() -> Iterator[Callable[[str, int, int], None]]:
    stderr, latest, ended = sys.stderr, [""], Event()

    def show(step: str, done: int, total: int) -> None:
        latest[0] = "" if done == total else f"{step}: {done} of {total}"
        if done == total:
            print(f"{step}: {done} of {total}", file=stderr, flush=True)

    def repeat_latest() -> None:
        # one long video may take minutes without a new call of show
        while not ended.wait(LINE_EVERY_S):
            if latest[0]:
                print(latest[0], file=stderr, flush=True)

    thread = Thread(target=repeat_latest, daemon=True)
    thread.start()
    try:
        yield show
    finally:
        ended.set()
        thread.join()
