"""Raw folders of every layout, written from what a test says is in them."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

WriteRaw = Callable[[Mapping[str, object]], Path]


@pytest.fixture
def raw_copy(raw: Path, tmp_path: Path) -> Path:
    """A copy of the raw folder `raw`, to change."""
    shutil.copytree(raw, tmp_path / "raw")
    return tmp_path / "raw"


@pytest.fixture
def write_raw(tmp_path: Path) -> WriteRaw:
    """Writes a raw folder from its files by name; called again, adds to it.

    Content: bool, uint8 or uint16 [H, W] → 1-bit, grey or 16-bit PNG; a Pillow image → PNG; a list
    → JSON lines of dicts, of strings as they are; a dict → JSON; bytes and None (an empty file) as
    they are; a name that ends in "/" → an empty folder.
    """
    raw = tmp_path / "raw"
    raw.mkdir()

    def write(files: Mapping[str, object]) -> Path:
        for name, content in files.items():
            path = raw / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith("/"):
                path.mkdir(exist_ok=True)
            elif isinstance(content, np.ndarray):
                Image.fromarray(content).save(path, "PNG")
            elif isinstance(content, Image.Image):
                content.save(path, "PNG")
            elif isinstance(content, list):
                lines = [line if isinstance(line, str) else json.dumps(line) for line in content]
                path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
            elif isinstance(content, dict):
                path.write_text(json.dumps(content), encoding="utf-8")
            else:
                path.write_bytes(content if isinstance(content, bytes) else b"")
        return raw

    return write
