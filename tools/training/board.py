"""Logs the figures of a run for TensorBoard."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

Note = Callable[[Mapping[str, float], int], None]


@contextmanager
def board(folder: Path, *, step: int, writes: bool) -> Iterator[Note]:
    """A function (figures by tag, step) that logs into `folder`. Entries of an interrupted run from
    `step` on are removed.

    Args:
        writes: True in exactly one process; the function of the others logs nothing.
    """
    if not writes:
        yield lambda figures, at: None
        return
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder), purge_step=step)

    def note(figures: Mapping[str, float], at: int) -> None:
        for tag, value in figures.items():
            writer.add_scalar(tag, value, at)

    try:
        yield note
    finally:
        writer.close()
