"""Runs tasks on an existing Ray cluster."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib.util import find_spec

from .engine import Engine


@contextmanager
def _open(workers: int, address: str | None, device: str) -> Iterator[Executor]:
    if find_spec("ray") is None:
        raise ValueError("--engine ray needs ray. Install it in a checkout: pip install '.[ray]'.")
    from ..ray_executor import RayExecutor

    with RayExecutor(str(address)) as cluster:
        yield cluster


ENGINE = Engine(_open, takes_address=True)
