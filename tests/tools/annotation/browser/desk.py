"""A running `brokenvideos annotate`, and people at its page: their hands on the picture, their eyes
on what it shows.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.warm import Program, Warm

if TYPE_CHECKING:
    from playwright.sync_api import Page, WebSocketRoute

START_S = PATIENCE_S = 100


@dataclass
class Server:
    """A server in a process of its own. `start` again after `kill` serves the same folder at the
    same address.
    """

    folder: Path
    raw: Path
    warm: Warm
    options: Sequence[str] = ()
    address: str = ""
    process: Program | None = None
    said: list[str] = field(default_factory=list)

    def start(self) -> None:
        command = [
            sys.executable,
            "-c",
            "from brokenvideos.tools.commands.main import main; main()",
            "annotate",
        ]
        command += [str(self.folder), "--out", str(self.raw), "--no-browser", *self.options]
        match = re.match(r"http://[^/]+:(\d+)/([^/]+)/", self.address)
        command += ["--port", match[1], "--token", match[2]] if match else ["--port", "0"]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        self.process = self.warm.start_talking(command, env=environment)
        found = threading.Event()
        threading.Thread(target=self._listen, args=(self.process, found), daemon=True).start()
        if not found.wait(START_S) or self.process.poll() is not None:
            raise AssertionError(f"the server did not start: {self.said}")

    def _listen(self, process: Program, found: threading.Event) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.said.append(line.rstrip())
                address = re.search(r"http://[^/\s]+:\d+/[^/\s]+/", line)
                if address:
                    self.address = address[0]
                    found.set()
        found.set()

    def kill(self) -> None:
        """SIGKILL: nothing is tidied up."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()


@contextmanager
def serving(folder: Path, raw: Path, *options: str, warm: Warm) -> Iterator[Server]:
    """A server on a folder of videos, until the end of the block."""
    server = Server(folder, raw, warm, options)
    try:
        server.start()
        yield server
    finally:
        server.stop()


class Person:
    """Somebody at a page: what they see of one video, and what they do with mouse and keys."""

    def __init__(self, page: "Page", server: Server, name: str) -> None:
        self.page, self.server, self.name = page, server, name
        self._size = (0, 0, 0)

    def open(self, video_id: str) -> None:
        """Opens a video and goes to its first frame. (The page itself begins with the first one
        that was not seen.)
        """
        self.page.goto(f"{self.server.address}#video/{video_id}")
        self.page.wait_for_selector("#picture-box[data-frame]:not([data-frame=''])")
        self.settled()
        state = self.state()
        self._size = (state["height"], state["width"], state["rotation"])
        self.press("Home")
        self.at_frame(0)

    def settled(self, timeout_ms: float = 60_000) -> None:
        """Waits until everything that was done is saved."""
        self.page.wait_for_selector("#saving[data-state=saved]", timeout=timeout_ms)

    def press(self, *keys: str) -> None:
        """Presses keys, which lead nowhere while a video is being opened."""
        self.page.wait_for_selector("body:not(.loading)")
        for key in keys:
            self.page.keyboard.press(key)

    def at_frame(self, frame: int) -> None:
        """Waits until this frame is on show."""
        self.page.wait_for_selector(f"#picture-box[data-frame='{frame}']")

    def go_to(self, frame: int) -> None:
        self.press("j")
        self.page.keyboard.type(str(frame))
        self.press("Enter")
        self.at_frame(frame)

    def state(self) -> dict[str, Any]:
        """The video as the server tells this person."""
        return self._get(f"api/video/{self._video_id()}")

    def project(self) -> dict[str, Any]:
        """The folder and its videos as the server tells this person."""
        return self._get("api/project")

    def _video_id(self) -> str:
        return str(self.page.evaluate("() => location.hash")).removeprefix("#video/")

    def _get(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.page.evaluate(
            """async (path) => {
                 const {get} = await import(new URL("page/api.js", location.href).href);
                 return get(path);
               }""",
            path,
        )
        return answer

    def masks(self, object_id: int = 1) -> dict[int, dict[str, Any]]:
        """The masks of an object by frame."""
        return {frame: mask for found, frame, mask in self.state()["masks"] if found == object_id}

    def on_screen(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the decoded grid lies on the screen, as long as the whole picture is
        shown.
        """
        box = self.page.locator("#picture").bounding_box()
        assert box is not None
        height, width, turned = self._size
        upright = {
            0: (x, y),
            90: (height - y, x),
            180: (width - x, height - y),
            270: (y, width - x),
        }[turned]
        if turned % 180:
            height, width = width, height
        scale = min((box["width"] - 16) / width, (box["height"] - 16) / height, 64)
        left = box["x"] + (box["width"] - width * scale) / 2
        top = box["y"] + (box["height"] - height * scale) / 2
        return left + upright[0] * scale, top + upright[1] * scale

    def click(self, x: float, y: float, **how: Any) -> None:
        self.page.mouse.click(*self.on_screen(x, y), **how)

    def drag(self, *points: tuple[float, float]) -> None:
        """Draws with the button held down from point to point of the picture."""
        # What was shown or hidden before may still move the picture.
        self.page.evaluate(
            "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )
        places = [self.on_screen(*point) for point in points]
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place, steps=6)
        self.page.mouse.up()

    def box(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Draws a box and waits for the engine's answer."""
        with self.saves(1 + self._is_first()):
            self.press("b")
            self.drag((x0, y0), (x1, y1))

    def brush(self, *points: tuple[float, float]) -> None:
        """One stroke of the brush, saved."""
        with self.saves(1 + self._is_first()):
            self.press("d")
            self.drag(*points)

    def _is_first(self) -> bool:
        return not self.state()["objects"]  # the first mark adds an object

    @contextmanager
    def saves(self, changes: int = 1) -> Iterator[None]:
        """Waits until the server has so many changes more than before the block, and the page knows
        that they are saved. Frames that are seen meanwhile do not count.
        """
        before = self.num_changes()
        yield
        limit = time.monotonic() + PATIENCE_S
        while self.num_changes() < before + changes:
            assert time.monotonic() < limit, (self.toasts(), self.facts())
            self.page.wait_for_timeout(30)
        self.settled()

    def num_changes(self) -> int:
        """How often the video was changed, without frames that were seen."""
        events = self._get(f"api/video/{self._video_id()}/log")["events"]
        return sum(event["type"] not in ("start", "engine", "seen") for event in events)

    def facts(self) -> dict[str, Any]:
        """What explains why nothing was saved."""
        state = self.state()
        keys = ("revision", "objects", "lock", "status", "locked", "job")
        return {key: state[key] for key in keys} | {"banner": self.page.inner_text("#banner")}

    def has_seen(self, *ranges: list[int]) -> None:
        """Waits until the server knows that exactly these frames were seen."""
        limit = time.monotonic() + PATIENCE_S
        while self.state()["seen"] != list(ranges):
            assert time.monotonic() < limit, self.state()["seen"]
            self.page.wait_for_timeout(100)

    def propagated(self) -> None:
        """Waits until the engine has propagated what it was asked to, and the page knows it."""
        limit = time.monotonic() + PATIENCE_S
        while (self.state()["job"] or {}).get("state") == "running":
            assert time.monotonic() < limit
            self.page.wait_for_timeout(100)
        self.page.wait_for_selector("#panel progress", state="detached")
        self.settled()

    def leave(self) -> None:
        """Goes to the list of videos, and waits until others can take the video."""
        self.page.click("#home")
        self.page.wait_for_selector("#videos:visible")
        self.left()

    def left(self) -> None:
        """Waits until the server knows that this person's page holds no video."""
        limit = time.monotonic() + PATIENCE_S
        while any(video["holder_is_me"] for video in self.project()["videos"]):
            assert time.monotonic() < limit
            self.page.wait_for_timeout(30)

    def toasts(self) -> list[str]:
        return self.page.locator(".toast span").all_inner_texts()

    def says(self, text: str) -> None:
        """Waits until the page says this in a message."""
        self.page.wait_for_selector(f".toast:has-text({text!r})")

    def pixels(self, points: Sequence[tuple[float, float]]) -> list[tuple[int, int, int]]:
        """What the canvas shows at points of the decoded grid, as long as the whole picture is
        shown.
        """
        box = self.page.locator("#picture").bounding_box()
        assert box is not None
        places = [
            (x - box["x"], y - box["y"]) for x, y in (self.on_screen(*point) for point in points)
        ]
        found = self.page.evaluate(
            """(places) => {
                 const canvas = document.querySelector("#picture");
                 const context = canvas.getContext("2d");
                 return places.map(([x, y]) => [...context.getImageData(Math.floor(x), Math.floor(y), 1, 1).data].slice(0, 3));
               }""",
            places,
        )
        return [tuple(pixel) for pixel in found]


class Live:
    """What the server tells a page while it is open. Of the kinds in `late` it stays here until
    `comes`.
    """

    def __init__(self, person: Person, *late: str) -> None:
        self._person, self._late, self._held = person, set(late), list[str]()
        self.open = False
        person.page.route_web_socket("**/live?*", self._connect)

    def _connect(self, page: "WebSocketRoute") -> None:
        self._page = page
        page.connect_to_server().on_message(self._hear)

    def _hear(self, message: str | bytes) -> None:
        self.open = True
        if json.loads(message)["type"] in self._late:
            self._held.append(str(message))
        else:
            self._page.send(message)

    def connected(self) -> None:
        """Opens the list of videos, and waits until the page hears the server."""
        self._person.page.goto(self._person.server.address)
        while not self.open:
            self._person.page.wait_for_timeout(30)

    def held(self) -> list[dict[str, Any]]:
        return [json.loads(message) for message in self._held]

    def comes(self, number: int) -> None:
        """The next messages reach the page."""
        for message in self._held[:number]:
            self._page.send(message)
        del self._held[:number]

    def says(self, message: dict[str, Any]) -> None:
        """A message of our own to the page."""
        self._page.send(json.dumps(message))


def written(raw: Path, video_id: str) -> dict[str, Any]:
    """The raw folder's line of a video once all that is in its log is written there, which takes a
    moment.
    """
    log, mark = raw / "events" / f"{video_id}.jsonl", raw / "events" / f"{video_id}.written.json"
    limit = time.monotonic() + PATIENCE_S
    while not mark.exists() or json.loads(mark.read_bytes())["revision"] < log.read_bytes().count(
        b"\n"
    ):
        assert time.monotonic() < limit, mark
        time.sleep(0.1)
    lines = [json.loads(line) for line in (raw / "videos.jsonl").read_text().splitlines()]
    (found,) = [line for line in lines if line["video_id"] == video_id]
    return dict(found)
