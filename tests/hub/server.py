"""The Hub as a server: which request is for which endpoint, and a thread that answers on
loopback.
"""

import re
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.hub import cas, discussions, downloading, repositories, uploading
from tests.hub.answers import words
from tests.hub.refusal import Refusal
from tests.hub.state import State, User
from tests.hub.traffic import Cut, Exchange, Message, Receive, Send, Wire

Endpoint = Callable[..., Awaitable[Response]]

_API = "/api/(model|dataset|space)s/([^/]+/[^/]+)"
_WEB = "/(datasets/|spaces/|)([^/]+/[^/]+)"
_HASH = "([0-9a-f]{64})"

ROUTES: tuple[tuple[str, str, str, Endpoint], ...] = (
    ("create-repo", "POST", "/api/repos/create", repositories.create),
    ("delete-repo", "DELETE", "/api/repos/delete", repositories.delete),
    ("whoami", "GET", "/api/whoami-v2", repositories.whoami),
    ("validate-yaml", "POST", "/api/validate-yaml", repositories.validate_yaml),
    ("settings", "PUT", f"{_API}/settings", repositories.settings),
    ("auth-check", "GET", f"{_API}/auth-check((?:/write)?)", repositories.auth_check),
    ("info", "GET", f"{_API}(?:/revision/([^/]+))?", repositories.info),
    ("tree", "GET", f"{_API}/tree/([^/]+)(?:/(.+))?", repositories.tree),
    ("paths-info", "POST", f"{_API}/paths-info/([^/]+)", repositories.paths_info),
    ("refs", "GET", f"{_API}/refs", repositories.refs),
    ("commits", "GET", f"{_API}/commits/([^/]+)", repositories.commits),
    ("create-branch", "POST", f"{_API}/branch/([^/]+)", repositories.add_branch),
    ("delete-branch", "DELETE", f"{_API}/branch/([^/]+)", repositories.delete_branch),
    ("create-tag", "POST", f"{_API}/tag/([^/]+)", repositories.add_tag),
    ("delete-tag", "DELETE", f"{_API}/tag/([^/]+)", repositories.delete_tag),
    ("super-squash", "POST", f"{_API}/super-squash/([^/]+)", repositories.super_squash),
    ("lfs-files", "GET", f"{_API}/lfs-files", repositories.lfs_files),
    ("delete-lfs-files", "POST", f"{_API}/lfs-files/batch", repositories.delete_lfs_files),
    ("create-discussion", "POST", f"{_API}/discussions", discussions.add),
    ("discussion", "GET", rf"{_API}/discussions/(\d+)", discussions.details),
    ("merge", "POST", rf"{_API}/discussions/(\d+)/merge", discussions.merge),
    ("discussion-status", "POST", rf"{_API}/discussions/(\d+)/status", discussions.change_status),
    ("preupload", "POST", f"{_API}/preupload/([^/]+)", uploading.preupload),
    ("commit", "POST", f"{_API}/commit/([^/]+)", uploading.commit),
    ("xet-token", "GET", f"{_API}/xet-(read|write)-token/([^/]+)", cas.token),
    ("lfs-batch", "POST", rf"{_WEB}\.git/info/lfs/objects/batch", uploading.lfs_batch),
    ("lfs-verify", "POST", rf"{_WEB}\.git/info/lfs/verify", uploading.lfs_verify),
    ("lfs-put", "PUT", f"/storage/upload/{_HASH}", uploading.lfs_put),
    ("lfs-part", "PUT", rf"/storage/part/{_HASH}/(\d+)", uploading.lfs_part),
    ("lfs-complete", "POST", f"/api/lfs-complete/{_HASH}", uploading.lfs_complete),
    ("resolve", "GET", f"{_WEB}/resolve/([^/]+)/(.+)", downloading.resolve),
    ("storage", "GET", f"/storage/object/{_HASH}", downloading.storage),
    ("xorb-grant", "POST", f"/cas/v1/xorb-grants/default/{_HASH}", cas.grant),
    ("xorb", "PUT", f"/storage/new-xorb/{_HASH}", cas.put_xorb),
    (
        "xorb-commit",
        "POST",
        f"/cas/v1/xorb-commits/default/{_HASH}/grant/[0-9a-f]+",
        cas.commit_xorb,
    ),
    ("newer-cas", "POST", "/cas/v2/shards", cas.not_offered),
    ("newer-cas", "GET", f"/cas/v2/reconstructions/{_HASH}", cas.not_offered),
    ("xorb", "POST", f"/cas/v1/xorbs/default/{_HASH}", cas.add_xorb),
    ("shard", "POST", "/cas(?:/v1)?/shards", cas.add_shard),
    ("find-chunk", "GET", f"/cas/v1/chunks/[a-z-]+/{_HASH}", cas.find_chunk),
    ("reconstruct", "GET", f"/cas/v1/reconstructions/{_HASH}", cas.reconstruct),
    ("xorb-bytes", "GET", f"/storage/xorb/{_HASH}", cas.xorb_bytes),
)
"""Name (for faults and counts), method, path as it is before unquoting, endpoint. A HEAD request is
a GET without the body.
"""

_COMPILED = [(name, method, re.compile(path), endpoint) for name, method, path, endpoint in ROUTES]


class App:
    """The ASGI application: finds the endpoint, lets faults happen, records the exchange."""

    def __init__(self, state: State) -> None:
        self.state = state

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        path, method = scope["raw_path"].decode(), scope["method"]
        name, endpoint, parts = _find("GET" if method == "HEAD" else method, path)
        exchange = Exchange(name, method, path)
        self.state.exchanges.append(exchange)
        wire = Wire(
            exchange, [fault for fault in self.state.faults if fault.hits(name)], receive, send
        )
        try:
            response = await self._answer(Request(scope, wire.receive), wire, endpoint, parts)
            await response(scope, wire.receive, wire.send)
        except Cut:
            return

    async def _answer(
        self, request: Request, wire: Wire, endpoint: Endpoint, parts: tuple[str, ...]
    ) -> Response:
        if (fault := await wire.before()) is not None and fault.status is not None:
            # an answer before the body has arrived would be a cut connection
            async for _ in request.stream():
                pass
            return _refuse(Refusal(fault.status, fault.message, headers=fault.headers))
        try:
            response = await endpoint(self.state, request, *parts)
        except Refusal as refusal:
            response = _refuse(refusal)
        return response


def _refuse(refusal: Refusal) -> Response:
    return JSONResponse({"error": refusal.message}, refusal.status, headers=refusal.headers)


def _find(method: str, path: str) -> tuple[str, Endpoint, tuple[str, ...]]:
    for name, wanted, pattern, endpoint in _COMPILED:
        if method == wanted and (found := pattern.fullmatch(path)):
            parts = words(*(part for part in found.groups() if part is not None))
            if pattern.pattern.startswith(_WEB):  # /datasets/x/y is a dataset, /x/y a model
                parts = (parts[0].rstrip("s/") or "model", *parts[1:])
            return name, endpoint, parts
    return "unknown", _unknown, ()


async def _unknown(state: State, request: Request) -> Response:
    raise Refusal(404, f"This Hub has no {request.method} {request.url.path}")


@contextmanager
def serving(folder: Path) -> Iterator[State]:
    """A Hub that answers on loopback until the block ends; `folder` is new and holds its bytes.

    Tokens: hf_owner may write to someone/*, hf_reader is another person, hf_readonly is someone's
    token that may only read.
    """
    state = State(folder)
    state.users = {
        "hf_owner": User("someone"),
        "hf_reader": User("reader"),
        "hf_readonly": User("someone", may_write=False),
    }
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        state.url, state.storage_url = f"http://127.0.0.1:{port}", f"http://localhost:{port}"
        quiet = {"log_level": "error", "access_log": False, "lifespan": "off", "ws": "none"}
        config = uvicorn.Config(App(state), http="h11", loop="asyncio", **quiet)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.005)
        try:
            yield state
        finally:
            server.should_exit = server.force_exit = True
            thread.join()
