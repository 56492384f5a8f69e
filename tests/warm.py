"""Python programs for tests in forks of one process that has loaded the libraries: all of a program
but its start.

A program that is named as for `subprocess` (`python -c CODE …`, `python SCRIPT …`, or the command
`brokenvideos …`) takes 1 to 3 s to import what it needs. Here it runs as the main module of a fork,
in a session of its own, with its own folder, environment and streams, and ends as Python ends: what
was registered for the end runs, then all threads are waited for. A test about imports, about
warnings while importing, or about how the interpreter itself ends takes a real process.
"""

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import types
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn

LOADED = (
    "av",
    "datasets",
    "numpy",
    "PIL.Image",
    "pyarrow.parquet",
    "pycocotools.mask",
    "torch.utils.data",
    "brokenvideos.tools.commands.main",
    "brokenvideos.sampling",
    "brokenvideos.builder",
    "brokenvideos.card",
    "brokenvideos.tools.evaluation",
)
START_S = 300
"""On a machine that is very busy."""

READ_AT_IMPORT = ("HF_", "PYTHON", "OMP_")
"""How names of variables begin that the loaded libraries have read already: a program cannot have
others.
"""


class Program:
    """A program that runs in a fork, as far as tests look: what `subprocess.Popen` offers too."""

    def __init__(self, pid: int, link: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdout: IO[str] | None = None
        self._link = link

    def wait(self, timeout_s: float | None = None) -> int:
        """The status of the program, minus the signal that ended it.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout_s`.
        """
        if self.returncode is None:
            self._link.settimeout(timeout_s)
            try:
                told = self._link.recv(64)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired([str(self.pid)], timeout_s or 0) from None
            self._link.close()
            self.returncode = os.waitstatus_to_exitcode(int(told))
        return self.returncode

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class Warm:
    """The process that forks. It is started by the first program and ends with `close`."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="brokenvideos-warm-")
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self,
        command: Sequence[str],
        *,
        stdout: IO[Any],
        stderr: IO[Any],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Program:
        """Starts a program; its streams are files or pipes that have a number.

        Raises:
            ValueError: the environment has other settings of libraries than the forking process
                read when it loaded them.
        """
        wanted = dict(os.environ if env is None else env)
        read = {name for name in {*wanted, *os.environ} if name.startswith(READ_AT_IMPORT)} - {
            "PYTHONUNBUFFERED"
        }
        if other := sorted(name for name in read if wanted.get(name) != os.environ.get(name)):
            raise ValueError(
                f"a warm program has the libraries' settings as they are, not its own {other}"
            )
        link = self._call()
        asked = json.dumps(
            {"command": list(command), "cwd": str(cwd or Path.cwd()), "env": wanted}
        ).encode()
        socket.send_fds(link, [f"{len(asked):16d}".encode()], [stdout.fileno(), stderr.fileno()])
        link.sendall(asked)
        return Program(int(link.recv(64)), link)

    def start_talking(
        self,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Program:
        """Starts a program whose output and errors are read line by line at its `stdout`."""
        reading, writing = os.pipe()
        with open(writing, "wb") as file:
            program = self.start(command, stdout=file, stderr=file, cwd=cwd, env=env)
        program.stdout = open(reading)  # noqa: SIM115
        return program

    def _call(self) -> socket.socket:
        address, said = (Path(self._folder.name, name) for name in ("socket", "said"))
        if self._process is None:
            with said.open("wb") as file:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", "from tests.warm import serve; serve()", str(address)],
                    cwd=Path(__file__).parents[1],
                    stdin=subprocess.PIPE,
                    stdout=file,
                    stderr=file,
                    start_new_session=True,
                )
        until = time.monotonic() + START_S
        while True:
            link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                link.connect(str(address))
                return link
            except (FileNotFoundError, ConnectionRefusedError):
                link.close()
                assert self._process.poll() is None, said.read_text()
                assert time.monotonic() < until, said.read_text()
                time.sleep(0.02)

    def close(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            self._process.terminate()  # forks of this process may hold its standard input open
            self._process.wait()
        self._folder.cleanup()


def serve() -> None:
    """Loads the libraries, then forks for everybody who calls at the address, until standard input
    ends.
    """
    for name in LOADED:
        import_module(name)
    gc.collect()
    gc.freeze()  # forks share these pages as long as nobody counts in them
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.bind(sys.argv[1])
        door.listen(64)
        while sys.stdin not in (ready := select.select([door, sys.stdin], [], [])[0]):
            if door not in ready:
                continue
            link, _ = door.accept()
            _reap()
            if not os.fork():
                door.close()
                _attend(link)
            link.close()


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _attend(link: socket.socket) -> NoReturn:
    """Starts the program that is asked for, says its number, waits for it and says its status."""
    try:
        size, streams, _, _ = socket.recv_fds(link, 16, 2)
        asked = json.loads(link.recv(int(size), socket.MSG_WAITALL))
        pid = os.fork()
        if not pid:
            link.close()
            _become(asked["command"], asked["cwd"], asked["env"], streams)
        for stream in streams:
            os.close(stream)
        link.sendall(str(pid).encode())
        if hasattr(os, "pidfd_open"):
            ended = os.pidfd_open(pid)
            if ended not in select.select([link, ended], [], [])[0]:  # who asked for it is gone
                os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
            link.sendall(str(status).encode())
    finally:
        os._exit(0)


def _become(command: list[str], cwd: str, env: dict[str, str], streams: list[int]) -> NoReturn:
    """Is the program from here on."""
    status = 1
    try:
        os.setsid()
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        with open(os.devnull, "rb") as nothing:
            for number, file in enumerate((nothing.fileno(), *streams)):
                os.dup2(file, number)
        for stream in streams:
            os.close(stream)
        if env.get("PYTHONUNBUFFERED"):
            for text in (sys.stdout, sys.stderr):
                text.reconfigure(write_through=True)
        import_module("numpy").random.seed()  # `random` does so by itself
        try:
            _run(command[1:] if command[0] == sys.executable else command)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
    finally:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _run(words: list[str]) -> None:
    """Runs `-c CODE …` or `SCRIPT …` as the main module."""
    main = types.ModuleType("__main__")
    if words[0] == "-c":
        source, path, sys.argv = words[1], "<string>", ["-c", *words[2:]]
        sys.path[0] = ""
    else:
        path, sys.argv = words[0], words
        source = Path(path).read_text()
        sys.path[0] = str(Path(path).absolute().parent)
        main.__file__ = path
    sys.modules["__main__"] = main
    exec(compile(source, path, "exec", dont_inherit=True), main.__dict__)
