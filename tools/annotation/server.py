"""The server process of one folder, and the lock that keeps other processes away."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..page import ServerError, guarded_server, serve_until_told
from .routes import application
from .service import Service

if TYPE_CHECKING:
    import uvicorn


@contextmanager
def only_one(raw: Path) -> Iterator[None]:
    """A context in which this process holds the lock of the raw folder. The system frees it if the
    process dies.

    Raises:
        ServerError: another process holds the lock.
    """
    import fcntl  # POSIX only, where a lock ends with its process

    path = raw / ".annotate.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 32).decode() or "unknown"
            raise ServerError(
                f"{raw}: process {owner} serves it already: open the address that it has printed, "
                "or end it"
            ) from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def server_of(
    service: Service, listening: socket.socket, *, host: str, token: str, shared: Path
) -> "uvicorn.Server":
    """A server for `serve`. It ends when its `should_exit` is set.

    Args:
        shared: a folder of JavaScript modules that the page imports.
    """
    return guarded_server(
        application(service, shared=shared), listening, host=host, token=token, live=True
    )


async def serve(
    service: Service,
    server: "uvicorn.Server",
    listening: socket.socket,
    *,
    on_ready: Callable[[], None],
) -> None:
    """Serves until the server ends, then updates the raw folders.

    Args:
        on_ready: called when the page can be opened.
    """
    await service.start()
    try:
        await serve_until_told(server, listening, on_ready=on_ready)
    finally:
        await service.stop()
