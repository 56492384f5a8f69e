"""Lays src/brokenvideos: the checkout as one package, in links, for editors and type checkers.
Never committed.
"""

import shutil
from pathlib import Path

FRONT_DOOR = {"__init__.py": "brokenvideos.py"}
NAMES = ("py.typed", "masks", "frames", "release", "sampling", "builder", "card", "tools", "sample")


def lay_links(root: Path) -> None:
    """Makes the links below `root`/src anew.

    Raises:
        OSError: links cannot be made here.
    """
    package = root / "src" / "brokenvideos"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    for name, target in {**FRONT_DOOR, **dict(zip(NAMES, NAMES, strict=True))}.items():
        (package / name).symlink_to(
            Path("..", "..", target), target_is_directory=(root / target).is_dir()
        )


if __name__ == "__main__":
    lay_links(Path(__file__).resolve().parent.parent)
