"""What a page asks its server, without a browser."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PATIENCE_S = 100


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def error(self) -> tuple[int, str, str]:
        found = self.json["error"]
        return self.status, found["code"], found["message"]


def ask(
    address: str,
    path: str,
    body: object = None,
    *,
    method: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The server's answer.

    Args:
        address: of the page.
        path: below it, or from the root where it begins with a slash.
        body: for JSON; with one, a POST is sent where no `method` is given.
    """
    where = urlsplit(address)
    assert where.hostname is not None
    connection = http.client.HTTPConnection(where.hostname, where.port, timeout=PATIENCE_S)
    try:
        data = None if body is None else json.dumps(body).encode()
        target = path if path.startswith("/") else where.path + path
        connection.request(
            method or ("GET" if body is None else "POST"), target, data, dict(headers or {})
        )
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    finally:
        connection.close()
