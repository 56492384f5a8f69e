"""An executor for an existing Ray cluster, because `ray` has no `concurrent.futures.Executor`."""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import ParamSpec, TypeVar

import ray

P = ParamSpec("P")
Result = TypeVar("Result")

MAX_RETRIES = 3
"""Number of retries of a task whose worker or node is lost; Ray counts them."""


class RayExecutor(Executor):
    """Submits tasks to a cluster. It joins the cluster on entry and leaves it on shutdown; it never
    starts or stops one.

    Every node needs this package and its libraries in the same versions, and the raw folder and the
    output under the same paths.
    """

    def __init__(self, address: str) -> None:
        ray.init(address=address, log_to_driver=False, logging_level="error")

    def submit(
        self, fn: Callable[P, Result], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[Result]:
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
        error,
        ray.exceptions.WorkerCrashedError
        | ray.exceptions.NodeDiedError
        | ray.exceptions.OutOfMemoryError,
    ):
        future.set_exception(BrokenExecutor(str(error)))
    elif isinstance(error, ray.exceptions.RayTaskError):
        future.set_exception(error.cause or error)
    elif error is not None:
        future.set_exception(error)
    else:
        future.set_result(done.result())
