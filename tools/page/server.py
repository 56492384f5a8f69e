"""The server of a page: one process, one address that nobody else can use."""

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
"""All addresses of this machine."""
MIN_TOKEN = 16


class ServerError(RuntimeError):
    """The server cannot be started; says what to do."""


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(24)


def check_host(host: str, token: str | None) -> None:
    """Refuses to serve other machines by accident.

    Raises:
        ServerError: another host than loopback and no token of one's own, or one that is easily guessed or no part of an address.
    """
    if host not in LOOPBACK and token is None:
        raise ServerError(
            f"--host {host}: other machines reach this address; state a --token for it, and tell it to your people"
        )
    if token is not None and (len(token) < MIN_TOKEN or not token.replace("-", "").replace("_", "").isalnum()):
        raise ServerError(f"--token: wanted at least {MIN_TOKEN} letters, digits, - or _")


def listen(host: str, port: int) -> socket.socket:
    """A socket at the address; port 0 takes a free one.

    Raises:
        ServerError: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise ServerError(
            f"--host {host} --port {port}: {error.strerror}; name another port, or 0 for a free one"
        ) from error
    return found


def address_of(host: str, listening: socket.socket, token: str) -> str:
    """The address of the page; where all addresses are served, with the name of this machine."""
    port = listening.getsockname()[1]
    return f"http://{_in_address(socket.gethostname() if host in EVERY else host)}:{port}/{token}/"


def hosts_of(host: str, port: int) -> Callable[[str], bool]:
    """Whether a value of `Host` names this server: the host that was given, on loopback by all of its names.

    Where every address of the machine is served, so are its name and every address in numbers: a page elsewhere can have a name of
    its own lead here, never a number.
    """
    names = {host, *(LOOPBACK if host in LOOPBACK else ()), *([socket.gethostname()] if host in EVERY else ())}
    ours = {f"{_in_address(name)}:{port}".lower() for name in names}

    def is_ours(value: str) -> bool:
        if value in ours:
            return True
        name, _, number = value.rpartition(":")
        return host in EVERY and number == str(port) and _is_number(name.removeprefix("[").removesuffix("]"))

    return is_ours


def _is_number(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def guarded_server(app: App, listening: socket.socket, *, host: str, token: str, live: bool = False) -> uvicorn.Server:
    """A server of `app` for those who know the token; it ends when its `should_exit` is set.

    Args:
        live: whether pages hold a WebSocket to it; needs websockets.
    """
    port = listening.getsockname()[1]
    config = uvicorn.Config(
        Guard(app, token=token, is_ours=hosts_of(host, port)),
        log_level="error",
        access_log=False,  # it would hold the token
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
    """Has SIGINT, SIGTERM and SIGHUP end the server in order: what was saved is in the raw folders then."""

    def end(number: int, frame: FrameType | None) -> None:
        server.should_exit = True  # uvicorn, which has its own handlers, raises the signal again when it has ended

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def serve_until_told(server: uvicorn.Server, listening: socket.socket, *, on_ready: Callable[[], None]) -> None:
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
    # A connection that was accepted while the server closed has nobody to answer it.
    await asyncio.sleep(0)
    for connection in list(server.server_state.connections):
        connection.shutdown()
    await asyncio.sleep(0)


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host
