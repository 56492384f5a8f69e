"""What Windows lacks, taken away here: loading and training work without it, and a build says what
it needs.
"""

import ast
import errno
import fcntl
import os
import sys
from pathlib import Path

import pytest

from brokenvideos.builder import BuildOptions, build
from brokenvideos.builder.work import write_atomic
from brokenvideos.tools.synthetic.sample import write_sample
from brokenvideos.tools.training.checkpoint import newest_folder

ROOT = Path(__file__).parent.parent
ROOMS = [
    room for room in ROOT.iterdir() if (room / "__init__.py").exists() and room.name != "tests"
]
POSIX_ONLY = {
    "crypt",
    "fcntl",
    "grp",
    "posix",
    "pty",
    "pwd",
    "resource",
    "syslog",
    "termios",
    "tty",
}


def test_no_module_needs_posix_to_be_imported(parse_python) -> None:
    wrong = set()
    files = [ROOT / "brokenvideos.py", *(path for room in ROOMS for path in room.rglob("*.py"))]
    assert len(files) > 50
    for path in files:
        for node in parse_python(path).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            wrong |= {
                f"{path.relative_to(ROOT)} imports {name}" for name in names if name in POSIX_ONLY
            }
    assert not wrong


def test_rows_load_without_fcntl(run_process, tmp_path: Path) -> None:
    """In a cache of its own: a soft lock waits for ever for a file that a lock of another kind has
    left behind.
    """
    script = (
        "import sys; sys.modules |= dict.fromkeys(['fcntl', 'resource']);import brokenvideos, "
        "brokenvideos.tools.commands.main;row = next(iter(brokenvideos.load('sample', "
        "split='train', streaming=True)));print(brokenvideos.decode_masks(row).ndim)"
    )
    done = run_process([sys.executable, "-c", script], env={**os.environ, "HF_HOME": str(tmp_path)})
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr


def test_a_build_without_locks_says_where_it_runs(raw: Path, tmp_path: Path, run_process) -> None:
    out = tmp_path / "out"
    script = (
        "import sys; sys.modules['fcntl'] = None; from brokenvideos.tools.commands.main "
        "import main; main()"
    )
    done = run_process([sys.executable, "-c", script, "build", str(raw), str(out)])
    assert done.returncode == 1
    assert done.stderr.endswith(  # before it filelock may say that its locks are soft now
        f"brokenvideos: {out}: building a release needs Linux or macOS; this system has no file "
        "locks that end with their process (fcntl). On Windows build it in WSL; loading, training "
        "and evaluating work without.\n"
    )
    assert not list(tmp_path.iterdir())


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that opens no folders, flushes no file that is open for reading only, and makes no
    links.
    """
    real_open, real_fsync = os.open, os.fsync

    def open_files_only(path: str, *arguments: int, **named: int | None) -> int:
        # with dir_fd it is shutil.rmtree, which goes another way on Windows
        if os.path.isdir(path) and not named:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
        return real_open(path, *arguments, **named)

    def flush_what_is_written(descriptor: int) -> None:
        if fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        real_fsync(descriptor)

    def no_link(*_: object, **__: object) -> None:
        raise OSError(errno.EPERM, "A required privilege is not held by the client")

    monkeypatch.setattr(os, "open", open_files_only)
    monkeypatch.setattr(os, "fsync", flush_what_is_written)
    monkeypatch.setattr(os, "symlink", no_link)
    monkeypatch.setattr(os, "link", no_link)


@pytest.mark.usefixtures("windows")
def test_files_are_written_where_folders_cannot_be_opened(tmp_path: Path) -> None:
    write_atomic(tmp_path / "file", b"whole")
    write_sample(tmp_path / "raw", videos=3)
    build(tmp_path / "raw", tmp_path / "release", BuildOptions(num_shards={"train": 1}))
    assert (tmp_path / "file").read_bytes() == b"whole"
    assert (tmp_path / "release" / "manifest.json").exists()


@pytest.mark.usefixtures("windows")
def test_the_newest_folder_has_the_name_where_there_are_no_links(tmp_path: Path) -> None:
    for step in (1, 2):
        with newest_folder(tmp_path / "best", step=step) as folder:
            (folder / "step").write_text(str(step))
    assert [path.name for path in tmp_path.iterdir()] == ["best"]
    assert (tmp_path / "best" / "step").read_text() == "2"


def test_the_newest_folder_takes_the_place_of_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in (1, 2):
        with newest_folder(tmp_path / "best", step=step) as folder:
            (folder / "step").write_text(str(step))
        # Windows with the right to make links: none takes the place of another.
        monkeypatch.setattr(
            Path,
            "replace",
            lambda *_: (_ for _ in ()).throw(PermissionError(errno.EACCES, "denied")),
        )
    assert [path.name for path in tmp_path.iterdir()] == ["best"]
    assert not (tmp_path / "best").is_symlink()
    assert (tmp_path / "best" / "step").read_text() == "2"
