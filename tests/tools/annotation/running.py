"""A server of annotate in a thread, and people who talk to it as the page does."""

import asyncio
import itertools
import json
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from brokenvideos.tools.annotation.folder import open_folder
from brokenvideos.tools.annotation.server import only_one, serve, server_of
from brokenvideos.tools.annotation.service import Service
from brokenvideos.tools.annotation.store import Store
from brokenvideos.tools.page import MODULES, address_of, listen
from tests.tools.annotation.copying_engine import CopyingEngine
from tests.tools.page.asking import Answer, ask

HEIGHT, WIDTH, FRAMES = 24, 32, 12
TOKEN = "t0ken-t0ken-t0ken"
_ids = itertools.count()


@dataclass
class Running:
    address: str
    raw: Any
    service: Service
    engines: list[CopyingEngine]

    @classmethod
    @contextmanager
    def on(cls, folder, *, out=None, engine=CopyingEngine, subtypes=None, proposals=None, **how):
        found = open_folder(folder, out, **how)
        engines: list[CopyingEngine] = []

        def make():
            engines.append(engine())
            return engines[-1]

        with ExitStack() as stack:
            stack.enter_context(only_one(found.raw))
            store = Store(found, proposals=proposals)
            facts = {"engine": "copying"}
            service = Service(
                store,
                make,
                engine_name="copying",
                engine_facts=facts,
                subtypes=subtypes or {},
                user="Ada",
            )
            listening = stack.enter_context(listen("127.0.0.1", 0))
            server = server_of(service, listening, host="127.0.0.1", token=TOKEN, shared=MODULES)
            ready = threading.Event()
            thread = threading.Thread(
                target=lambda: asyncio.run(serve(service, server, listening, on_ready=ready.set))
            )
            thread.start()
            try:
                assert ready.wait(100)
                yield cls(address_of("127.0.0.1", listening, TOKEN), found.raw, service, engines)
            finally:
                server.should_exit = True
                thread.join(100)

    def ask(self, path, body=None, *, method=None, headers=None) -> Answer:
        return ask(self.address, path, body, method=method, headers=headers)

    def person(self, name, video_id=None):
        session = self.ask("api/hello", {"user": name}).json["session"]
        somebody = Person(self, name, session)
        if video_id is not None:
            somebody.open(video_id)
        return somebody

    @contextmanager
    def listening(self, person):
        """What a person's page is told in the meantime."""
        from websockets.sync.client import connect

        where = urlsplit(self.address)
        told: list[dict[str, Any]] = []
        address = f"ws://{where.netloc}{where.path}live?session={person.session}"
        with connect(address, origin=f"http://{where.netloc}") as line:
            assert json.loads(line.recv(10))["type"] == "hello"
            yield told
            # what was sent before is there by then
            self.ask(f"api/video/{person.video_id}?session={person.session}")
            try:
                while True:
                    told.append(json.loads(line.recv(0.5)))
            except TimeoutError:
                pass

    def written(self):
        """Waits until the raw folders are up to date."""
        self.service.raw_writer.wait()
        return self.raw


@dataclass
class Person:
    server: Running
    name: str
    session: str
    video_id: str = ""
    state: dict[str, Any] = field(default_factory=dict)

    def get(self, path) -> Answer:
        return self.server.ask(f"{path}{'&' if '?' in path else '?'}session={self.session}")

    def post(self, path, **body) -> Answer:
        return self.server.ask(path, {"session": self.session, **body})

    def look(self, video_id=None):
        """The state of the video, as it is now."""
        self.video_id = video_id or self.video_id
        answer = self.get(f"api/video/{self.video_id}")
        assert answer.status == 200, answer.content
        self.state = answer.json
        return self.state

    def open(self, video_id):
        """Looks at a video and takes its lock."""
        self.look(video_id)
        answer = self.post(f"api/video/{video_id}/lock")
        assert answer.status == 200, answer.content
        return self.look()

    def try_to(self, action, *, id=None, revision=None, **fields) -> Answer:
        revision = self.state["revision"] if revision is None else revision
        request = {
            "id": id or f"a-{next(_ids)}",
            "revision": revision,
            "action": {"action": action, **fields},
        }
        return self.post(f"api/video/{self.video_id}/do", **request)

    def do(self, action, **fields):
        """Does something that works; the state is the newest after it."""
        answer = self.try_to(action, **fields)
        assert answer.status == 200, answer.content
        self.look()
        return answer.json

    def box(self, object_id, frame_index, *box):
        return self.do(
            "prompt",
            object_id=object_id,
            frame_index=frame_index,
            clicks=[],
            box=list(box),
            keep_mask=False,
        )

    def propagate(self, object_id, first, last):
        """Propagates and waits for the end."""
        self.do("propagate", object_ids=[object_id], first=first, last=last)
        while self.look()["job"] is not None:
            pass
        return self.state

    def masks(self):
        return {(object_id, frame): mask for object_id, frame, mask in self.state["masks"]}
