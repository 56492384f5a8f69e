"""Decodes masks and computes fingerprints on a torch device; every bit is equal to NumPy's result.

Importing this package imports torch; `brokenvideos.masks` imports it only when a device is used.
Three backends do the work: NumPy on the CPU, Triton kernels on CUDA where they load, torch
operations anywhere else (`backend_of`). The torch operations are tested on the CPU, the kernels in
Triton's interpreter and by compiling them for sm_90; neither has yet been run on a GPU.
"""

from .bitmaps import decode, decode_batch, decode_many, decode_packed, decode_planes
from .fingerprints import fingerprint
from .place import Backend, DeviceError, backend_of, describe, require_device
from .proof import fingerprint_decoded
from .strings import encode

__all__ = [
    "Backend",
    "DeviceError",
    "backend_of",
    "decode",
    "decode_batch",
    "decode_many",
    "decode_packed",
    "decode_planes",
    "describe",
    "encode",
    "fingerprint",
    "fingerprint_decoded",
    "require_device",
]
