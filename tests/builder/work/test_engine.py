"""Tasks in this process, in processes that die, and on a Ray cluster whose node dies: the same
results, or the culprit's name.
"""

import importlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from brokenvideos.builder import BuildOptions, WorkerError, build
from brokenvideos.builder.work import executor_of, import_ahead, run_tasks
from brokenvideos.card import card_files

# Workers import what they run by name, so it cannot stand in a test module.
MORTAL = '''
import os, signal, time
from brokenvideos.builder import shards, tasks

def square(task):
    """A task is (number, folder): it kills its worker as often as NUMBER.kill says, and fails where NUMBER.fail is."""
    number, folder = task
    kill = folder / f"{number}.kill"
    left = int(kill.read_text()) if kill.exists() else 0
    if left:
        kill.write_text(str(left - 1))
        os.kill(os.getpid(), signal.SIGKILL)
    if (folder / f"{number}.fail").exists():
        raise ValueError(f"{number} is no good")
    with (folder / f"{number}.runs").open("a") as runs:
        runs.write("1")
    return number * number

def write_for_ever(task):
    """Number 0 ends when number 1 has begun, which writes until it is ended."""
    number, folder = task
    beats = folder / "1.beats"
    while number or not (beats.exists() and beats.stat().st_size):
        if number:
            with beats.open("a") as file:
                file.write("1")
        time.sleep(0.001)

def run_shard(task):
    """`tasks.run_shard` whose worker is killed, once, when it has written a part of a shard."""
    add, marker = shards._add_to_tar, task.release.parent / "killed"
    def add_or_die(tar, row):
        add(tar, row)
        if not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    shards._add_to_tar = add_or_die
    try:
        return tasks.run_shard(task)
    finally:
        shards._add_to_tar = add

def run_slow_ingest(task):
    time.sleep(1)
    return tasks.run_ingest(task)
'''


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def mortal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The module above, where workers find it too."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "mortal.py").write_text(MORTAL)
    monkeypatch.syspath_prepend(folder)
    importlib.invalidate_caches()
    yield import_module("mortal")
    del sys.modules["mortal"]


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor | None]:
    import_ahead("brokenvideos.builder.tasks")  # which every worker of MORTAL needs
    with executor_of(2) as pool:
        yield pool


def ignore(done: int, total: int) -> None:
    pass


def test_a_task_that_kills_twice_is_named_and_the_others_are_done(
    mortal: ModuleType, pool, tmp_path: Path
) -> None:
    (tmp_path / "2.kill").write_text("9")
    tasks = [(number, tmp_path) for number in range(6)]
    with pytest.raises(WorkerError) as caught:
        list(
            run_tasks(pool, mortal.square, tasks, ignore, name_of=lambda task: f"number {task[0]}")
        )
    assert str(caught.value) == (
        "number 2: ended its worker process twice (killed, out of memory, or a crash in a "
        "library); 5 of 6 are done. "
        "Look at the kernel's log for the reason, or try with one worker."
    )
    assert sorted(path.stem for path in tmp_path.glob("*.runs")) == ["0", "1", "3", "4", "5"]
    assert (
        tmp_path / "2.kill"
    ).read_text() == "6"  # once beside others, which proves nothing, and twice alone


class Recorder(Executor):
    """Runs every task at once in this process, one at a time, and keeps their order."""

    workers = 1

    def __init__(self) -> None:
        self.begun: list[int] = []

    def submit(self, fn, /, *args, **kwargs):
        self.begun.append(args[0])
        done = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def test_the_largest_task_begins_first_and_results_stay_in_order() -> None:
    recorder = Recorder()
    assert list(run_tasks(recorder, abs, [-2, 9, -9, 4], ignore, size_of=abs)) == [2, 9, 9, 4]
    assert recorder.begun == [9, -9, 4, -2]
    assert list(run_tasks(None, abs, [-2, 9], ignore, size_of=abs)) == [2, 9]


def test_an_error_of_a_task_ends_the_run(mortal: ModuleType, pool, tmp_path: Path) -> None:
    (tmp_path / "1.fail").touch()
    for executor in (None, pool):
        with pytest.raises(ValueError, match=r"\A1 is no good\Z"):
            list(
                run_tasks(
                    executor, mortal.square, [(number, tmp_path) for number in range(40)], ignore
                )
            )
        assert not (tmp_path / "39.runs").exists()


def test_when_ctrl_c_is_raised_no_worker_writes_any_more(
    mortal: ModuleType, tmp_path: Path
) -> None:
    def interrupt(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    def written() -> int:
        return (tmp_path / "1.beats").stat().st_size

    tasks = [(number, tmp_path) for number in range(2)]
    with executor_of(2) as executor:
        try:
            with pytest.raises(KeyboardInterrupt):
                list(run_tasks(executor, mortal.write_for_ever, tasks, interrupt))
            before = written()
            time.sleep(0.2)
            assert written() == before > 0
        finally:
            executor.end_workers()


@pytest.mark.slow
def test_a_worker_that_is_killed_in_the_middle_of_a_shard(
    mortal: ModuleType, raw: Path, release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        import_module("brokenvideos.builder.building"), "run_shard", mortal.run_shard
    )
    out = tmp_path / "out"
    seen: list[tuple[str, int, int]] = []
    options = BuildOptions(num_shards={"train": 2})
    build(
        raw,
        out,
        options,
        workers=2,
        more_files=card_files,
        on_progress=lambda *step: seen.append(step),
    )
    assert contents(out) == contents(release)
    assert seen[-5:] == [("write shards", done, 4) for done in range(5)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "dask"}, "engine 'dask': wanted one of processes, ray."),
        (
            {"engine": "ray"},
            "--engine ray and --address need each other: the build joins an existing Ray cluster "
            "and never starts one.",
        ),
        (
            {"address": "auto"},
            "--engine ray and --address need each other: the build joins an existing Ray cluster "
            "and never starts one.",
        ),
    ],
)
def test_bad_engines(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError) as caught, executor_of(2, **options):
        pass
    assert str(caught.value) == message


HEAVY = '''
import os
from pathlib import Path
with Path(__file__).with_name("imports").open("a") as file:
    print(os.getpid(), file=file)

def look(number):
    """The parent of this worker, and a setting."""
    return os.getppid(), os.environ["SETTING"]
'''
AHEAD = """
import os, sys
from pathlib import Path
from brokenvideos.builder.work import executor_of, import_ahead, run_tasks

if __name__ == "__main__":
    import_ahead("heavy")
    os.environ["SETTING"] = "set after the start of the server"
    from heavy import look
    for device in ("cpu", "cuda"):
        with executor_of(2, device=device) as executor:
            found = list(run_tasks(executor, look, range(4), lambda done, total: None))
        server = found[0][0]
        assert {parent for parent, _ in found} == {server}
        assert {setting for _, setting in found} == {os.environ["SETTING"]}
        imports = Path("imports").read_text().split()
        threads = [Path(path, "comm").read_text().strip() for path in Path(f"/proc/{server}/task").iterdir()]
        print(device, server == os.getpid(), str(server) in imports, len(imports), threads if device == "cpu" else "")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only there are workers forked from a server")
def test_workers_share_one_import_and_those_of_cuda_are_new(tmp_path: Path) -> None:
    (tmp_path / "heavy.py").write_text(HEAVY)
    (tmp_path / "ahead.py").write_text(AHEAD)
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "SETTING": "before"}
    ran = subprocess.run(
        [sys.executable, "ahead.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.stderr == ""
    forked, new = ran.stdout.splitlines()
    # this process and the server
    assert forked.split(maxsplit=4) == [
        "cpu",
        "False",
        "True",
        "2",
        "['python']",
    ]
    assert new.split()[:3] == ["cuda", "True", "True"]
    assert 3 <= int(new.split()[3]) <= 4


# --- Ray ------------------------------------------------------------------------------------------


@pytest.fixture
def ray_nodes(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Address of a cluster of two nodes, and the process of the second."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install '.[ray]' in a checkout")
    ray = str(Path(sys.executable).parent / "ray")
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path / "modules"),
        "RAY_DISABLE_IMPORT_WARNING": "1",
    }
    # also names Ray's own folder: paths of its sockets have to be short
    port = 20_000 + os.getpid() % 10_000
    address = f"127.0.0.1:{port}"
    same = [
        "--block",
        "--num-cpus=1",
        "--node-ip-address=127.0.0.1",
        "--object-store-memory=100000000",
    ]
    same += ["--disable-usage-stats", f"--temp-dir=/tmp/ray-{port}"]
    nodes: list[subprocess.Popen[bytes]] = []
    try:
        for role in (
            ["--head", f"--port={port}", "--include-dashboard=false"],
            [f"--address={address}"],
        ):
            command = [ray, "start", *role, *same]
            nodes.append(
                subprocess.Popen(
                    command,
                    env=environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
            time.sleep(10)
            assert nodes[-1].poll() is None
        yield address, nodes[1]
    finally:
        for node in nodes:
            kill_session(node)
        shutil.rmtree(f"/tmp/ray-{port}", ignore_errors=True)


def kill_session(node: subprocess.Popen[bytes]) -> None:
    """Ends a node: every process of the session that `ray start` was begun in."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            session = int(path.read_text().rpartition(")")[2].split()[3])
            if session == node.pid:
                os.kill(int(path.parent.name), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass
    node.wait()


@pytest.mark.slow
def test_a_ray_node_that_is_killed_in_the_middle_of_a_build(
    mortal: ModuleType,
    ray_nodes,
    raw: Path,
    release: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address, second = ray_nodes
    monkeypatch.setattr(
        import_module("brokenvideos.builder.building"), "run_ingest", mortal.run_slow_ingest
    )
    killed: list[int] = []

    def on_progress(step: str, done: int, total: int) -> None:
        if done == 3 and not killed:
            killed.append(second.pid)
            kill_session(second)

    out = tmp_path / "out"
    options = BuildOptions(num_shards={"train": 2})
    build(
        raw,
        out,
        options,
        engine="ray",
        address=address,
        more_files=card_files,
        on_progress=on_progress,
    )
    assert killed
    assert contents(out) == contents(release)
