"""Measures how fast the page of annotate steps through a 720p video, and the memory of its server.

    python benchmarks/annotate_page.py

Needs Chromium and playwright. Prints Markdown rows. The browser draws every 16.7 ms; the times
include this.
"""

import argparse
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page, sync_playwright

from brokenvideos.frames import encode_video
from tests.tools.annotation.browser.desk import Person, Server

STEP = """async ([key, steps, pause]) => {
  const box = document.querySelector("#picture-box");
  const picture = document.querySelector("#picture");
  const times = [];
  for (let step = 0; step < steps; step++) {
    const before = box.dataset.frame;
    const from = performance.now();
    picture.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
    await new Promise((done) => {
      const look = () => (box.dataset.frame === before ? requestAnimationFrame(look) : done());
      look();
    });
    times.push(performance.now() - from);
    await new Promise((done) => setTimeout(done, pause));
  }
  return times;
}"""

JUMP = """async (frames) => {
  const box = document.querySelector("#picture-box");
  const field = document.querySelector("#go-to");
  const times = [];
  for (const frame of frames) {
    const from = performance.now();
    field.value = frame;
    field.dispatchEvent(new Event("change", {bubbles: true}));
    await new Promise((done) => {
      const look = () => (Number(box.dataset.frame) === frame ? done() : requestAnimationFrame(look));
      look();
    });
    times.push(performance.now() - from);
    await new Promise((done) => setTimeout(done, 150));
  }
  return times;
}"""


class Processes:
    """Starts processes of their own, because the fork of a test would share memory with others."""

    def start_talking(
        self, command: Sequence[str], *, env: Mapping[str, str]
    ) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=150)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "videos"
        folder.mkdir()
        encode_video(folder / "long.mp4", pictures(arguments.frames), fps=24)
        server = Server(folder, Path(work) / "raw", Processes())
        server.start()
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox"]
                )
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                measure(page, server, steps=arguments.steps, frames=arguments.frames)
                browser.close()
        finally:
            server.stop()


def measure(page: Page, server: Server, *, steps: int, frames: int) -> None:
    """Prints one row for each way to step through the video, then the server's memory."""
    page.add_init_script("sessionStorage.setItem('user', 'Ada')")
    page.set_default_timeout(120_000)
    started = memory_mb(server)
    ada = Person(page, server, "Ada")
    ada.open("long")
    print(
        "| step | median ms | 90 % below, ms | slowest, ms | server until then, MB "
        "|\n|---|---|---|---|---|"
    )
    print(f"| (server started) | | | | {started} |\n| (video opened) | | | | {memory_mb(server)} |")
    row(server, "next frame, 8 a second", page.evaluate(STEP, ["ArrowRight", steps, 125]))
    row(server, "next frame, as fast as it goes", page.evaluate(STEP, ["ArrowRight", steps, 0]))
    row(server, "previous frame, 8 a second", page.evaluate(STEP, ["ArrowLeft", steps, 125]))
    far = np.random.default_rng(0).choice(frames, 30, replace=False)
    row(server, "any frame of the video", page.evaluate(JUMP, [int(frame) for frame in far]))
    page.keyboard.press("x")
    page.wait_for_selector("#frame-kind:has-text('exact pixels')")
    row(server, "next frame, exact pixels", page.evaluate(STEP, ["ArrowRight", steps // 5, 300]))
    print(
        f"| ({propagated(ada, frames // 2)} frames propagated from a box) | | | | {memory_mb(server)} |"
    )


def propagated(person: Person, first: int) -> int:
    """The number of masks that the engine has propagated from a box on frame `first` to the 30
    frames after it.
    """
    person.go_to(first)
    person.box(300, 200, 700, 500)
    person.press("p")
    person.go_to(first + 30)
    person.press("Shift+P")
    person.go_to(first)
    before = person.state()["revision"]
    person.press("Shift+F")
    person.saved_after(before)
    person.propagated()
    return len(person.masks()) - 1


def row(server: Server, name: str, times_ms: list[Any]) -> None:
    ordered = sorted(times_ms)
    most = f"{ordered[len(ordered) * 9 // 10]:.0f} | {ordered[-1]:.0f}"
    print(f"| {name} | {statistics.median(ordered):.0f} | {most} | {memory_mb(server)} |")


def memory_mb(server: Server) -> int:
    """The peak memory of the server's process until now, in MB."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return (
        int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
        // 1024
    )


def pictures(count: int) -> Iterator[npt.NDArray[np.uint8]]:
    """720p frames of a moving texture with as much detail as a generated video."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 255, (46, 82, 3)).astype(np.uint8)
    texture = np.kron(coarse, np.ones((16, 16, 1), np.uint8))
    texture = np.clip(
        texture.astype(np.int16) + random.integers(-9, 9, texture.shape), 0, 255
    ).astype(np.uint8)
    for number in range(count):
        yield np.ascontiguousarray(np.roll(texture, 3 * number, axis=1)[:720, :1280])


if __name__ == "__main__":
    main()
