"""The record of an engine."""

from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Engine:
    """A place where tasks run.

    open: (workers, address, device) → an executor while the block lasts; None runs the tasks in
        this process. `address` is None unless `takes_address`. `device` is "cpu" or "cuda": where
        tasks compute.
    takes_address: whether the engine is a service that is there already, and is joined.
    """

    open: Callable[[int, str | None, str], AbstractContextManager[Executor | None]]
    takes_address: bool = False
