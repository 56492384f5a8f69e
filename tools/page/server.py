"""The server of a page: one process at an address with a secret token."""

import asyncio
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from types import FrameType

import uvicorn

from .guard import App, Guard

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
EVERY = frozenset({"0.0.0.0", "::"})
"""Hosts that mean all addresses of this machine."""
MIN_TOKEN = 16


class ServerError(RuntimeError):
    """The server cannot be started."""


def new_token() -> str:
    """A random token."""
    return secrets.token_urlsafe(24)


def check_host(host: str, token: str | None) -> None:
    """Refuses to serve other machines by accident.

    Raises:
        ServerError: the host is not loopback and no token is given; or the token is too short, or
            has characters that an address cannot have.
    """
    if host not in LOOPBACK and token is None:
        raise ServerError(
            f"--host {host}: other machines reach this address; give a --token, and tell it only "
            "to your people"
        )
    if token is not None and (
        len(token) < MIN_TOKEN or not token.replace("-", "").replace("_", "").isalnum()
    ):
        raise ServerError(f"--token: wanted at least {MIN_TOKEN} letters, digits, - or _")


def listen(host: str, port: int) -> socket.socket:
    """A listening socket at the address; port 0 chooses a free port.

    Raises:
        ServerError: the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ServerError(
            f"--host {host} --port {port}: {error.strerror}; give another port, or 0 for a free one"
        ) from error
    return listening


def address_of(host: str, listening: socket.socket, token: str) -> str:
    """The address of the page. If all addresses are served, it has the name of this machine."""
    port = listening.getsockname()[1]
    return f"http://{_in_address(socket.gethostname() if host in EVERY else host)}:{port}/{token}/"


def hosts_of(host: str, port: int) -> Callable[[str], bool]:
    """A function that returns whether a value of `Host` names this server.

    It accepts the given host, and on loopback all names of loopback. If all addresses of the
    machine are served, it accepts the machine's name and every numeric address: an attacker can let
    a name of their own lead to this machine, but not a number.
    """
    names = {
        host,
        *(LOOPBACK if host in LOOPBACK else ()),
        *([socket.gethostname()] if host in EVERY else ()),
    }
    ours = {f"{_in_address(name)}:{port}".lower() for name in names}

    def is_ours(value: str) -> bool:
        if value in ours:
            return True
        name, _, number = value.rpartition(":")
        return (
            host in EVERY
            and number == str(port)
            and _is_number(name.removeprefix("[").removesuffix("]"))
        )

    return is_ours


def _is_number(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def guarded_server(
    app: App, listening: socket.socket, *, host: str, token: str, live: bool = False
) -> uvicorn.Server:
    """A server of `app` behind the guard. It ends when its `should_exit` is set.

    Args:
        live: whether pages open a WebSocket; this needs the package websockets.
    """
    port = listening.getsockname()[1]
    config = uvicorn.Config(
        Guard(app, token=token, is_ours=hosts_of(host, port)),
        log_level="error",
        access_log=False,  # a log of paths would contain the token
        lifespan="off",
        server_header=False,
        ws="websockets-sansio" if live else "none",
        ws_max_size=2**16,
        ws_ping_interval=10.0,
        ws_ping_timeout=20.0,
        timeout_graceful_shutdown=3,
    )
    return uvicorn.Server(config)


@contextmanager
def ended_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """A context in which SIGINT, SIGTERM and SIGHUP end the server properly, after all files are
    written.
    """

    def end(number: int, frame: FrameType | None) -> None:
        server.should_exit = (
            True  # uvicorn, which has its own handlers, raises the signal again when it has ended
        )

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def serve_until_told(
    server: uvicorn.Server, listening: socket.socket, *, on_ready: Callable[[], None]
) -> None:
    """Serves until it is told to end.

    Args:
        on_ready: called when pages can be opened.
    """
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        on_ready()
    await serving
    # Nobody would answer a connection that was accepted while the server was closing.
    await asyncio.sleep(0)
    for connection in list(server.server_state.connections):
        connection.shutdown()
    await asyncio.sleep(0)


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
