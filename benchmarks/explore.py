"""Measures the page of explore: 3,254 videos, steps through 720p, and the size of a folder of 100
videos.

    python benchmarks/explore.py

Needs Chromium and playwright. Prints Markdown rows. The videos are 6 synthetic ones of 720x480
pixels and 49 frames, which repeat under other ids. The browser draws every 16.7 ms; the times
include this.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from brokenvideos.builder import BuildOptions, build
from brokenvideos.frames import encode_video
from brokenvideos.tools.explorer import ExploreOptions, write_static
from tests.tools.explorer.many import write_many

COMMAND = [
    sys.executable,
    "-c",
    "from brokenvideos.tools.commands.main import main; main()",
    "explore",
    "--no-browser",
]

FILTER = """async () => {
  const times = [];
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  for (const input of [...document.querySelectorAll(".value input")].slice(0, 8)) {
    for (let turn = 0; turn < 2; turn++) {
      const before = location.hash;
      const from = performance.now();
      input.click();
      await drawn(); // counts, distributions and the grid
      if (location.hash === before) throw new Error("nothing was filtered");
      times.push(performance.now() - from);
    }
  }
  return times;
}"""

STEP = """async ([key, steps]) => {
  const box = document.querySelector("#picture-box");
  const times = [];
  for (let step = 0; step < steps; step++) {
    const before = box.dataset.frame;
    const from = performance.now();
    document.querySelector("#picture").dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
    await new Promise((done) => {
      const look = () => (box.dataset.frame === before ? requestAnimationFrame(look) : done());
      look();
    });
    times.push(performance.now() - from);
    await new Promise((done) => setTimeout(done, 50));
  }
  return times;
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=3254)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--work", type=Path, help="a folder to keep the releases in, for the next call"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        work = arguments.work or Path(folder)
        release = made(work / "small", videos=6, num_frames=49, height=480, width=720)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        large = repeated(release, work / f"{arguments.videos}", videos=arguments.videos)
        print(
            f"| release of {arguments.videos} videos | {size_of(large) / 1e9:.2f} GB |", flush=True
        )
        for _ in range(arguments.rounds):
            look_at_list(browser.new_page(viewport={"width": 1440, "height": 900}), large)
        step_through(browser.new_page(viewport={"width": 1440, "height": 900}), work)
        browser.close()
        hundred = repeated(release, work / "100", videos=100)
        start = time.perf_counter()
        page = Path(folder) / "page"
        write_static(
            ExploreOptions(source=str(hundred)), page, max_bytes=60 * 10**6, on_progress=quiet
        )
        print(
            f"| folder of 100 videos | {size_of(page) / 1e6:.1f} MB, written in "
            f"{time.perf_counter() - start:.0f} s |"
        )


def made(folder: Path, *, videos: int, num_frames: int, height: int, width: int) -> Path:
    """Makes a release of videos with a moving texture and a marked disc, unless it exists."""
    if (folder / "release").exists():
        return folder / "release"
    raw = folder / "raw"
    shutil.rmtree(raw, ignore_errors=True)
    (raw / "videos").mkdir(parents=True)
    random = np.random.default_rng(0)
    lines = []
    y, x = np.ogrid[:height, :width]
    for number in range(videos):
        video_id = f"moving_{number:02d}"
        coarse = random.integers(0, 255, (height // 8, width // 8, 3), np.uint8)
        ground = np.asarray(
            Image.fromarray(coarse).resize(
                (width + 2 * num_frames, height), Image.Resampling.BICUBIC
            )
        )
        frames = (ground[:, 2 * frame : 2 * frame + width] for frame in range(num_frames))
        encode_video(raw / "videos" / f"{video_id}.mp4", frames, fps=16)
        masks = raw / "masks" / video_id
        masks.mkdir(parents=True)
        for frame in range(num_frames):
            across = (x - width / 3 - frame * width / 400) ** 2 + (y - height / 2) ** 2
            wave = 1 + 0.2 * np.sin(8 * np.arctan2(y - height / 2, x - width / 3))
            disc = (across < (height / 6 * wave) ** 2).astype(np.uint8)
            Image.fromarray(disc).save(masks / f"{frame:05d}.png")
        entry = {
            "video_id": video_id,
            "generator": f"model {number % 3}",
            "prompt": f"a ground that moves, {number}",
        }
        lines.append(
            {**entry, "label": "broken", "objects": [{"object_id": 1, "artifact_type": "motion"}]}
        )
    (raw / "videos.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    build(raw, folder / "release", BuildOptions())
    return folder / "release"


def repeated(release: Path, out: Path, *, videos: int) -> Path:
    """Makes a release that repeats the videos of a small one."""
    return out if (out / "manifest.json").exists() else write_many(release, out, videos=videos)


def look_at_list(page: Page, release: Path) -> None:
    """Opens the page and uses its filters; prints times and the server's memory."""
    start = time.perf_counter()
    with serving(release) as (address, process):
        served = time.perf_counter()
        page.goto(address)
        page.wait_for_selector(".cell")
        listed = time.perf_counter()
        page.wait_for_selector(".cell img.there")
        first = time.perf_counter()
        page.wait_for_function("() => !document.querySelector('.cell img:not(.there)')")
        every = time.perf_counter()
        number = page.locator(".cell").count()
        print(
            f"| command to address {served - start:.2f} s; address to list {listed - served:.2f} "
            f"s, to first poster {first - served:.2f} s, to all {number} posters "
            f"{every - served:.2f} s | {memory_of(process)} |",
            flush=True,
        )
        page.wait_for_selector("#measuring[data-done]", state="attached", timeout=300_000)
        measured = time.perf_counter()
        times = page.evaluate(FILTER)
        print(
            f"| measured after {measured - served:.1f} s; filter {statistics.median(times):.0f} "
            f"ms, most {max(times):.0f} ms | {memory_of(process)} |"
        )
        page.close()


def step_through(page: Page, work: Path) -> None:
    """Steps through a video of 720p with masks."""
    release = made(work / "hd", videos=3, num_frames=150, height=720, width=1280)
    with serving(release) as (address, process):
        page.goto(f"{address}#label=broken")
        page.locator(".cell").first.click()
        page.wait_for_selector("#picture-box[data-frame]")
        page.keyboard.press("Home")
        page.wait_for_selector("#picture-box[data-frame='0']")
        page.wait_for_selector("#measuring[data-done]", state="attached", timeout=300_000)
        for key in ("ArrowRight", "ArrowLeft"):
            times = page.evaluate(STEP, [key, 140])
            slow = statistics.quantiles(times, n=20)[-1]
            print(
                f"| 720p, {key} | {statistics.median(times):.0f} ms, 95 % {slow:.0f} ms | "
                f"{memory_of(process)} |"
            )


@contextmanager
def serving(release: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A server in a process of its own, and its address."""
    environment = os.environ | {"PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*COMMAND, str(release)], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        address = next(line.strip() for line in process.stdout if re.match("http://", line))
        yield address, process
    finally:
        process.terminate()
        process.wait(30)


def memory_of(process: "subprocess.Popen[str]") -> str:
    """The server's memory: all resident memory, and the part without mapped files."""
    text = Path(f"/proc/{process.pid}/status").read_text()
    memory_mb = {
        name: int(size) // 1024
        for name, size in re.findall(r"(VmHWM|VmRSS|RssAnon):\s+(\d+) kB", text)
    }
    return f"{memory_mb['VmRSS']} MB, most {memory_mb['VmHWM']}, own {memory_mb['RssAnon']}"


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def quiet(step: str, done: int, total: int) -> None:
    pass


if __name__ == "__main__":
    main()
