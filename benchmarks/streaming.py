"""What a clip costs, against a bare decoder and against other loaders: CPU ms per clip, interleaved in one run.

    python benchmarks/streaming.py [--videos N] [--rounds N] [--only WORD] [--workers 0 2] [--folder DIR]

The corpus (H.264 of 480p and 720p, 4 to 5 s, with moving masks) is made once below DIR. A clip is 16 frames in a row at 256 x 256.
The bound decodes with PyAV what a clip needs and nothing else, from packets that lie in memory, and converts it with one
reformatter: no reading, no masks, no tensors. Every round runs each way once, in turn, over the same videos; printed are medians
of the rounds, and medians of the ratio to the bound within a round, as rows of a Markdown table. Seconds of the CPU are those of
this process and its workers. Peers that are not installed are left out, and named.
"""

import argparse
import hashlib
import importlib.util
import io
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import av
import numpy as np
import pyarrow as pa
import torch
from av.video.reformatter import Interpolation, VideoReformatter
from PIL import Image
from torch.utils.data import DataLoader

import brokenvideos
from brokenvideos.builder.ingest import Ingested
from brokenvideos.builder.plan import ShardPlan
from brokenvideos.builder.shards import write_shard
from brokenvideos.frames import clips, index_from_row, index_to_columns, index_video
from brokenvideos.frames.clip_plan import ClipPlan, clip_frames
from brokenvideos.frames.decode import frames_by_packets
from brokenvideos.frames.release_rows import ReleaseRows
from brokenvideos.masks import encode

NUM_FRAMES = 16
SIZE = (256, 256)
DISTINCT = 6
SIZES = ((480, 854), (480, 832), (720, 1280))


# --- the corpus -------------------------------------------------------------------------------------------------------


def make_video(path: Path, number: int) -> None:
    """A textured background that pans, with grain, encoded as x264 does by default."""
    height, width = SIZES[number % len(SIZES)]
    num_frames = 96 + 8 * (number % 4)
    random_ = np.random.default_rng(number)
    small = random_.integers(0, 255, (height // 8, (width + 2 * num_frames) // 8, 3), dtype=np.uint8)
    scene = np.asarray(Image.fromarray(small).resize((width + 2 * num_frames, height), Image.Resampling.BICUBIC))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"preset": "medium", "crf": "23"})
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for number_ in range(num_frames):
            grain = random_.integers(-6, 7, (height, width, 1), dtype=np.int16)
            image = (scene[:, 2 * number_ : 2 * number_ + width].astype(np.int16) + grain).clip(0, 255)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image.astype(np.uint8), format="rgb24")))
        container.mux(stream.encode(None))


def make_row(path: Path, number: int) -> dict:
    index = index_video(path)
    y, x = np.mgrid[: index.height, : index.width]
    bitmaps = []
    for frame in range(index.num_frames):
        for object_id in (1, 2):
            cy, cx = index.height / 2 + 80 * np.sin(frame / 20 + object_id), (0.3 + 0.004 * frame) * index.width
            angle = np.arctan2(y - cy, x - cx)
            radius = (90 / object_id) * (1 + 0.2 * np.sin(7 * angle + frame / 9))
            bitmaps.append((np.hypot(y - cy, x - cx) < radius).astype(np.uint8))
    entries = [(object_id, frame) for frame in range(index.num_frames) for object_id in (1, 2)]
    order = sorted(range(len(entries)), key=lambda at: entries[at])
    counts = encode(np.stack(bitmaps))
    masks = {
        "object_id": [entries[at][0] for at in order],
        "frame_index": [entries[at][1] for at in order],
        "counts": [counts[at] for at in order],
        "fingerprint": [0] * len(order),
    }
    objects = {"object_id": [1, 2], "artifact_type": [0, 2], "digest": ["", ""]}
    columns = {"label": 1, "artifact_types": [0, 2], "generator": "made", "prompt": None, "digest": ""}
    more = {"video_id": "", "annotated_frames": list(range(index.num_frames)), "video_sha256": "", "source": None}
    return {**columns, **more, **index_to_columns(index), "objects": objects, "masks": masks}


def make_corpus(folder: Path, videos: int) -> Path:
    """A release of so many videos (a few distinct ones under many names), and the same as files."""
    release = folder / f"release-{videos}"
    if (release / "done").exists():
        return release
    (folder / "distinct").mkdir(parents=True, exist_ok=True)
    (release / "files").mkdir(parents=True, exist_ok=True)
    ingested = []
    for number in range(DISTINCT):
        path = folder / "distinct" / f"{number}.mp4"
        if not path.exists():
            make_video(path, number)
        row, data = make_row(path, number), path.read_bytes()
        for copy in range(number, videos, DISTINCT):
            video_id = f"video-{copy:05d}"
            (release / "files" / f"{video_id}.mp4").write_bytes(data)
            row_path = release / "files" / f"{video_id}.arrow"
            table = pa.Table.from_pylist([{**row, "video_id": video_id}], brokenvideos.ANNOTATION_FEATURES.arrow_schema)
            with pa.OSFile(str(row_path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
                writer.write_table(table)
            facts = (video_id, "broken", "made", None, "train", "", hashlib.sha256(data).hexdigest(), len(data))
            ingested.append(Ingested(*facts, row_path, release / "files" / f"{video_id}.mp4"))
    shards = 4
    for shard in range(shards):
        mine = [video for video in ingested if brokenvideos.shard_of(video.video_id, shards) == shard]
        write_shard(ShardPlan("train", shard, shards, tuple(sorted(mine, key=lambda v: v.video_id))), release)
    (release / "done").touch()
    return release


# --- bounds -----------------------------------------------------------------------------------------------------------


def bound(rows: list[dict], clips_per_video: int = 1, *, convert: bool = True) -> Callable[[int], int]:
    """The clips of all videos by the bare decoder; bytes and indices are in memory before the clock starts."""
    plan = ClipPlan(NUM_FRAMES, 1, clips_per_video, "random", 0)
    videos = [(row["video"]["bytes"], index_from_row(row), row) for row in rows]

    def run(epoch: int) -> int:
        reformatter = VideoReformatter()
        count = 0
        for data, index, row in videos:
            for frames in clip_frames(plan, row, epoch=epoch):
                for _, frame in frames_by_packets(data, frames.tolist(), index):
                    if convert:
                        to_rgb(frame, reformatter)
                count += 1
        return count

    return run


def to_rgb(frame: av.VideoFrame, reformatter: VideoReformatter) -> av.VideoFrame:
    height, width = SIZE
    return reformatter.reformat(
        frame, width=width, height=height, format="rgb24", interpolation=Interpolation.BILINEAR, threads=1
    )


def bare_loop(rows: list[dict]) -> Callable[[int], int]:
    """Every frame of every video as PyAV's own loop gives it, converted likewise."""

    def run(epoch: int) -> int:
        count = 0
        for row in rows:
            reformatter = VideoReformatter()
            with av.open(io.BytesIO(row["video"]["bytes"])) as container:
                container.streams.video[0].codec_context.thread_count = 1
                for _frame in container.decode(video=0):
                    to_rgb(_frame, reformatter)
            count += -(-row["num_frames"] // NUM_FRAMES)
        return count

    return run


# --- ours -------------------------------------------------------------------------------------------------------------


def drained(dataset, workers: int) -> int:
    loader = DataLoader(dataset, batch_size=4, num_workers=workers, multiprocessing_context="fork" if workers else None)
    return sum(len(batch["video_id"]) for batch in loader)


def ours(dataset, workers: int) -> Callable[[int], int]:
    def run(epoch: int) -> int:
        dataset.set_epoch(epoch)
        return drained(dataset, workers)

    return run


def from_folder(release: Path, **more):
    return clips(release, **{"num_frames": NUM_FRAMES, "size": SIZE, "shuffle": True, **more})


def from_stream(release: Path, name: str):
    rows = brokenvideos.load(name, data_dir=release, split="train", streaming=True)
    return clips(rows, num_frames=NUM_FRAMES, size=SIZE, shuffle=True)


# --- peers ------------------------------------------------------------------------------------------------------------


class Items(torch.utils.data.Dataset):
    """Clip `number` of the corpus by one function of (bytes or path, first frame)."""

    def __init__(self, sources, starts, read) -> None:
        self.sources, self.starts, self.read = sources, starts, read

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, number: int) -> torch.Tensor:
        return self.read(self.sources[number], self.starts[number])


def pyav_from_the_start(data, start: int) -> torch.Tensor:
    """As people write it: open, decode from frame 0, resize what is wanted."""
    frames = []
    with av.open(io.BytesIO(data) if isinstance(data, bytes) else str(data)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number >= start:
                frames.append(frame.to_ndarray(format="rgb24", width=SIZE[1], height=SIZE[0]))
            if len(frames) == NUM_FRAMES:
                break
    return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).contiguous()


def by_torchcodec(mode: str) -> Callable[..., torch.Tensor]:
    from torchcodec.decoders import VideoDecoder

    def read(data, start: int) -> torch.Tensor:
        decoder = VideoDecoder(data if isinstance(data, bytes) else str(data), seek_mode=mode, num_ffmpeg_threads=1)
        frames = decoder.get_frames_in_range(start, start + NUM_FRAMES).data
        return torch.nn.functional.interpolate(frames.float(), SIZE, mode="bilinear").round().byte()

    return read


def peers(release: Path, rows: list[dict], workers: int) -> Iterator[tuple[str, Callable[[int], int] | str]]:
    """(name, way), or (name, why it is left out)."""
    plan = ClipPlan(NUM_FRAMES, 1, 1, "random", 0)
    paths = [release / "files" / f"{row['video_id']}.mp4" for row in rows]

    def starts(epoch: int) -> list[int]:
        return [int(clip_frames(plan, row, epoch=epoch)[0][0]) for row in rows]

    def over(sources, read) -> Callable[[int], int]:
        def run(epoch: int) -> int:
            context = "fork" if workers else None
            items = Items(sources, starts(epoch), read)
            return sum(map(len, DataLoader(items, batch_size=4, num_workers=workers, multiprocessing_context=context)))

        return run

    class Parquet:
        """`datasets` rows by number, decoded where they are asked for."""

        def __init__(self) -> None:
            self.rows = None

        def __getitem__(self, number: int) -> bytes:
            if self.rows is None:
                self.rows = brokenvideos.load(data_dir=release, split="train").select_columns(["video"])
            content: bytes = self.rows[number]["video"]["bytes"]
            return content

    yield "`datasets` map-style + PyAV from frame 0", over(Parquet(), pyav_from_the_start)
    yield "files + PyAV from frame 0", over(paths, pyav_from_the_start)
    try:
        yield "files + torchcodec exact", over(paths, by_torchcodec("exact"))
        yield "files + torchcodec approximate", over(paths, by_torchcodec("approximate"))
        decode = by_torchcodec("approximate")
    except (ImportError, RuntimeError, OSError) as error:
        yield (
            "torchcodec",
            f"does not load ({str(error).strip().splitlines()[0][:60]}); containers below with PyAV instead",
        )
        decode = pyav_from_the_start
    for name, found in (("webdataset", web_dataset), ("litdata", lit_data), ("streaming", mds), ("lance", lance)):
        if importlib.util.find_spec(name) is None:
            yield name, "not installed"
            continue
        try:
            yield f"{name}", found(release, rows, starts, decode, over, workers)
        except Exception as error:  # noqa: BLE001 - whatever an optional peer breaks with, the others are still measured
            yield (
                name,
                f"does not work here ({type(error).__name__}: {str(error).splitlines()[0][:60] if str(error) else ''})",
            )


def web_dataset(release, rows, starts, decode, over, workers):
    import webdataset

    def run(epoch: int) -> int:
        at = dict(zip([row["video_id"] for row in rows], starts(epoch), strict=True))
        tars = sorted(str(path) for path in (release / "webdataset").glob("*.tar"))
        items = webdataset.WebDataset(tars, shardshuffle=False).map(
            lambda sample: decode(sample["mp4"], at[sample["__key__"]])
        )
        context = "fork" if workers else None
        return sum(map(len, DataLoader(items, batch_size=4, num_workers=workers, multiprocessing_context=context)))

    return run


def lit_data(release, rows, starts, decode, over, workers):
    from litdata.streaming import Cache, StreamingDataset

    folder = release / "litdata"
    if not folder.exists():
        cache = Cache(str(folder), chunk_bytes=1 << 26)
        for number, row in enumerate(rows):
            cache[number] = {"mp4": row["video"]["bytes"]}
        cache.done()
        cache.merge()
    items = StreamingDataset(str(folder))

    class Contents:
        def __getitem__(self, number: int) -> bytes:
            return items[number]["mp4"]

    return over(Contents(), decode)


def mds(release, rows, starts, decode, over, workers):
    # This file has the name of the library.
    sys.path[:] = [path for path in sys.path if path != str(Path(__file__).parent)]
    from streaming import LocalDataset, MDSWriter

    folder = release / "mds"
    if not folder.exists():
        with MDSWriter(out=str(folder), columns={"mp4": "bytes"}) as writer:
            for row in rows:
                writer.write({"mp4": row["video"]["bytes"]})
    items = LocalDataset(str(folder))

    class Contents:
        def __getitem__(self, number: int) -> bytes:
            return items[number]["mp4"]

    return over(Contents(), decode)


def lance(release, rows, starts, decode, over, workers):
    import lance

    folder = release / "lance"
    if not folder.exists():
        lance.write_dataset(
            pa.table({"mp4": pa.array([row["video"]["bytes"] for row in rows], pa.large_binary())}), str(folder)
        )
    items = lance.dataset(str(folder))

    class Contents:
        def __getitem__(self, number: int) -> bytes:
            return items.take([number], columns=["mp4"])["mp4"][0].as_py()

    return over(Contents(), decode)


# --- the clock --------------------------------------------------------------------------------------------------------


def cpu_s() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def measured(ways: dict[str, Callable[[int], int]], rounds: int) -> dict[str, list[float]]:
    """CPU ms per clip of every way in every round."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for epoch in range(rounds):
        for name, run in ways.items():
            before = cpu_s()
            count = run(epoch)
            found[name].append((cpu_s() - before) * 1000 / count)
    return found


MEMORY = """
import gc, sys
from pathlib import Path
import torch
from brokenvideos.frames import clips
def anonymous():
    return int(next(l for l in open("/proc/self/status") if l.startswith("RssAnon")).split()[1]) / 1024
dataset = clips(sys.argv[1], num_frames=16, size=(256, 256), shuffle=True)
items = iter(dataset)
next(items)
before, most = anonymous(), 0
for item in items:
    most = max(most, anonymous())
print(before, most)
"""


def memory_mb(release: Path) -> tuple[float, float]:
    """Anonymous memory (mapped files are not in it) after the first clip and at most, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", MEMORY, str(release)], capture_output=True, text=True, check=True)
    before, most = map(float, done.stdout.split())
    return before, most


def main() -> None:
    parser = argparse.ArgumentParser(description="Time frames.clips against a bare decoder and other loaders.")
    parser.add_argument("--videos", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[0])
    parser.add_argument("--only", default="", help="run the ways whose name holds this word, beside the bounds")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--memory", action="store_true", help="also the memory, at this corpus and at 8 times its size")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "brokenvideos-benchmark")
    wishes = parser.parse_args()
    torch.set_num_threads(1)
    release = make_corpus(wishes.folder, wishes.videos)
    rows = [
        {**row, "video": {"bytes": bytes(row["video"]["bytes"])}}
        for row in ReleaseRows(sorted((release / "data").glob("*.parquet")))
    ]
    ways: dict[str, Callable[[int], int]] = {}
    left_out = []
    for workers in wishes.workers:
        suffix = f", {workers} workers"
        ways["ours, release folder" + suffix] = ours(from_folder(release), workers)
        ways["ours, Parquet stream" + suffix] = ours(from_stream(release, "default"), workers)
        ways["ours, tar stream" + suffix] = ours(from_stream(release, "webdataset"), workers)
        ways["ours, folder, 4 clips per video" + suffix] = ours(from_folder(release, clips_per_video=4), workers)
        if not wishes.no_peers:
            for name, way in peers(release, rows, workers):
                if isinstance(way, str):
                    left_out.append(f"{name}: {way}")
                else:
                    ways[name + suffix] = way
    ways["ours, folder, every frame"] = ours(from_folder(release, sampling="all"), 0)
    chosen = {name: way for name, way in ways.items() if wishes.only in name}
    bounds = {
        "bound: decode": bound(rows, convert=False),
        "bound: decode and convert": bound(rows),
        "bound: every frame, PyAV's loop": bare_loop(rows),
    }
    found = measured({**bounds, **chosen}, wishes.rounds)
    print(
        f"{wishes.videos} videos, {NUM_FRAMES} frames of {SIZE[0]} x {SIZE[1]}, {wishes.rounds} rounds, {os.cpu_count()} cores\n"
    )
    print("| way | CPU ms per clip | bound (decode and convert) / way | bound (decode) / way |\n|---|---|---|---|")
    for name, rounds in found.items():
        against = "bound: every frame, PyAV's loop" if "every frame" in name else "bound: decode and convert"
        ratios = [median(b / w for b, w in zip(found[key], rounds, strict=True)) for key in (against, "bound: decode")]
        print(f"| {name} | {median(rounds):.1f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")
    for line in left_out:
        print(f"\nLeft out: {line}.")
    if wishes.memory:
        for videos in (wishes.videos, 8 * wishes.videos):
            first, most = memory_mb(make_corpus(wishes.folder, videos))
            print(f"\n{videos} videos: {first:.0f} MB of memory after the first clip, {most:.0f} MB at most.")


if __name__ == "__main__":
    main()
