"""Lays the checkout out as one package in a wheel: brokenvideos.py becomes
brokenvideos/__init__.py, the rooms lie beside it.
"""

import runpy
from contextlib import suppress
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOMS = ("masks", "frames", "release", "sampling", "builder", "card", "tools", "sample")


class WheelLayout(BuildHookInterface):  # type: ignore[type-arg]
    """A wheel holds the package. An editable install finds it in the checkout, and static tools in
    links below src/.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        if version != "standard":
            with suppress(OSError):
                runpy.run_path(str(root / ".ci" / "links.py"))["lay_links"](root)
            return
        layout = {
            "brokenvideos.py": "brokenvideos/__init__.py",
            "py.typed": "brokenvideos/py.typed",
        }
        for room in ROOMS:
            for file in sorted((root / room).rglob("*")):
                if file.is_file() and "__pycache__" not in file.parts:
                    layout[file.relative_to(root).as_posix()] = (
                        f"brokenvideos/{file.relative_to(root).as_posix()}"
                    )
        build_data["force_include"].update(
            {str(root / source): target for source, target in layout.items()}
        )
