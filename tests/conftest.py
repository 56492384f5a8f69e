"""One small raw dataset and its release for every test that needs one, and a Hugging Face home of
the tests' own.
"""

import ast
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

# Before `datasets` is imported: it reads these once. Every process has its own home, so no test
# meets another's Arrow cache.
_HOME = tempfile.TemporaryDirectory(prefix="brokenvideos-tests-")
os.environ |= {
    "HF_HOME": _HOME.name,
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "OMP_NUM_THREADS": "1",
}
os.environ.pop("BROKENVIDEOS_REPO", None)
# Where bytecode may not be written beside its source, each of the many processes that tests start
# would compile torch and all else anew, which takes as long again as importing them: it is kept
# beside pytest's cache.
if sys.dont_write_bytecode:
    sys.dont_write_bytecode = False
    sys.pycache_prefix = str(Path(__file__).parents[1] / ".pytest_cache" / "bytecode")
    os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

import pytest  # noqa: E402

from brokenvideos.builder import BuildOptions, build  # noqa: E402
from brokenvideos.card import card_files  # noqa: E402
from brokenvideos.tools.synthetic.sample import write_sample  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.hub.state import State
    from tests.warm import Program, Warm

Run = Callable[..., subprocess.CompletedProcess[str]]


def _flushed(file: "int | IO[bytes]") -> None:
    """Stands for `os.fsync` in this process: no test pulls the plug, and a disk takes its time. No
    file is an error as ever.
    """
    os.fstat(file if isinstance(file, int) else file.fileno())


os.fsync = _flushed


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--renew",
        action="store_true",
        help="Write the texts that tests compare with anew; look at the diff.",
    )


LONG = (
    "tests/sampling/test_resume.py",
    "tests/test_hub.py",
    "tests/tools/publishing/",
    "tests/tools/training/",
)
"""Modules of 10 s and more without slow tests."""


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = (
        False  # by number of tests: it leaves the few long ones for the end
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Modules that take long come first, so that no worker is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    browser = {item.path for item in items if "chromium" in getattr(item, "fixturenames", ())}
    items.sort(
        key=lambda item: (
            item.path not in slow,
            item.path not in browser,
            not item.nodeid.startswith(LONG),
        )
    )


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked gpu needs a CUDA device: without one it is skipped, with REQUIRE_GPU=1 it
    fails.
    """
    if item.get_closest_marker("gpu") is None:
        return
    import torch

    if not torch.cuda.is_available():
        (pytest.fail if os.environ.get("REQUIRE_GPU") == "1" else pytest.skip)("no CUDA device")


@pytest.fixture
def is_as_stored(request: pytest.FixtureRequest) -> Callable[[Path, str], bool]:
    """Whether a file holds this text; with --renew the file is written instead."""

    def compare(path: Path, text: str) -> bool:
        if request.config.getoption("--renew"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return path.exists() and path.read_text(encoding="utf-8") == text

    return compare


@pytest.fixture(autouse=True, scope="module")
def own_caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Caches of this module's own, so that what its tests find there does not depend on which
    modules ran before.
    """
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("caches")
        patch.setattr("datasets.config.HF_DATASETS_CACHE", folder / "datasets")
        patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder / "hub"))
        yield


def _ended(
    process: "subprocess.Popen[bytes] | Program",
    command: Sequence[str],
    out: IO[str],
    err: IO[str],
    *,
    timeout_s: float,
) -> subprocess.CompletedProcess[str]:
    """What a process said until its end, which is that of its whole group."""
    try:
        process.wait(timeout_s)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    out.seek(0)
    err.seek(0)
    return subprocess.CompletedProcess(list(command), process.wait(), out.read(), err.read())


@pytest.fixture(scope="session")
def run_process() -> Run:
    """Runs a command to its end, as subprocess.run does; one that hangs is ended together with
    everything it started.

    (subprocess.run kills the command alone and then waits for the pipes that its children hold
    open, for ever.)
    """

    def run(
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float = 100,
    ) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
            return _ended(process, command, out, err, timeout_s=timeout_s)

    return run


@pytest.fixture(scope="session")
def warm() -> "Iterator[Warm]":
    """Starts Python programs as forks of a process that has the libraries loaded; tests/warm.py
    says for which tests.
    """
    from tests.warm import Warm

    warm = Warm()
    yield warm
    warm.close()


@pytest.fixture(scope="session")
def run_warm(warm: "Warm") -> Run:
    """As `run_process`, for a Python program whose start is not what the test is about."""

    def run(
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        timeout_s: float = 100,
    ) -> subprocess.CompletedProcess[str]:
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            program = warm.start(command, stdout=out, stderr=err, cwd=cwd, env=env)
            return _ended(program, command, out, err, timeout_s=timeout_s)

    return run


@pytest.fixture(scope="session")
def parse_python() -> Callable[[Path], ast.Module]:
    """`house.parse`: the syntax tree of a Python file."""
    from tests.house import parse

    return parse


@pytest.fixture(scope="session")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A raw folder in our own layout: 9 videos of 12 frames, 64x48."""
    return write_sample(
        tmp_path_factory.mktemp("raw") / "raw", videos=9, num_frames=12, height=48, width=64
    )


@pytest.fixture(scope="session")
def release(raw: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release of `raw`; train has two shards. Read only: a test that changes it works on a
    copy.
    """
    out = tmp_path_factory.mktemp("release") / "release"
    build(raw, out, BuildOptions(num_shards={"train": 2}), more_files=card_files)
    return out


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """A Chromium of the system, driven by playwright; REQUIRE_CHROMIUM=1 makes its absence a
    failure.

    One per module and not per session: while it lives, its event loop counts as running in this
    thread.
    """
    missing = None
    path = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing = "playwright is not installed: pip install '.[test]'"
    if path is None:
        missing = "no Chromium on PATH: apt-get install chromium"
    if missing:
        if os.environ.get("REQUIRE_CHROMIUM") == "1":
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        # --no-sandbox: containers, where CI runs as root, do not let Chromium make its own.
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--force-color-profile=srgb"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real videos, masks and reference scores, named by BROKENVIDEOS_REAL_DATA."""
    folder = os.environ.get("BROKENVIDEOS_REAL_DATA")
    if not folder:
        pytest.skip("BROKENVIDEOS_REAL_DATA is not set: no real videos and masks to try")
    return Path(folder)


@pytest.fixture
def hub(tmp_path: Path) -> "Iterator[State]":
    """A Hugging Face Hub of the tests' own on loopback; tests/hub/README.md says what it can
    show.
    """
    from tests.hub.server import serving

    with serving(tmp_path / "hub") as state:
        yield state


@pytest.fixture
def online(hub: "State", monkeypatch: pytest.MonkeyPatch) -> "Iterator[list[float]]":
    """This process meets `hub` as its owner; gives the waits, in seconds, that huggingface_hub
    asked for and did not get.
    """
    from tests.hub.client import meeting

    with meeting(hub, monkeypatch) as waits_s:
        yield waits_s
