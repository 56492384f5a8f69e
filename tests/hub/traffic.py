"""What goes over the wire: faults on request, and a record of every exchange."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(slots=True)
class Fault:
    """What goes wrong with requests to one endpoint.

    Attributes:
        where: the endpoint's name, or "*".
        skip: so many of its requests go well first.
        times: then so many go wrong; None: all.
        status: is answered instead of asking the endpoint, with `headers` and `message`.
        cut: the connection ends "before" the endpoint does anything, or "after" it did all and
            before the answer.
        cut_after_sent, cut_after_received: the connection ends after so many bytes of the answer,
            of the request.
        delay_s: before anything else.
        do: called first, as in another person's commit.
    """

    where: str
    skip: int = 0
    times: int | None = 1
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "Fault on request"
    cut: Literal["before", "after"] | None = None
    cut_after_sent: int | None = None
    cut_after_received: int | None = None
    delay_s: float = 0.0
    do: Callable[[], object] | None = None
    num_hits: int = 0

    def hits(self, endpoint: str) -> bool:
        """Whether this request is one to go wrong; counts it."""
        if self.where not in ("*", endpoint) or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        self.num_hits += 1
        return True


@dataclass(slots=True)
class Exchange:
    """A request and its answer; `status` None: the connection was cut before there was one. Bytes
    are those of the bodies.
    """

    endpoint: str
    method: str
    path: str
    status: int | None = None
    received_bytes: int = 0
    sent_bytes: int = 0


class Cut(Exception):  # noqa: N818  not an error: what was asked for
    """The connection is gone."""


@dataclass(slots=True)
class Wire:
    """One request's connection: counts its bytes and cuts it where a fault says so."""

    exchange: Exchange
    faults: list[Fault]
    receive_next: Receive
    send_next: Send

    def abort(self) -> None:
        # uvicorn hands an application a bound method of its request, which knows the socket.
        connection = self.send_next.__self__  # type: ignore[attr-defined]
        connection.transport.abort()
        connection.disconnected = True
        raise Cut

    async def before(self) -> Fault | None:
        """Does what comes before the endpoint; a fault that answers in its stead, if any."""
        for fault in self.faults:
            await asyncio.sleep(fault.delay_s)
            if fault.do is not None:
                fault.do()
        for fault in self.faults:
            if fault.cut == "before":
                self.abort()
        return next((fault for fault in self.faults if fault.status is not None), None)

    async def receive(self) -> Message:
        message = await self.receive_next()
        if message["type"] == "http.request":
            self.exchange.received_bytes += len(message.get("body", b""))
            limits = [
                fault.cut_after_received
                for fault in self.faults
                if fault.cut_after_received is not None
            ]
            if limits and self.exchange.received_bytes > min(limits):
                self.abort()
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if any(fault.cut == "after" for fault in self.faults):
                self.abort()
            self.exchange.status = message["status"]
        elif self.exchange.method != "HEAD":
            body = message.get("body", b"")
            limits = [
                fault.cut_after_sent for fault in self.faults if fault.cut_after_sent is not None
            ]
            if limits and self.exchange.sent_bytes + len(body) > min(limits):
                kept = body[: min(limits) - self.exchange.sent_bytes]
                self.exchange.sent_bytes += len(kept)
                await self.send_next({**message, "body": kept, "more_body": True})
                connection = self.send_next.__self__  # type: ignore[attr-defined]
                connection.transport.close()  # what was written goes out first
                connection.disconnected = True
                raise Cut
            self.exchange.sent_bytes += len(body)
        await self.send_next(message)
