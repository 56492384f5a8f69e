"""Memory of a process that decodes frames all day in several threads."""

import ctypes
import sys

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # numbers of malloc.h


def return_freed_memory() -> None:
    """Has glibc give large blocks back when they are freed, and use one arena for all threads; elsewhere nothing happens.

    By itself it keeps the frames that each thread has freed: 650 MB instead of 400 after thirty jumps through a 720p video.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:  # not in musl
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, 2**20)
