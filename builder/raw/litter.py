"""Recognizes entries that file managers, archivers and network drives create in folders."""

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
"""Names in lower case, because Windows and macOS write them in upper or lower case."""

_PAX_HEADER = re.compile(r"paxheaders?(\.[0-9X]+)?", re.IGNORECASE)


def is_litter(name: str) -> bool:
    """Whether a file or folder with this name is ignored, in a folder and in a tar.

    Litter is every hidden entry (.DS_Store, ._00000.png, .ipynb_checkpoints), and what Windows,
    macOS, network drives and old tar programs leave (Thumbs.db, desktop.ini, __MACOSX, @eaDir,
    PaxHeaders.1234). The content of such a folder is litter too, so check every part of a path.

    Args:
        name: of one entry, without its folders.
    """
    return name.startswith(".") or name.lower() in _NAMES or _PAX_HEADER.fullmatch(name) is not None
