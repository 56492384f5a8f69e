"""Protects the server: a request needs the right address, the token, and its own page as origin.
Others get 403.
"""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_BODY_BYTES = 64 * 2**20
"""Largest body of a request in bytes. A mask of an 8K frame is smaller, and there are no
uploads.
"""
POLICY = "; ".join(
    [
        *(
            "default-src 'self'",
            "img-src 'self' blob: data:",
            "style-src 'self'",
            "connect-src 'self'",
        ),
        *("frame-ancestors 'none'", "base-uri 'none'"),
    ]
)
"""The page loads nothing from other servers, and no other page can embed it."""


class Guard:
    """An ASGI application that checks requests before another application gets them.

    The first part of every path must be the token. `Host` must be the served address, so that
    another name that resolves to this machine gets nothing. If the browser sends `Origin`, it must
    be this address too.
    """

    def __init__(self, app: App, *, token: str, is_ours: Callable[[str], bool]) -> None:
        """
        Args:
            is_ours: returns whether a value of `Host`, as in 127.0.0.1:8000 and in lower case, is
                served.
        """
        self._app = app
        self._token = token
        self._is_ours = is_ours

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        trouble = self._trouble(scope)
        if trouble is not None:
            await _refuse(scope, send, trouble)
            return
        inner = dict(scope)
        inner["root_path"] = f"{scope.get('root_path', '')}/{self._token}"
        inner["path"] = scope["path"]
        await self._app(inner, receive, _with_headers(send))

    def _trouble(self, scope: Scope) -> str | None:
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        host = headers.get(b"host", [])
        if len(host) != 1 or not self._is_ours(host[0].decode("latin-1").lower()):
            return "another host name"
        origins = headers.get(b"origin", [])
        if any(origin.lower() != b"http://" + host[0].lower() for origin in origins):
            return "a page of another origin"
        if scope["type"] == "websocket" and not origins:
            return "no origin"
        first = scope["path"].split("/")[1] if scope["path"].startswith("/") else ""
        if not secrets.compare_digest(first.encode(), self._token.encode()):
            return "no token, or a wrong one; open the address that the command printed"
        length = headers.get(b"content-length", [b"0"])
        if not length[0].isdigit() or int(length[0]) > MAX_BODY_BYTES:
            return "a body that is too large"
        return None


async def _refuse(scope: Scope, send: Send, trouble: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 4403, "reason": trouble})
        return
    body = f"403: {trouble}\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _with_headers(send: Send) -> Send:
    more = [
        (b"content-security-policy", POLICY.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),  # the token is part of the address
        (b"cross-origin-resource-policy", b"same-origin"),
    ]

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), *more]}
        await send(message)

    return sending
