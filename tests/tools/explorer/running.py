"""A server of explore in a thread of this process, and what a page asks it."""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brokenvideos.tools.explorer.routes import application
from brokenvideos.tools.explorer.run import ExploreOptions, make_service
from brokenvideos.tools.explorer.service import Service
from brokenvideos.tools.page import address_of, guarded_server, listen, serve_until_told
from tests.tools.page.asking import Answer, ask

TOKEN = "t0ken-t0ken-t0ken"
PATIENCE_S = 100


@dataclass
class Running:
    address: str
    service: Service

    @classmethod
    @contextmanager
    def on(cls, source: str | Path, *others: Path) -> "Iterator[Running]":
        service = make_service(ExploreOptions(source=str(source), others=others))
        with listen("127.0.0.1", 0) as listening:
            server = guarded_server(application(service), listening, host="127.0.0.1", token=TOKEN)
            ready = threading.Event()
            thread = threading.Thread(
                target=lambda: asyncio.run(serve_until_told(server, listening, on_ready=ready.set))
            )
            thread.start()
            try:
                assert ready.wait(100)
                yield cls(address_of("127.0.0.1", listening, TOKEN), service)
            finally:
                server.should_exit = True
                thread.join(100)
                service.stop()

    def ask(
        self, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
    ) -> Answer:
        return ask(self.address, path, method=method, headers=headers)

    def measured(self) -> dict[str, Any]:
        """Waits until everything is measured."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            told: dict[str, Any] = self.ask("api/measured").json
            if told["done"]:
                return told
            time.sleep(0.1)
        raise AssertionError("not measured in time")


def columns(entries: Sequence[Sequence[Any]], fields: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Measured entries as dicts, by video_id."""
    return {entry[0]: dict(zip(fields, entry, strict=True)) for entry in entries}
