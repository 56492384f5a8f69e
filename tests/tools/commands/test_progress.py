"""Off a terminal, work that takes long says how far it is, and no more often than every 30 s."""

from types import SimpleNamespace

import pytest

from brokenvideos.tools.commands import progress as module
from brokenvideos.tools.commands.progress import LINE_EVERY_S, progress


def test_plain_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    clock_s = [0.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock_s[0]))
    with progress() as show:
        for done in range(101):
            show("adopted", done, 100)
            clock_s[0] += 1
    assert LINE_EVERY_S == 30
    assert capsys.readouterr().err.splitlines() == [f"adopted: {done} of 100" for done in (30, 60, 90, 100)]
