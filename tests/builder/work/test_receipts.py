"""A key follows everything that work depends on, and nothing else; a receipt is believed while its
files are what they were.
"""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from brokenvideos.builder.work.receipts import Receipt, finished, key_of, write_receipt


@dataclass(frozen=True, slots=True)
class Source:
    folder: Path
    values: object = None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a.png").write_bytes(b"1234")
    (tmp_path / "in" / "deep" / "b.png").write_bytes(b"1234")
    return tmp_path / "in"


def test_files_are_known_by_name_size_and_time(folder: Path) -> None:
    def key() -> str:
        return key_of(Source(folder), root=folder.parent)

    keys = [key(), key()]
    assert keys[0] == keys[1]
    (folder / "a.png").write_bytes(b"12345")
    keys.append(key())
    os.utime(folder / "deep" / "b.png", ns=(1, 1))
    keys.append(key())
    (folder / "deep" / "b.png").rename(folder / "deep" / "c.png")
    keys.append(key())
    (folder / "d.png").touch()
    keys.append(key())
    shutil.rmtree(folder)
    keys.append(key())
    assert len(set(keys)) == 6


def test_a_folder_may_move(folder: Path, tmp_path: Path) -> None:
    before = key_of(Source(folder), folder / "a.png", root=folder)
    moved = folder.rename(tmp_path / "moved")
    assert key_of(Source(moved), moved / "a.png", root=moved) == before


def test_every_value_counts(tmp_path: Path) -> None:
    values = [
        None,
        0,
        "0",
        0.5,
        b"0",
        (),
        (1, 2),
        range(1, 3),
        {1: 2},
        {(None, "a"): 2},
        np.zeros(2, np.uint8),
        np.zeros(2, np.uint16),
        np.zeros((1, 2), np.uint8),
        Source(tmp_path / "none"),
        tmp_path / "none",
    ]
    assert len({key_of(value, root=tmp_path) for value in values}) == len(values)
    assert key_of(MappingProxyType({1: 2}), root=tmp_path) == key_of({1: 2}, root=tmp_path)
    with pytest.raises(TypeError) as caught:
        key_of([{1}], root=tmp_path)
    assert (
        str(caught.value)
        == "set in {1}: a change of it cannot be detected; wanted plain values and paths."
    )


def test_a_receipt_is_believed_while_its_files_are_what_they_were(tmp_path: Path) -> None:
    path, file = tmp_path / "receipt.json", tmp_path / "file"
    file.write_bytes(b"content")
    sha256 = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73"
    receipt = Receipt("key", {"file": sha256}, {"answer": 42})
    write_receipt(path, receipt)
    assert finished(path, key="key", folder=tmp_path) == receipt
    assert finished(path, key="other", folder=tmp_path) is None
    assert finished(tmp_path / "none.json", key="key", folder=tmp_path) is None
    file.write_bytes(b"Content")
    assert finished(path, key="key", folder=tmp_path) is None
    file.unlink()
    assert finished(path, key="key", folder=tmp_path) is None
    for wrong in (b"", b"[]", b'{"key": "key"}', b'{"key": "key", "files": 1, "result": 2}'):
        path.write_bytes(wrong)
        assert finished(path, key="key", folder=tmp_path) is None
