"""What a clip costs, against a bare decoder and against other loaders: CPU ms per clip, interleaved
in one run.

    python benchmarks/streaming.py [--videos N] [--keyint N] [--rounds N] [--only WORD]
    [--workers 0 2] [--folder DIR] python benchmarks/streaming.py --memory --http

The corpus (H.264 of 480p and 720p, 4 to 5 s, with moving masks) is made once below DIR. A clip is
16 frames in a row at 256 x 256. The bound decodes with PyAV what a clip needs and nothing else,
from packets that lie in memory, and converts it with one reformatter: no reading, no masks, no
tensors. Without workers, all ways take turns batch by batch, so that whatever else the machine does
meets all of them alike; with workers, which stay from round to round, the bound runs again before
each way. Printed are medians of the rounds, and medians of the ratio to the bound within a round,
as rows of a Markdown table. Seconds of the CPU are those of this process and its workers. Peers
that are not installed are left out, and named.
"""

import argparse
import hashlib
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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
from brokenvideos.builder.manifest import manifest_bytes, manifest_of
from brokenvideos.builder.plan.splits import ShardPlan
from brokenvideos.builder.shards import write_shard
from brokenvideos.frames import index_from_row, index_to_columns, index_video
from brokenvideos.frames.decode import frames_by_packets
from brokenvideos.masks import encode
from brokenvideos.release import SOURCE_FIELDS
from brokenvideos.sampling import clips, collate
from brokenvideos.sampling.plan import ClipPlan, clip_frames
from brokenvideos.sampling.release_rows import ReleaseRows

NUM_FRAMES = 16
SIZE = (256, 256)
DISTINCT = 6
SIZES = ((480, 854), (480, 832), (720, 1280))


# --- the corpus -----------------------------------------------------------------------------------


def make_video(path: Path, number: int, keyint: int) -> None:
    """A textured background that pans, with grain, encoded as x264 does by default but for its
    longest distance of key frames.
    """
    height, width = SIZES[number % len(SIZES)]
    num_frames = 96 + 8 * (number % 4)
    random_ = np.random.default_rng(number)
    small = random_.integers(
        0, 255, (height // 8, (width + 2 * num_frames) // 8, 3), dtype=np.uint8
    )
    scene = np.asarray(
        Image.fromarray(small).resize((width + 2 * num_frames, height), Image.Resampling.BICUBIC)
    )
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24, options={"crf": "23", "g": str(keyint)})
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for number_ in range(num_frames):
            grain = random_.integers(-6, 7, (height, width, 1), dtype=np.int16)
            image = (scene[:, 2 * number_ : 2 * number_ + width].astype(np.int16) + grain).clip(
                0, 255
            )
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(image.astype(np.uint8), format="rgb24"))
            )
        container.mux(stream.encode(None))


def make_row(path: Path, number: int) -> dict:
    index = index_video(path)
    y, x = np.mgrid[: index.height, : index.width]
    bitmaps = []
    for frame in range(index.num_frames):
        for object_id in (1, 2):
            cy, cx = (
                index.height / 2 + 80 * np.sin(frame / 20 + object_id),
                (0.3 + 0.004 * frame) * index.width,
            )
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
    columns = {
        "label": 1,
        "artifact_types": [0, 2],
        "generator": "made",
        "prompt": None,
        "digest": "",
    }
    more = {"video_id": "", "annotated_frames": list(range(index.num_frames)), "video_sha256": ""}
    source = dict.fromkeys(SOURCE_FIELDS)
    return {
        **columns,
        **more,
        **index_to_columns(index),
        "objects": objects,
        "masks": masks,
        "source": source,
    }


def make_corpus(folder: Path, videos: int, keyint: int = 250) -> Path:
    """A release of so many videos (a few distinct ones under many names), and the same as files."""
    release = folder / f"release-{videos}-{keyint}"
    if (release / "manifest.json").exists():
        return release
    (folder / "distinct").mkdir(parents=True, exist_ok=True)
    (release / "files").mkdir(parents=True, exist_ok=True)
    ingested = []
    for number in range(DISTINCT):
        path = folder / "distinct" / f"{number}-{keyint}.mp4"
        if not path.exists():
            make_video(path, number, keyint)
        row, data = make_row(path, number), path.read_bytes()
        for copy in range(number, videos, DISTINCT):
            video_id = f"video-{copy:05d}"
            (release / "files" / f"{video_id}.mp4").write_bytes(data)
            row_path = release / "files" / f"{video_id}.arrow"
            table = pa.Table.from_pylist(
                [{**row, "video_id": video_id}], brokenvideos.ANNOTATION_FEATURES.arrow_schema
            )
            with (
                pa.OSFile(str(row_path), "wb") as sink,
                pa.ipc.new_file(sink, table.schema) as writer,
            ):
                writer.write_table(table)
            facts = (
                video_id,
                "broken",
                "made",
                None,
                "train",
                "",
                hashlib.sha256(data).hexdigest(),
                len(data),
            )
            ingested.append(Ingested(*facts, row_path, release / "files" / f"{video_id}.mp4"))
    shards = 4
    plans = []
    for shard in range(shards):
        mine = [
            video
            for video in ingested
            if brokenvideos.release.shard_of(video.video_id, shards) == shard
        ]
        plans.append(
            ShardPlan("train", shard, shards, tuple(sorted(mine, key=lambda v: v.video_id)))
        )
    manifest = manifest_of(
        [(plan, write_shard(plan, release)) for plan in plans],
        data_version="1.0.0",
        parent_version=None,
        reading={"layout": "own", "artifact_type": None, "generator": None, "void": None},
        split_rule={},
    )
    (release / "manifest.json").write_bytes(manifest_bytes(manifest))
    return release


# --- ways -----------------------------------------------------------------------------------------

BATCH = 4


@dataclass
class Way:
    """One way to get at clips: `epoch(e)` sets where they are cut, `batches` gives them."""

    batches: Iterable
    set_epoch: Callable[[int], None]
    workers: int = 0
    counted: Callable[[object], int] = len
    pids: list[int] = field(default_factory=list)

    def begun(self, epoch: int) -> Iterator:
        self.set_epoch(epoch)
        batches = iter(self.batches)
        if self.workers:
            self.pids = [worker.pid for worker in batches._workers]
        return batches

    def cpu_s(self) -> float:
        """Processor seconds of this process and the workers."""
        ticks = 0
        for pid in self.pids:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def by_loader(
    dataset,
    set_epoch: Callable[[int], None],
    workers: int,
    *,
    counted=len,
    context="fork",
    collate=None,
) -> Way:
    more = {"persistent_workers": True, "multiprocessing_context": context} if workers else {}
    loader = DataLoader(dataset, batch_size=BATCH, num_workers=workers, collate_fn=collate, **more)
    return Way(loader, set_epoch, workers, counted)


# --- bounds ---------------------------------------------------------------------------------------


class Bare:
    """The clips of all videos by a bare decoder; bytes and indices are in memory before the clock
    starts.
    """

    def __init__(self, rows: list[dict], one: Callable[[dict, int], int]) -> None:
        self.rows, self.one, self.epoch = rows, one, 0

    def __iter__(self) -> Iterator[int]:
        for first in range(0, len(self.rows), BATCH):
            yield sum(self.one(row, self.epoch) for row in self.rows[first : first + BATCH])

    def way(self) -> Way:
        def set_epoch(epoch: int) -> None:
            self.epoch = epoch

        return Way(self, set_epoch, counted=int)


def bound(rows: list[dict], *, convert: bool = True) -> Way:
    plan = ClipPlan(NUM_FRAMES, 1, 1, "random", 0)
    indices = {row["video_id"]: index_from_row(row) for row in rows}
    reformatter = VideoReformatter()

    def one(row: dict, epoch: int) -> int:
        (frames,) = clip_frames(plan, row, epoch=epoch)
        for _, frame in frames_by_packets(
            row["video"]["bytes"], frames.tolist(), indices[row["video_id"]]
        ):
            if convert:
                to_rgb(frame, reformatter)
        return 1

    return Bare(rows, one).way()


def to_rgb(frame: av.VideoFrame, reformatter: VideoReformatter) -> av.VideoFrame:
    height, width = SIZE
    return reformatter.reformat(
        frame,
        width=width,
        height=height,
        format="rgb24",
        interpolation=Interpolation.BILINEAR,
        threads=1,
    )


def bare_loop(rows: list[dict]) -> Way:
    """Every frame of every video as PyAV's own loop gives it, converted likewise."""

    def one(row: dict, epoch: int) -> int:
        reformatter = VideoReformatter()
        with av.open(io.BytesIO(row["video"]["bytes"])) as container:
            container.streams.video[0].codec_context.thread_count = 1
            for frame in container.decode(video=0):
                to_rgb(frame, reformatter)
        return -(-row["num_frames"] // NUM_FRAMES)

    return Bare(rows, one).way()


# --- ours -----------------------------------------------------------------------------------------


def ours(dataset, workers: int) -> Way:
    return by_loader(
        dataset,
        dataset.set_epoch,
        workers,
        counted=lambda batch: len(batch["video_id"]),
        collate=collate,
    )


def from_folder(release: Path, **more):
    return clips(release, **{"num_frames": NUM_FRAMES, "size": SIZE, "shuffle": True, **more})


def from_stream(release: Path, name: str):
    rows = brokenvideos.load(name, data_dir=release, split="train", streaming=True)
    return clips(rows, num_frames=NUM_FRAMES, size=SIZE, shuffle=True)


class NoMasks:
    """Rows of a release whose masks are left out: what remains is what the video costs."""

    def __init__(self, release: Path) -> None:
        self.rows = ReleaseRows(sorted((release / "data").glob("*.parquet")))

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> dict:
        nothing = {"object_id": [], "frame_index": [], "counts": [], "fingerprint": []}
        return {**self.rows[number], "masks": nothing}


# --- peers ----------------------------------------------------------------------------------------


class Items(torch.utils.data.Dataset):
    """Clip `number` of the corpus by one function of (bytes or path, first frame)."""

    def __init__(self, sources, first_frames: np.ndarray, read: Callable) -> None:
        # first_frames: int64[epochs, videos]
        self.sources, self.first_frames, self.read = sources, first_frames, read
        self.epoch = torch.tensor(0).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        self.epoch.fill_(epoch)

    def __len__(self) -> int:
        return self.first_frames.shape[1]

    def __getitem__(self, number: int) -> torch.Tensor:
        return self.read(self.sources[number], int(self.first_frames[int(self.epoch), number]))


def pyav_from_the_start(data, first_frame: int) -> torch.Tensor:
    """As people write it: open, decode from frame 0, resize what is wanted."""
    frames = []
    with av.open(io.BytesIO(data) if isinstance(data, bytes) else str(data)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number >= first_frame:
                frames.append(frame.to_ndarray(format="rgb24", width=SIZE[1], height=SIZE[0]))
            if len(frames) == NUM_FRAMES:
                break
    return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).contiguous()


@dataclass
class ByTorchcodec:
    mode: str

    def __call__(self, data, first_frame: int) -> torch.Tensor:
        from torchcodec.decoders import VideoDecoder
        from torchcodec.transforms import Resize

        source = data if isinstance(data, bytes) else str(data)
        # Resized by FFmpeg, which is its fastest way.
        decoder = VideoDecoder(
            source, seek_mode=self.mode, num_ffmpeg_threads=1, transforms=[Resize(SIZE)]
        )
        return decoder.get_frames_in_range(first_frame, first_frame + NUM_FRAMES).data


@dataclass
class Column:
    """The bytes of video `number` in a container that is opened where it is read."""

    opened: Callable[[str], Callable[[int], bytes]]
    where: str
    at: Callable[[int], bytes] | None = None

    def __getitem__(self, number: int) -> bytes:
        self.at = self.at or self.opened(self.where)
        return self.at(number)


def map_style(where: str) -> Callable[[int], bytes]:
    rows = brokenvideos.load(data_dir=where, split="train").select_columns(["video"])
    return lambda number: rows[number]["video"]["bytes"]


def peers(
    release: Path, rows: list[dict], *, epochs: int, workers: int
) -> Iterator[tuple[str, Way | str]]:
    """(name, way), or (name, why it is left out)."""
    plan = ClipPlan(NUM_FRAMES, 1, 1, "random", 0)
    paths = [release / "files" / f"{row['video_id']}.mp4" for row in rows]
    first_frames = np.asarray(
        [[clip_frames(plan, row, epoch=epoch)[0][0] for row in rows] for epoch in range(epochs)],
        dtype=np.int64,
    )

    def over(sources, read: Callable, **more) -> Way:
        items = Items(sources, first_frames, read)
        return by_loader(items, items.set_epoch, workers, **more)

    yield (
        "`datasets` map-style + PyAV from frame 0",
        over(Column(map_style, str(release)), pyav_from_the_start),
    )
    yield "files + PyAV from frame 0", over(paths, pyav_from_the_start)
    decode: Callable = ByTorchcodec("approximate")
    try:
        ByTorchcodec("exact")(paths[0], 0)
    except (ImportError, RuntimeError, OSError) as error:
        why = str(error).strip().splitlines()[0][:60]
        yield "torchcodec", f"does not load ({why}); containers below with PyAV instead"
        decode = pyav_from_the_start
    else:
        yield "files + torchcodec exact", over(paths, ByTorchcodec("exact"))
        yield "files + torchcodec approximate", over(paths, decode)
    how = "PyAV" if decode is pyav_from_the_start else "torchcodec"
    for name, library in (
        ("WebDataset", "webdataset"), ("LitData", "litdata"), ("MDS", "streaming.base"), ("Lance", "lance"),
    ):  # fmt: skip
        try:
            if importlib.util.find_spec(library) is None:
                yield name, "not installed"
                continue
            yield (
                f"{name} + {how}",
                CONTAINERS[name](release, rows, first_frames, decode, over, workers),
            )
        except Exception as error:  # noqa: BLE001 - whatever an optional peer breaks with, the others are still measured
            yield (
                name,
                f"does not work here ({type(error).__name__}: "
                f"{str(error).partition(chr(10))[0][:60]})",
            )


class KeyedItems:
    """What `Items` does, for a container that knows videos by name only."""

    def __init__(self, rows: list[dict], first_frames: np.ndarray, read: Callable) -> None:
        self.place = {row["video_id"]: number for number, row in enumerate(rows)}
        self.items = Items(None, first_frames, read)

    def __call__(self, sample: dict) -> torch.Tensor:
        first_frame = self.items.first_frames[int(self.items.epoch), self.place[sample["__key__"]]]
        return self.items.read(sample["mp4"], int(first_frame))


def web_dataset(release, rows, first_frames, decode, over, workers) -> Way:
    import webdataset

    tars = sorted(str(path) for path in (release / "webdataset").glob("*.tar"))
    by_name = KeyedItems(rows, first_frames, decode)
    return by_loader(
        webdataset.WebDataset(tars, shardshuffle=False).map(by_name),
        by_name.items.set_epoch,
        workers,
    )


def lit_data(release, rows, first_frames, decode, over, workers) -> Way:
    from litdata.streaming import Cache

    folder = release / "litdata"
    if not folder.exists():
        cache = Cache(str(folder), chunk_bytes=1 << 26)
        for number, row in enumerate(rows):
            cache[number] = {"mp4": row["video"]["bytes"]}
        cache.done()
        cache.merge()

    def opened(where: str) -> Callable[[int], bytes]:
        from litdata.streaming import StreamingDataset

        items = StreamingDataset(where)
        return lambda number: items[number]["mp4"]

    return over(Column(opened, str(folder)), decode)


def mds(release, rows, first_frames, decode, over, workers) -> Way:
    from streaming import LocalDataset, MDSWriter

    folder = release / "mds"
    if not folder.exists():
        with MDSWriter(out=str(folder), columns={"mp4": "bytes"}) as writer:
            for row in rows:
                writer.write({"mp4": row["video"]["bytes"]})
    items = LocalDataset(str(folder))
    return over(Column(lambda _: lambda number: items[number]["mp4"], str(folder)), decode)


def open_lance(where: str) -> Callable[[int], bytes]:
    import lance

    items = lance.dataset(where)
    return lambda number: items.take([number], columns=["mp4"])["mp4"][0].as_py()


def lance_table(release, rows, first_frames, decode, over, workers) -> Way:
    import lance

    folder = release / "lance"
    if not folder.exists():
        videos = pa.array([row["video"]["bytes"] for row in rows], pa.large_binary())
        lance.write_dataset(pa.table({"mp4": videos}), str(folder))
    # Its threads do not survive a fork.
    return over(Column(open_lance, str(folder)), decode, context="spawn")


CONTAINERS = {"WebDataset": web_dataset, "LitData": lit_data, "MDS": mds, "Lance": lance_table}


# --- the clock ------------------------------------------------------------------------------------


def measured(
    ways: dict[str, Way], rounds: int, *, against: Way
) -> dict[str, list[tuple[float, float]]]:
    """(CPU ms per clip, that of the bound at the same time) of every way in every round."""
    times_ms: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    alone = {name: way for name, way in ways.items() if not way.workers}
    for way in ways.values():
        if way.workers:
            list(way.begun(0))  # begins the workers, and fills the caches
    for epoch in range(rounds):
        spent = in_turn({**alone, "": against}, epoch)
        for name in alone:
            times_ms[name].append((spent[name], spent[""]))
        for name, way in ways.items():
            if way.workers:
                bound_ms = in_turn({"": against}, epoch)[""]
                before = way.cpu_s()
                count = sum(map(way.counted, way.begun(epoch)))
                times_ms[name].append(((way.cpu_s() - before) * 1000 / count, bound_ms))
    return times_ms


def in_turn(ways: dict[str, Way], epoch: int) -> dict[str, float]:
    """CPU ms per clip of an epoch of each; every way gives a batch, then every way the next one."""
    seconds, counts = dict.fromkeys(ways, 0.0), dict.fromkeys(ways, 0)
    running = {name: way.begun(epoch) for name, way in ways.items()}
    while running:
        for name, batches in list(running.items()):
            before = time.process_time()
            batch = next(batches, None)
            seconds[name] += time.process_time() - before
            if batch is None:
                del running[name]
            else:
                counts[name] += ways[name].counted(batch)
    return {name: seconds[name] * 1000 / counts[name] for name in ways}


# --- memory and the network, in processes of their own --------------------------------------------

MEMORY = """
import sys, time
import torch
from brokenvideos.sampling import clips
def resident(kind):
    return int(next(l for l in open("/proc/self/status") if l.startswith(kind)).split()[1]) / 1024
torch.set_num_threads(1)
dataset = clips(sys.argv[1], num_frames=16, size=(256, 256), shuffle=True)
items = iter(dataset)
next(items)
first = resident("RssAnon")
most = count = 0
before = time.process_time()
for item in items:
    most, count = max(most, resident("RssAnon")), count + 1
print(first, most, resident("VmHWM"), (time.process_time() - before) * 1000 / count)
"""

BY_HAND = """
import io, sys, time
import av, fsspec, numpy as np, pyarrow.parquet as pq
begin = time.perf_counter(), time.process_time()
with fsspec.open(sys.argv[1], "rb") as file:
    row = pq.ParquetFile(file).read_row_group(0).slice(0, 1).to_pylist()[0]
frames = []
with av.open(io.BytesIO(row["video"]["bytes"])) as container:
    for frame in container.decode(video=0):
        frames.append(frame.to_ndarray(format="rgb24", width=256, height=256))
        if len(frames) == 16:
            break
np.stack(frames)
print(time.perf_counter() - begin[0], time.process_time() - begin[1])
"""

OURS = """
import sys, time
import datasets, torch
from torch.utils.data import DataLoader
import brokenvideos
from brokenvideos.sampling import clips
torch.set_num_threads(1)
begin = time.perf_counter(), time.process_time()
# What a Hub repository is to `datasets`: the same files behind addresses.
builder = datasets.load_dataset_builder("brokenvideos", data_dir=sys.argv[1])
addresses = [sys.argv[2] + path[len(sys.argv[1]):] for path in builder.config.data_files["train"]]
builder.config.data_files = {"train": addresses}
dataset = clips(builder.as_streaming_dataset(split="train"), num_frames=16, size=(256, 256), shuffle=sys.argv[3] == "shuffle")
items = iter(DataLoader(dataset, batch_size=1))
next(items)
first = time.perf_counter() - begin[0], time.process_time() - begin[1]
count = 1 + sum(1 for _ in items)
print(*first, count, int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1]) / 1024)
"""


def printed(script: str, *arguments: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stderr)
    return [float(word) for word in done.stdout.split()]


class Ranges(BaseHTTPRequestHandler):
    """Files below a folder, whole or in ranges; counts what it sends."""

    protocol_version = "HTTP/1.1"
    root: Path
    sent = 0

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, *, with_body: bool) -> None:
        data = (self.root / self.path.lstrip("/")).read_bytes()
        first, last = 0, len(data) - 1
        asked = self.headers.get("Range")
        if asked:
            first, last = (
                int(part or limit)
                for part, limit in zip(asked[6:].split("-"), (0, last), strict=True)
            )
        body = data[first : last + 1]
        self.send_response(206 if asked else 200)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(len(body)))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.end_headers()
        if with_body:
            type(self).sent += len(body)
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def report_http(release: Path, rows: list[dict], rounds: int) -> None:
    """The first batch of a stream over HTTP against one clip by hand, and the bytes that a clip
    takes.
    """
    Ranges.root = release
    server = ThreadingHTTPServer(("127.0.0.1", 0), Ranges)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    shard = sorted((release / "data").glob("*.parquet"))[0].name
    runs: dict[str, list[list[float]]] = {"by hand": [], "in order": [], "shuffle": []}
    for _ in range(rounds):
        runs["by hand"].append(printed(BY_HAND, f"{address}/data/{shard}"))
        for order in ("in order", "shuffle"):
            Ranges.sent = 0
            runs[order].append([*printed(OURS, str(release), address, order), Ranges.sent])
    server.shutdown()
    hand = runs["by hand"]
    columns = (
        "over HTTP",
        "first batch, s",
        "CPU s of it",
        "wall / by hand",
        "MB sent per clip",
        "most memory, MB",
    )
    print("\n| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    print(
        f"| one clip by hand | {median(h[0] for h in hand):.2f} | {median(h[1] for h in hand):.2f} "
        "| 1.0 | | |"
    )
    for order in ("in order", "shuffle"):
        figures = runs[order]
        ratio = median(ours[0] / by_hand[0] for ours, by_hand in zip(figures, hand, strict=True))
        print(
            f"| clips, {order} | {median(t[0] for t in figures):.2f} | "
            f"{median(t[1] for t in figures):.2f} | {ratio:.2f} | "
            f"{median(t[4] / t[2] for t in figures) / 1e6:.2f} | {median(t[3] for t in figures):.0f} |"
        )
    mean = sum(len(row["video"]["bytes"]) for row in rows) / len(rows) / 1e6
    print(f"\nThe videos have {mean:.2f} MB on average.")


def report_memory(folder: Path, videos: int, keyint: int) -> None:
    for count in (videos, 8 * videos):
        release = make_corpus(folder, count, keyint)
        first, most, peak, ms = printed(MEMORY, str(release))
        print(
            f"\n{count} videos: {ms:.1f} CPU ms per clip; {first:.0f} MB of memory of its own "
            f"after the first clip, {most:.0f} MB at most, {peak:.0f} MB with mapped files."
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Time brokenvideos.clips against a bare decoder and other loaders."
    )
    parser.add_argument("--videos", type=int, default=24)
    parser.add_argument(
        "--keyint", type=int, default=250, help="x264's longest distance of key frames"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[0])
    parser.add_argument(
        "--only", default="", help="run the ways whose name holds this word, beside the bounds"
    )
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument(
        "--memory",
        action="store_true",
        help="instead: memory and ms, at this corpus and at 8 times its size",
    )
    parser.add_argument(
        "--http", action="store_true", help="instead: the first batch and the bytes over HTTP"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path(tempfile.gettempdir()) / "brokenvideos-benchmark"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    # This file has the name of a library that it measures.
    sys.path[:] = [path for path in sys.path if path != str(Path(__file__).parent)]
    release = make_corpus(args.folder, args.videos, args.keyint)
    rows = [
        {**row, "video": {"bytes": bytes(row["video"]["bytes"])}}
        for row in ReleaseRows(sorted((release / "data").glob("*.parquet")))
    ]
    if args.memory:
        report_memory(args.folder, args.videos, args.keyint)
    if args.http:
        report_http(release, rows, args.rounds)
    if args.memory or args.http:
        return
    ways: dict[str, Way] = {
        "bound: decode": bound(rows, convert=False),
        "bound: every frame, PyAV's loop": bare_loop(rows),
        "ours, folder, every frame": ours(from_folder(release, sampling="all", shuffle=False), 0),
        "ours, folder, without masks": ours(
            clips(NoMasks(release), num_frames=NUM_FRAMES, size=SIZE), 0
        ),
    }
    left_out = []
    for workers in args.workers:
        suffix = f", {workers} workers"
        ways["ours, release folder" + suffix] = ours(from_folder(release), workers)
        ways["ours, Parquet stream" + suffix] = ours(from_stream(release, "default"), workers)
        ways["ours, tar stream" + suffix] = ours(from_stream(release, "webdataset"), workers)
        ways["ours, folder, 4 clips per video" + suffix] = ours(
            from_folder(release, clips_per_video=4), workers
        )
        if not args.no_peers:
            for name, way in peers(release, rows, epochs=args.rounds, workers=workers):
                if isinstance(way, str):
                    left_out.append(f"{name}: {way}")
                else:
                    ways[name + suffix] = way
    chosen = {
        name: way for name, way in ways.items() if args.only in name or name.startswith("bound")
    }
    times_ms = measured(chosen, args.rounds, against=bound(rows))
    print(
        f"{args.videos} videos, key frames at most {args.keyint} apart, {NUM_FRAMES} frames of "
        f"{SIZE[0]} x {SIZE[1]}, {args.rounds} rounds, {os.cpu_count()} cores\n"
    )
    print(
        "| way | CPU ms per clip | bound (decode and convert) / way | bound (decode) / way "
        "|\n|---|---|---|---|"
    )
    whole = [ms for ms, _ in times_ms["bound: every frame, PyAV's loop"]]
    share = median(decode / both for decode, both in times_ms["bound: decode"])
    for name, rounds in times_ms.items():
        if "every frame" in name:
            ratios = [median(loop / ms for loop, (ms, _) in zip(whole, rounds, strict=True)), None]
        else:
            ratio = median(both / ms for ms, both in rounds)
            ratios = [ratio, ratio * share]
        cells = " | ".join("" if ratio is None else f"{ratio:.2f}" for ratio in ratios)
        print(f"| {name} | {median(ms for ms, _ in rounds):.1f} | {cells} |")
    print(
        "\nThe bound (decode and convert) takes "
        f"{median(both for _, both in times_ms['bound: decode']):.1f} CPU ms per clip."
    )
    for line in left_out:
        print(f"\nLeft out: {line}.")


if __name__ == "__main__":
    main()
