"""Memory settings for a process that decodes frames in several threads for a long time."""

import ctypes
import sys

_ARENA_MAX, _MMAP_THRESHOLD = -8, -3  # numbers of malloc.h


def return_freed_memory() -> None:
    """Lets glibc return large freed blocks to the system, and use one arena for all threads.

    Without this, glibc keeps the frames that each thread has freed: 650 MB instead of 400 MB after
    thirty jumps through a 720p video. With other C libraries, nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:  # not in musl
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, 2**20)
