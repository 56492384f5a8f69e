"""Checks that a device exists, and chooses the backend for it."""

import subprocess
from functools import lru_cache
from typing import Literal, TypedDict

import torch

Backend = Literal["numpy", "torch", "triton"]


class DeviceError(RuntimeError):
    """A device that this machine or this torch does not have."""


class DeviceFacts(TypedDict):
    """The device and backend of some work, for reports: plain strings, None if a value does not
    apply.
    """

    device: str
    name: str | None
    backend: Backend
    torch: str
    triton: str | None


def require_device(device: torch.device | str) -> torch.device:
    """The device, with its index if it is a CUDA device.

    Raises:
        DeviceError: no such device, or no CUDA; the message says which, and what to do.
    """
    try:
        checked_device = torch.device(device)
    except RuntimeError:
        raise DeviceError(
            f'device {device!r}: torch knows no such device, wanted "cpu", "cuda" or "cuda:1".'
        ) from None
    if checked_device.type != "cuda":
        return checked_device
    if not torch.cuda.is_available():
        built = (
            "sees no CUDA device"
            if torch.version.cuda or torch.version.hip
            else "was built without CUDA"
        )
        raise DeviceError(
            f"device {device}: torch {torch.__version__} {built}. Use device cpu, or install a "
            "torch with CUDA (https://pytorch.org/get-started) on a machine with an NVIDIA GPU."
        )
    index = torch.cuda.current_device() if checked_device.index is None else checked_device.index
    if index >= torch.cuda.device_count():
        raise DeviceError(
            f"device {device}: this machine has {torch.cuda.device_count()} CUDA devices, wanted "
            "an index below that."
        )
    return torch.device("cuda", index)


def backend_of(device: torch.device) -> Backend:
    """The backend of a device: NumPy on the CPU, where it is faster than torch; on CUDA Triton if
    its kernels compile and work.
    """
    if device.type == "cpu":
        return "numpy"
    return "triton" if device.type == "cuda" and _kernels_work(device) else "torch"


def describe(device: torch.device | str) -> DeviceFacts:
    """The device and its backend, for a report.

    Raises:
        DeviceError: as `require_device`.
    """
    checked_device = require_device(device)
    backend = backend_of(checked_device)
    return {
        "device": str(checked_device),
        "name": torch.cuda.get_device_name(checked_device)
        if checked_device.type == "cuda"
        else None,
        "backend": backend,
        "torch": str(torch.__version__),
        "triton": _triton_version() if backend == "triton" else None,
    }


def _triton_version() -> str:
    import triton

    return str(triton.__version__)


@lru_cache(maxsize=16)
def _kernels_work(device: torch.device) -> bool:
    """Tries the kernels once on a mask with a known bitmap, because Triton also needs a C compiler
    and a suitable driver.
    """
    try:
        from triton.errors import TritonError

        from . import kernels
    except ImportError:
        return False
    # 3 x 5 pixels, by pycocotools
    text = torch.tensor(list(b"554L"), dtype=torch.uint8, device=device)
    try:
        runs = kernels.parse(
            text, torch.tensor([4], device=device), torch.tensor([15], device=device)
        )
        planes = torch.empty((1, 15), dtype=torch.uint8, device=device)
        kernels.raster(runs, planes, pixels=15)
        return planes.tolist() == [[0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1]]
    except (TritonError, ImportError, OSError, RuntimeError, subprocess.SubprocessError):
        return False
