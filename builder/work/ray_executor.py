"""Tasks on a Ray cluster that is there already: `ray` knows no `concurrent.futures.Executor`."""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import ParamSpec, TypeVar

import ray

P = ParamSpec("P")
Result = TypeVar("Result")

MAX_RETRIES = 3
"""Of a task whose worker or node is lost; Ray counts them."""


class RayExecutor(Executor):
    """Submits to a cluster, which is joined on entry and left on shutdown, never started or stopped.

    Every node needs this package in the same versions, and the raw folder and the output under the same paths.
    """

    def __init__(self, address: str) -> None:
        ray.init(address=address, log_to_driver=False, logging_level="error")

    def submit(self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs) -> Future[Result]:
        task = ray.remote(max_retries=MAX_RETRIES)(fn)
        future: Future[Result] = Future()
        future.set_running_or_notify_cancel()
        task.remote(*args, **kwargs).future().add_done_callback(lambda done: _pass_on(done, future))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        ray.shutdown()


def _pass_on(done: Future[Result], future: Future[Result]) -> None:
    error = done.exception()
    if isinstance(
        error, ray.exceptions.WorkerCrashedError | ray.exceptions.NodeDiedError | ray.exceptions.OutOfMemoryError
    ):
        future.set_exception(BrokenExecutor(str(error)))
    elif isinstance(error, ray.exceptions.RayTaskError):
        future.set_exception(error.cause or error)
    elif error is not None:
        future.set_exception(error)
    else:
        future.set_result(done.result())
