""".ci/pins.py against a small index of wheels made here: no network, the same resolver."""

import io
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
pytest.importorskip("uv", reason="uv is not installed: pip install '.[lint]' in a checkout")
pytestmark = pytest.mark.skipif(
    not (ROOT / ".ci").exists(), reason="a source distribution has no .ci"
)

PROJECT = """\
[project]
name = "brokenvideos"
version = "1"
requires-python = ">=3.11"
classifiers = ["Programming Language :: Python :: 3.11", "Programming Language :: Python :: 3.14"]
dependencies = ["torch", "jsonpath"]
[project.optional-dependencies]
gpu = ["triton>=3; platform_system == 'Linux'"]
"""
PINS = """\
# Written by `make constraints` from pyproject.toml: what resolves with the package index alone.
# Without a wheel, built while installing: jsonpath
jsonpath==1.0
torch==2.13.0
triton==3.7.1 ; sys_platform == 'linux'
"""


def wheel(
    folder: Path, name: str, version: str, *, tag: str = "py3-none-any", needs: str = ""
) -> None:
    metadata = f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n" + (
        f"Requires-Dist: {needs}\n" if needs else ""
    )
    with zipfile.ZipFile(folder / f"{name}-{version}-{tag}.whl", "w") as file:
        file.writestr(f"{name}-{version}.dist-info/METADATA", metadata)
        file.writestr(
            f"{name}-{version}.dist-info/WHEEL",
            f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tag}\n",
        )
        file.writestr(f"{name}-{version}.dist-info/RECORD", "")


def sdist(folder: Path, name: str, version: str) -> None:
    with tarfile.open(folder / f"{name}-{version}.tar.gz", "w:gz") as file:
        for member, text in {
            "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n",
            "pyproject.toml": f'[project]\nname = "{name}"\nversion = "{version}"\n',
        }.items():
            information = tarfile.TarInfo(f"{name}-{version}/{member}")
            information.size = len(text)
            file.addfile(information, io.BytesIO(text.encode()))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with the pins that fit its index: torch, which wants one triton, and a package
    without a wheel.
    """
    index = tmp_path / "index"
    index.mkdir()
    wheel(index, "torch", "2.13.0", needs="triton==3.7.1; sys_platform == 'linux'")
    wheel(index, "torch", "2.14.0", needs="triton==3.9.0; sys_platform == 'linux'")
    wheel(index, "triton", "3.7.1")
    wheel(index, "triton", "3.9.0")
    sdist(index, "jsonpath", "1.0")
    (tmp_path / ".ci").mkdir()
    for name in ("pins.py", "uv.toml"):
        shutil.copy(ROOT / ".ci" / name, tmp_path / ".ci" / name)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "constraints.txt").write_text(PINS)
    return tmp_path


@pytest.fixture
def pins(project: Path, run_process):
    def run(word: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            str(project / ".ci" / "pins.py"),
            word,
            "--no-index",
            "--find-links",
            str(project / "index"),
        ]
        return run_process(command)

    return run


def test_pins_that_install_everywhere_pass(pins) -> None:
    done = pins("check")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "constraints.txt resolves for Python 3.11, 3.14 on Linux, Linux on Arm, macOS on Arm, "
        "Windows.\n"
        "Source only: jsonpath; every other package has a wheel for each of them.\n"
    )


def test_a_wrong_triton_fails_and_names_the_two_that_contradict(project: Path, pins) -> None:
    (project / "constraints.txt").write_text(PINS.replace("3.7.1", "3.9.0"))
    done = pins("check")
    assert (done.returncode, done.stdout) == (1, "")
    first, *rest = done.stderr.splitlines()
    assert first == (
        "constraints.txt does not install on Python 3.11 on Linux, Python 3.11 on Linux on Arm, "
        "Python 3.14 on Linux, Python 3.14 on Linux on Arm:"
    )
    told = "\n".join(rest)
    assert re.search(r"torch\S* depends on triton[^,]*==3\.7\.1", told)
    assert re.search(r"depends on triton[^,]*==3\.9\.0", told)


def test_a_platform_without_a_wheel_fails(project: Path, pins) -> None:
    for path in (project / "index").glob("torch-2.13.0*"):
        path.unlink()
    for platform in ("manylinux_2_28_x86_64", "manylinux_2_28_aarch64", "macosx_14_0_arm64"):
        wheel(
            project / "index",
            "torch",
            "2.13.0",
            tag=f"py3-none-{platform}",
            needs="triton==3.7.1; sys_platform == 'linux'",
        )
    done = pins("check")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "constraints.txt does not install on Python 3.11 on Windows, Python 3.14 on Windows:\n"
    )
    assert "torch==2.13.0 has no" in done.stderr


@pytest.mark.parametrize(
    ("project_now", "pins_now", "changed"),
    [
        (PROJECT.replace('"jsonpath"', '"jsonpath", "added"'), PINS, "  +added==1.0\n"),
        (PROJECT.replace('"torch", ', ""), PINS, "  -torch==2.13.0\n"),
        (PROJECT, PINS.replace("# Without a wheel, built while installing: jsonpath\n", ""), None),
    ],
    ids=[
        "a dependency without a pin",
        "a pin without a dependency",
        "a package without a wheel that is not listed",
    ],
)
def test_pins_that_are_out_of_date_fail(
    project: Path, pins, project_now: str, pins_now: str, changed: str | None
) -> None:
    wheel(project / "index", "added", "1.0")
    (project / "pyproject.toml").write_text(project_now)
    (project / "constraints.txt").write_text(pins_now)
    done = pins("check")
    assert done.returncode == 1
    if changed is None:
        assert "jsonpath==1.0 has no" in done.stderr
    else:
        assert (
            done.stderr
            == "constraints.txt is not what pyproject.toml asks for; run `make constraints`:\n"
            + changed
        )


@pytest.mark.parametrize(
    "before",
    [None, PINS, PINS.replace("3.7.1", "3.9.0")],
    ids=["no pins", "the same", "a wrong triton"],
)
def test_write_makes_the_pins(project: Path, pins, before: str | None) -> None:
    (project / "constraints.txt").unlink()
    if before is not None:
        (project / "constraints.txt").write_text(before)
    assert pins("write").returncode == 0
    assert (project / "constraints.txt").read_text() == PINS


def test_write_keeps_the_pins_that_are_there_when_nothing_fits(project: Path, pins) -> None:
    (project / "pyproject.toml").write_text(PROJECT.replace('"torch"', '"torch>2.13"'))
    done = pins("write")
    assert done.returncode == 1
    assert "torch" in done.stderr
    assert (project / "constraints.txt").read_text() == PINS


def test_settings_of_the_machine_stay_outside(
    project: Path, pins, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "constraints.txt").write_text(PINS.replace("3.7.1", "3.9.0"))
    (project / "overrides.txt").write_text("triton==3.9.0")
    # with it the wrong triton would resolve
    monkeypatch.setenv("UV_OVERRIDE", str(project / "overrides.txt"))
    assert pins("check").stderr.startswith(
        "constraints.txt does not install on Python 3.11 on Linux, "
    )
