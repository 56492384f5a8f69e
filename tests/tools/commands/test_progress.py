"""What long work shows where there is no terminal."""

import time

import pytest

from brokenvideos.tools.commands import progress as module
from brokenvideos.tools.commands.progress import progress


def test_a_line_at_the_end_of_a_step(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as show:
        for done in range(4):
            show("predict", done, 3)
    assert capsys.readouterr().err == "predict: 3 of 3\n"


def test_a_line_every_half_minute_also_while_nothing_is_heard(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.LINE_EVERY_S == 30
    monkeypatch.setattr(module, "LINE_EVERY_S", 0.05)
    with progress() as show:
        time.sleep(0.15)  # nothing has begun, so nothing is said
        show("predict", 1, 3)
        said, until = "", time.monotonic() + 60
        while said.count("\n") < 2 and time.monotonic() < until:
            time.sleep(0.05)
            said += capsys.readouterr().err
        show("predict", 3, 3)
        time.sleep(0.2)
    lines = (said + capsys.readouterr().err).splitlines()
    assert set(lines[:-1]) == {"predict: 1 of 3"}
    assert len(lines) >= 3
    assert lines[-1] == "predict: 3 of 3"
