"""Environments for software that does not fit beside ours, made by the test that needs it."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest


def environment(folder: Path, *packages: str, ours: bool) -> Path:
    """The Python of a new virtual environment with these packages.

    Without a package index the test is skipped; with REQUIRE_INDEX=1 it fails then.

    Args:
        folder: where it is made; must not exist.
        ours: whether it sees what is installed here, after its own packages, so that little is
            installed anew.
    """
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    if ours:
        inside = subprocess.check_output(
            [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], text=True
        )
        here = [
            sysconfig.get_path("purelib"),
            *(path for path in sys.path if path.endswith("site-packages")),
        ]
        Path(inside.strip(), "ours.pth").write_text(
            "".join(f"{path}\n" for path in dict.fromkeys(here))
        )
    install = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--disable-pip-version-check",
        *packages,
    ]
    done = subprocess.run(install, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["pip said nothing"])[-1]
        reason = f"{', '.join(packages)} cannot be installed: {last}"
        if os.environ.get("REQUIRE_INDEX") == "1":
            pytest.fail(reason)
        pytest.skip(f"{reason}. With REQUIRE_INDEX=1 this fails")
    return python
