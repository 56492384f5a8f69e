"""Measures prompts (number against their bound, coverage) and the cost of recording a clip.

    python benchmarks/generate.py [--frames N] [--rounds N]

The clip is synthetic: a moving texture and colours, 848x480 pixels. A round encodes it twice, in
turn, so that other load on the machine affects both. Once only the encoding (PyAV and x264 with our
settings, to a file). Once as `generate` does it: the same encoding, SHA-256 of the generated
frames, the decoded frames and the file, flushes to disk, and the record. Prints medians of the
ratio within a round: of wall time, and of CPU time, which includes the thread that decodes beside
the encoder.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import av
import numpy as np
import numpy.typing as npt

from brokenvideos.tools.generation.clip import B_FRAMES, CRF, GOP, write_clip
from brokenvideos.tools.generation.record import FORMAT, versions, write_record
from brokenvideos.tools.prompts import make_prompts, read_taxonomy, report_on

FPS = 16


def moving_texture(num_frames: int) -> npt.NDArray[np.uint8]:
    """uint8[T, 480, 848, 3]: panning noise, waves of colour, and a moving block."""
    texture = (
        np.random.default_rng(0).random((480 + num_frames, 848 + 2 * num_frames, 3)) * 60
    ).astype(np.uint8)
    y, x = np.mgrid[:480, :848]
    frames = []
    for t in range(num_frames):
        frame = texture[t : t + 480, 2 * t : 2 * t + 848].copy()
        frame[..., 0] += (100 + 60 * np.sin((x + 4 * t) / 40)).astype(np.uint8)
        frame[..., 1] += (100 + 60 * np.sin((y + 3 * t) / 30)).astype(np.uint8)
        frame[100:200, 100 + 4 * t : 200 + 4 * t] = [200, 40, 60]
        frames.append(frame)
    return np.stack(frames)


def encode_barely(path: Path, frames: npt.NDArray[np.uint8]) -> None:
    """Only the encoding of `generate`."""
    asm = ["asm=AVX2"] if platform.machine().lower() in ("x86_64", "amd64") else []
    params = [
        "threads=1",
        "lookahead-threads=1",
        f"keyint={GOP}",
        f"min-keyint={GOP}",
        "scenecut=0",
        f"bframes={B_FRAMES}",
    ]
    options = {"preset": "medium", "crf": str(CRF), "x264-params": ":".join([*params, *asm])}
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=FPS, options=options)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        stream.codec_context.thread_count = 1
        for rgb in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))


def encode_and_record(out: Path, frames: npt.NDArray[np.uint8]) -> None:
    """Writes a clip and a record of the usual size, as `generate` does."""
    video = write_clip(out / "videos" / "clip.mp4", frames, fps=FPS)
    filler = {f"argument_{number}": None for number in range(60)}
    record = {
        "format": FORMAT,
        "video_id": "clip",
        "video": video,
        "versions": versions(),
        "arguments": filler,
    }
    write_record(out, record)


def timed(call: Callable[[], None]) -> tuple[float, float]:
    """(wall time, CPU time) in seconds."""
    clock, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - clock, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=49)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()

    taxonomy = read_taxonomy()
    print("| strength | rows | lower bound | ratio | coverage |\n|--:|--:|--:|--:|--:|")
    for strength in (1, 2, 3):
        report = report_on(taxonomy, make_prompts(taxonomy, strength=strength), strength=strength)
        ratio, covered = report.num_rows / report.bound, report.num_covered / report.num_feasible
        print(
            f"| {strength} | {report.num_rows} | {report.bound} | {ratio:.3f} | {covered:.1%} of "
            f"{report.num_feasible} |"
        )

    frames = moving_texture(arguments.frames)
    clock, cpu = [], []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        for _ in range(arguments.rounds):
            bare = timed(lambda: encode_barely(out / "bare.mp4", frames))
            ours = timed(lambda: encode_and_record(out, frames))
            clock.append(ours[0] / bare[0])
            cpu.append(ours[1] / bare[1])
        size = json.loads((out / "records" / "clip.json").read_text())["video"]["bytes"]
    print(
        f"\n{arguments.frames} frames of 848x480, {size / 1e6:.1f} MB, {arguments.rounds} rounds; "
        "recorded relative to bare:"
    )
    print(
        f"clock {median(clock):.2f} ({min(clock):.2f} to {max(clock):.2f}), CPU {median(cpu):.2f}"
    )


if __name__ == "__main__":
    main()
