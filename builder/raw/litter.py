"""Entries that file managers, archivers and network drives leave in folders, and that nobody put there."""

import re

_NAMES = frozenset(
    (
        "thumbs.db",
        "ehthumbs.db",
        "ehthumbs_vista.db",
        "desktop.ini",
        "icon\r",
        "__macosx",
        "$recycle.bin",
        "system volume information",
        "@eadir",
        "lost+found",
    )
)
"""Lower case: Windows and macOS write them in several."""

_PAX_HEADER = re.compile(r"paxheaders?(\.[0-9X]+)?", re.IGNORECASE)


def is_litter(name: str) -> bool:
    """Whether a file or folder of this name is passed over wherever it lies: in a folder or in a tar.

    Hidden entries are (.DS_Store, ._00000.png, .ipynb_checkpoints), and what Windows, macOS, network drives and old tar programs
    leave (Thumbs.db, desktop.ini, __MACOSX, @eaDir, PaxHeaders.1234). What lies in such a folder is litter too: ask for every part
    of a path.

    Args:
        name: of one entry, without its folders.
    """
    return name.startswith(".") or name.lower() in _NAMES or _PAX_HEADER.fullmatch(name) is not None
