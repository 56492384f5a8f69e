"""Verification on a device says the same as on the CPU; without CUDA one line says so. (For
tests/builder/.)
"""

import sys
from pathlib import Path

import pytest
import torch

from brokenvideos.builder import verify
from brokenvideos.masks.device import DeviceError


def test_the_report_says_what_decoded(release: Path) -> None:
    assert verify(release).device == {"device": "cpu", "backend": "numpy"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_no_cuda_is_one_line(release: Path, run_warm) -> None:
    with pytest.raises(DeviceError) as caught:
        verify(release, device="cuda")
    script = "from brokenvideos.tools.commands.main import main; main()"
    done = run_warm([sys.executable, "-c", script, "verify", str(release), "--device", "cuda"])
    assert (done.returncode, done.stderr) == (1, f"brokenvideos: {caught.value}\n")


@pytest.mark.gpu
def test_cuda_finds_nothing_in_a_good_release(release: Path, raw: Path) -> None:
    report = verify(release, raw=raw, device="cuda")
    assert report.ok
    assert report.device["backend"] in ("torch", "triton")
