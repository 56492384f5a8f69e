"""The tests' own process as a client of the Hub: huggingface_hub reads most of its settings once,
when it is imported.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import datasets.config
import huggingface_hub
import pytest
from huggingface_hub import constants
from huggingface_hub.utils import _http

from tests.hub.state import XET_SETTINGS, State


@contextmanager
def meeting(
    hub: State, monkeypatch: pytest.MonkeyPatch, *, token: str | None = "hf_owner"
) -> Iterator[list[float]]:
    """Until the block ends, huggingface_hub, hf_xet and `datasets` in this process talk to `hub`.

    Gives the seconds that huggingface_hub would have waited between its attempts, and did not.
    """
    waits_s: list[float] = []
    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", hub.url)
    monkeypatch.setattr(_http, "time", SimpleNamespace(sleep=waits_s.append))
    for name, value in XET_SETTINGS.items():
        monkeypatch.setenv(name, value)
    # hf_xet keeps by a Hub's address what that Hub has, and a later one may get the same port.
    monkeypatch.setenv("HF_XET_CACHE", str(hub.folder / "cache-of-a-client"))
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    if token is not None:
        monkeypatch.setenv("HF_TOKEN", token)
    huggingface_hub.close_session()
    try:
        yield waits_s
    finally:
        huggingface_hub.close_session()
