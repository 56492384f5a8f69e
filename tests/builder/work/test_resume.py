"""A build that is killed anywhere goes on where it was; one at a time; what is finished is trusted
only while it is what it was.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest

from brokenvideos.builder import BuildError, BuildOptions, RawError, build, tasks
from brokenvideos.card import card_files
from brokenvideos.tools.synthetic.sample import write_sample
from tests.limited import limited_to

OPTIONS = BuildOptions(num_shards={"train": 2})


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What builds in this process really do, in order: ids of decoded videos, names of written
    shards.
    """
    log: list[str] = []
    ingest, write_shard = tasks.ingest, tasks.write_shard

    def logged_ingest(video, *args, **kwargs):
        log.append(video.video_id)
        return ingest(video, *args, **kwargs)

    def logged_write(plan, *args):
        log.append(f"{plan.split} {plan.index}")
        return write_shard(plan, *args)

    monkeypatch.setattr(tasks, "ingest", logged_ingest)
    monkeypatch.setattr(tasks, "write_shard", logged_write)
    return log


def interrupt(step: str, number: int) -> Callable[[str, int, int], None]:
    """An `on_progress` that ends the build when so much of a step is done."""

    def on_progress(now: str, done: int, total: int) -> None:
        if now == step and done == number:
            raise KeyboardInterrupt

    return on_progress


@pytest.fixture
def half_built(raw: Path, tmp_path: Path) -> Path:
    """OUT of a build that ended when all videos and two shards of four were done."""
    with pytest.raises(KeyboardInterrupt):
        build(raw, tmp_path / "out", OPTIONS, on_progress=interrupt("write shards", 2))
    assert [path.name for path in tmp_path.iterdir()] == [".out.building"]
    return tmp_path / "out"


def finish(raw: Path, out: Path, **options) -> None:
    build(raw, out, OPTIONS, more_files=card_files, **options)
    assert not out.with_name(".out.building").exists()


def test_it_goes_on_with_what_is_missing(
    half_built: Path, raw: Path, release: Path, done: list[str]
) -> None:
    finish(raw, half_built)
    assert done == ["validation 0", "test 0"]
    assert contents(half_built) == contents(release)


def test_other_workers_go_on_too(half_built: Path, raw: Path, release: Path) -> None:
    finish(raw, half_built, workers=2)
    assert contents(half_built) == contents(release)


def test_fresh_starts_over(half_built: Path, raw: Path, release: Path, done: list[str]) -> None:
    finish(raw, half_built, fresh=True)
    assert len(done) == 9 + 4
    assert contents(half_built) == contents(release)


def test_a_changed_input_is_done_again_and_only_it(
    raw: Path, release: Path, tmp_path: Path, done: list[str]
) -> None:
    copy, out = tmp_path / "raw", tmp_path / "out"
    shutil.copytree(raw, copy)
    with pytest.raises(KeyboardInterrupt):
        build(copy, out, OPTIONS, on_progress=interrupt("write shards", 4))
    done.clear()
    png = next(path for path in sorted((copy / "masks").rglob("*.png")))
    os.utime(png)  # the time alone: nobody can say that the bytes are the same
    finish(copy, out)
    # The row came out as before, so no shard was written again.
    assert done == [png.parent.name]
    assert contents(out) == contents(release)


@pytest.mark.parametrize(
    "name", ["rows/*.arrow", "rows/*.json", "release/data/train-00000*", "shards/train-00000*"]
)
def test_a_damaged_result_is_done_again(
    half_built: Path, raw: Path, release: Path, done: list[str], name: str
) -> None:
    path = min(half_built.with_name(".out.building").glob(name))
    path.write_bytes(path.read_bytes()[:-7] + b"damaged")
    finish(raw, half_built)
    again = path.stem if name.startswith("rows") else "train 0"
    assert done == [again, "validation 0", "test 0"]
    assert contents(half_built) == contents(release)


def test_other_versions_and_options_do_everything_again(
    half_built: Path, raw: Path, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(
            raw,
            half_built,
            BuildOptions(num_shards={"train": 3}),
            on_progress=interrupt("write shards", 5),
        )
    assert done == ["train 0", "train 1", "train 2", "validation 0", "test 0"]
    done.clear()
    versions = tasks.library_versions() | {"pyarrow": "0"}
    monkeypatch.setattr(tasks, "library_versions", lambda: versions)
    # By import_module: as an attribute of its package the module is hidden by its function.
    monkeypatch.setattr(
        import_module("brokenvideos.builder.building"), "library_versions", lambda: versions
    )
    finish(raw, half_built)
    assert len(done) == 9 + 4
    assert {path.name for path in (half_built / "data").iterdir() if "train" in path.name} == {
        "train-00000-of-00002.parquet",
        "train-00001-of-00002.parquet",
    }


def test_a_worker_of_other_versions_is_refused(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = tasks.library_versions()
    monkeypatch.setattr(tasks, "library_versions", lambda: found | {"pyarrow": "0", "av": "1"})
    with pytest.raises(BuildError) as caught:
        build(raw, tmp_path / "out", OPTIONS)
    assert str(caught.value) == (
        f"a worker has av 1 instead of {found['av']}, pyarrow 0 instead of {found['pyarrow']}, so "
        "it could write other bytes. Install the same versions on every node."
    )


KILLED = """
import os, pathlib, signal, sys
from brokenvideos.builder import BuildOptions, build
left, replace = int(sys.argv[3]), pathlib.Path.replace
def replace_or_die(self, target):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)
pathlib.Path.replace = replace_or_die
build(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), BuildOptions(num_shards={"train": 2}))
"""


def test_killed_again_and_again(run_warm, raw: Path, release: Path, tmp_path: Path) -> None:
    """Every name that a file gets is a point to die at: in the middle of a shard, before a receipt,
    before the manifest.
    """
    out = tmp_path / "out"
    for left in (6, 14, 9):
        ended = run_warm([sys.executable, "-c", KILLED, str(raw), str(out), str(left)])
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        assert not out.exists()
    finish(raw, out)
    assert contents(out) == contents(release)


def test_no_file_of_a_killed_writer_gets_into_the_release(
    half_built: Path, raw: Path, release: Path
) -> None:
    work = half_built.with_name(".out.building")
    (work / "release" / "data" / ".train-00000-of-00002.parquet.0a0b.partial").write_bytes(b"half")
    (work / "release" / "data" / "train-00000-of-00009.parquet").write_bytes(b"of other options")
    (work / "release" / "manifest.json").write_bytes(b"old")
    finish(raw, half_built)
    assert contents(half_built) == contents(release)


def test_what_is_done_is_kept_while_problems_are_corrected(
    raw_copy: Path, release: Path, tmp_path: Path, done: list[str]
) -> None:
    out, png = tmp_path / "out", min((raw_copy / "masks").rglob("*.png"))
    content = png.read_bytes()
    png.write_bytes(content[:-20])
    with pytest.raises(RawError):
        build(raw_copy, out, OPTIONS)
    assert len(done) == 9
    done.clear()
    # A further problem, before anything is decoded again; the finished rows outlive it too.
    (raw_copy / "videos" / "more.txt").write_text("no video")
    with pytest.raises(RawError):
        build(raw_copy, out, OPTIONS)
    (raw_copy / "videos" / "more.txt").unlink()
    png.write_bytes(content)
    done.clear()
    finish(raw_copy, out)
    assert done == [png.parent.name, "train 0", "train 1", "validation 0", "test 0"]
    assert contents(out) == contents(release)


def test_rows_of_videos_that_are_gone_get_into_no_release(raw_copy: Path, tmp_path: Path) -> None:
    out, png = tmp_path / "out", min((raw_copy / "masks").rglob("*.png"))
    bad = png.parent.name
    gone = next(path.stem for path in sorted((raw_copy / "videos").iterdir()) if path.stem != bad)
    png.write_bytes(b"no image")
    with pytest.raises(RawError):
        build(raw_copy, out, OPTIONS)
    assert (tmp_path / ".out.building" / "rows" / f"{gone}.arrow").exists()
    lines = (raw_copy / "videos.jsonl").read_text().splitlines(keepends=True)
    (raw_copy / "videos.jsonl").write_text(
        "".join(line for line in lines if gone not in line and bad not in line)
    )
    for video_id in (gone, bad):
        (raw_copy / "videos" / f"{video_id}.mp4").unlink()
        shutil.rmtree(raw_copy / "masks" / video_id, ignore_errors=True)
    manifest = build(raw_copy, out, OPTIONS)
    assert len(manifest["videos"]) == 7
    assert not manifest["videos"].keys() & {gone, bad}
    assert not (tmp_path / ".out.building").exists()


def test_a_raw_folder_of_which_nothing_is_done_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "videos.jsonl").write_text("{}\n")
    with pytest.raises(RawError) as caught:
        build(tmp_path / "raw", tmp_path / "out", BuildOptions(layout="own"))
    assert "Finished work is kept" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["raw"]


# --- One build at a time --------------------------------------------------------------------------

HOLD = """
import pathlib, sys, time
from brokenvideos.builder.work.work_folder import work_folder
with work_folder(pathlib.Path(sys.argv[1]), fresh=False):
    print("locked", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that builds OUT."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        try:
            assert process.stdout.readline() == "locked\n"
            yield process
        finally:
            process.kill()


def test_a_second_build_is_refused_until_the_first_is_dead(
    holder: subprocess.Popen[str], raw: Path, release: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for fresh in (False, True):
        with pytest.raises(BuildError) as caught:
            build(raw, out, OPTIONS, fresh=fresh)
        assert str(caught.value) == (
            f"{out}: process {holder.pid} is building it in {tmp_path / '.out.building'}. Wait for "
            "it or end it. Its work is kept: the next build continues from there."
        )
    holder.kill()
    holder.wait()
    finish(raw, out)
    assert contents(out) == contents(release)


@pytest.mark.slow
def test_workers_end_with_a_killed_build(raw: Path, release: Path, tmp_path: Path) -> None:
    big = write_sample(tmp_path / "raw", videos=9, num_frames=60, height=96, width=128)
    script = "import sys; from brokenvideos.tools.commands.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "build", str(big), str(tmp_path / "out"), "--workers", "2"],
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        rows = tmp_path / ".out.building" / "rows"
        wait_until(lambda: len(list(rows.glob("*.json"))) >= 2)
        children = children_of(process.pid)
        process.kill()
    assert len(children) >= 2
    wait_until(lambda: not any(is_running(child) for child in children))
    # A row counts once its receipt is there: a worker may have ended between the two.
    kept = {
        path: path.stat().st_mtime_ns
        for path in rows.glob("*.arrow")
        if path.with_suffix(".json").exists()
    }
    assert len(kept) >= 2
    with pytest.raises(KeyboardInterrupt):
        build(big, tmp_path / "out", on_progress=interrupt("write shards", 0))
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def wait_until(true: Callable[[], bool], *, timeout_s: float = 60) -> None:
    end = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


# --- Disks ----------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(run_process, tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = run_process(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)])
    if mounted.returncode:
        pytest.skip(f"cannot mount a small file system here: {mounted.stderr.strip()}")
    yield disk
    assert run_process(["umount", str(disk)]).returncode == 0


STOPPED = (
    "{out}: not finished: {path}: {text}. Make room there, or make it writable, and give the same "
    "command again: finished work is kept, and the build continues from there."
)


def test_a_full_disk(run_process, small_disk: Path, raw: Path, release: Path) -> None:
    out = small_disk / "out"
    for _ in range(2):  # the second finds the disk as full as the first left it
        with pytest.raises(BuildError) as caught:
            build(raw, out, OPTIONS)
        path = str(caught.value).split(": ")[2]
        assert path.startswith(f"{small_disk}/.out.building/")
        assert str(caught.value) == STOPPED.format(
            out=out, text="no space left on device", path=path
        )
        assert not out.exists()
        assert not list(small_disk.rglob("*.partial"))
    assert run_process(["mount", "-o", "remount,size=9m", str(small_disk)]).returncode == 0
    finish(raw, out)
    assert contents(out) == contents(release)


@pytest.mark.slow
def test_a_file_that_may_grow_no_further(run_warm, raw: Path, tmp_path: Path) -> None:
    """The same path as a full disk, for machines on which nothing can be mounted, and in worker
    processes.
    """
    out = tmp_path / "out"
    ended = run_warm(
        [sys.executable, "-c", limited_to(60_000), "build", str(raw), str(out), "--workers", "2"]
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(f"brokenvideos: {out}: not finished: {tmp_path}/.out.building/")
    finish(raw, out)


def test_a_read_only_output(run_process, small_disk: Path, raw: Path) -> None:
    assert run_process(["mount", "-o", "remount,ro", str(small_disk)]).returncode == 0
    out = small_disk / "out"
    with pytest.raises(BuildError) as caught:
        build(raw, out, OPTIONS)
    path = small_disk / ".out.building"
    assert str(caught.value) == STOPPED.format(out=out, text="read-only file system", path=path)
