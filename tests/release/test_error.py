"""Errors of the system are told in words: the file, the reason, what to do."""

import errno
import os
from pathlib import Path

import pytest

import brokenvideos
from brokenvideos.builder import RawError
from brokenvideos.release import in_words, in_words_with_advice
from brokenvideos.tools.commands.main import main


def test_of_the_system_s_errors_the_file_and_the_reason() -> None:
    missing = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "nope.txt")
    assert in_words(missing) == "nope.txt: no such file or directory"
    assert in_words_with_advice(missing) == "nope.txt: no such file or directory. Check the name."
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert in_words(full) == in_words_with_advice(full) == "no space left on device"
    linked = OSError(errno.EXDEV, os.strerror(errno.EXDEV), "a", None, "b")
    assert in_words_with_advice(linked) == "a to b: invalid cross-device link"


def test_errors_with_words_of_their_own_keep_them() -> None:
    for error in (
        RawError("a: b"),
        FileExistsError("x: exists and is not empty."),
        brokenvideos.ReleaseError("r: s"),
    ):
        assert in_words(error) == in_words_with_advice(error) == str(error)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["prompts", "--check", "{tmp}/nope.txt"],
            "{tmp}/nope.txt: no such file or directory. Check the name.",
        ),
        (["prompts", "--check", "{tmp}"], "{tmp}: is a directory. Name a file."),
        (
            ["prompts", "--taxonomy", "{tmp}/nope.toml", "{tmp}/p.jsonl"],
            "{tmp}/nope.toml: no such file or directory. Check the name.",
        ),
    ],
    ids=["no file", "a folder", "no taxonomy"],
)
def test_a_command_says_it_in_one_line(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "sys.argv", ["brokenvideos", *(word.format(tmp=tmp_path) for word in arguments)]
    )
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    assert capsys.readouterr().err == f"brokenvideos: {said.format(tmp=tmp_path)}\n"
