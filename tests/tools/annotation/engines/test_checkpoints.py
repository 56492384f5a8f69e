"""Checkpoints that are there, and those that are not: one line at once."""

import time
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from brokenvideos.tools.annotation.engines import EngineError
from brokenvideos.tools.annotation.engines.checkpoints import find_checkpoint

if TYPE_CHECKING:
    from tests.hub.state import State


def refused(name: str) -> str:
    with pytest.raises(EngineError) as caught:
        find_checkpoint(name, weights="*.safetensors", others=["*.json"])
    return str(caught.value)


def test_a_file_and_a_folder(tmp_path: Path) -> None:
    for name in ("b.safetensors", "a.safetensors"):
        (tmp_path / name).write_bytes(name.encode())
    file = find_checkpoint(str(tmp_path / "b.safetensors"), weights="*.safetensors")
    assert file.weights_sha256() == sha256(b"b.safetensors").hexdigest()
    folder = find_checkpoint(str(tmp_path), weights="*.safetensors")
    assert [path.name for path in folder.weights] == ["a.safetensors", "b.safetensors"]
    lines = "".join(sha256(path.read_bytes()).hexdigest() + "\n" for path in folder.weights)
    assert folder.weights_sha256() == sha256(lines.encode()).hexdigest()


def test_a_path_that_is_not_there() -> None:
    assert refused("./models/small") == (
        "--checkpoint ./models/small: no such file or folder. Name one, or a repository on the Hub "
        "as owner/name."
    )
    assert (
        refused("small")
        == "--checkpoint small: no such file or folder. Name one, or a repository on the Hub as "
        "owner/name."
    )


def test_a_folder_without_weights(tmp_path: Path) -> None:
    assert refused(str(tmp_path)) == (
        f"--checkpoint {tmp_path}: no *.safetensors in this folder. Name a folder that a model was "
        "saved to."
    )


def test_a_name_that_no_repository_can_have() -> None:
    assert (
        refused("some one/small")
        == "--checkpoint some one/small: not the id of a repository. Give a file, a folder or "
        "owner/name."
    )


def test_without_a_network_it_is_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub
    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    waits_s: list[float] = []
    monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=waits_s.append))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    huggingface_hub.close_session()
    start_s = time.monotonic()
    message = refused("facebook/sam2.1-hiera-small")
    assert (waits_s, time.monotonic() - start_s < 30) == ([], True)  # no second attempt
    huggingface_hub.close_session()
    assert message.startswith(
        "--checkpoint facebook/sam2.1-hiera-small: not on this machine, and the Hub cannot be "
        "reached ("
    )
    assert message.endswith(
        "). Download it where there is a network, `hf download facebook/sam2.1-hiera-small "
        "--local-dir FOLDER`, and name that folder; or use --engine flow, which needs none."
    )
    assert "\n" not in message


def test_a_repository_is_downloaded_once_and_named_with_its_commit(
    hub: "State", online: list[float], tmp_path: Path
) -> None:
    hub.create("someone/small", "model")
    hub.push(
        "someone/small",
        {"model.safetensors": b"weights", "config.json": b"{}", "notes.pt": b"other"},
        kind="model",
    )
    found = find_checkpoint("someone/small", weights="*.safetensors", others=["*.json"])
    assert found.weights_sha256() == sha256(b"weights").hexdigest()
    assert sorted(path.name for path in found.folder.iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    owner, _, commit = found.name.partition("@")
    assert owner == "someone/small"
    assert len(commit) == 40
    asked = SimpleNamespace(before=len(hub.exchanges))
    assert find_checkpoint("someone/small", weights="*.safetensors", others=["*.json"]) == found
    assert len(hub.exchanges) == asked.before
    assert refused("someone/other") == (
        "--checkpoint someone/other: no such file or folder, and no such model on the Hub that you "
        "may see. Check the name."
    )
