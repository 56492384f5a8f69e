"""The log on disk: torn anywhere, damaged, on a full disk."""

import errno
import os

import pytest

from brokenvideos.tools.annotation.events import to_line
from brokenvideos.tools.annotation.log import LogError, LogWriter, read_log
from tests.tools.annotation.events_in import drawn, log, new_object, seen

EVENTS = log(new_object(subtype="größer"), drawn(1, 2), seen(0, 3), drawn(1, 4))


def write(path, events):
    writer = LogWriter(path, read_log(path))
    for event in events:
        writer.append([event])
    writer.close()


def test_what_was_added_is_read(tmp_path):
    path = tmp_path / "events/a.jsonl"
    assert read_log(path).events == ()
    write(path, EVENTS[:3])
    write(path, EVENTS[3:])
    content = read_log(path)
    assert content.events == tuple(EVENTS)
    assert (content.num_bytes, content.torn_bytes) == (path.stat().st_size, 0)


def test_a_log_that_is_cut_at_any_byte_keeps_every_whole_event_and_goes_on(tmp_path):
    path = tmp_path / "a.jsonl"
    write(path, EVENTS)
    whole = path.read_bytes()
    ends = [len(b"".join(map(to_line, EVENTS[:number]))) for number in range(len(EVENTS) + 1)]
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        content = read_log(path)
        number = sum(end <= cut for end in ends) - 1
        assert content.events == tuple(EVENTS[:number])
        assert content.torn_bytes == cut - ends[number]
        write(path, EVENTS[number:])
        assert path.read_bytes() == whole


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = [to_line(event) for event in EVENTS]
    repair = (
        "Restore the line from a copy, or delete it and all later lines; later work is lost then."
    )
    for damaged, message in {
        lines[0]
        + b"{\n": "line 2: not JSON (Expecting property name enclosed in double quotes: line 1 "
        "column 2 (char 1))",
        lines[0] + b"[1]\n": "line 2: holds list, wanted an object",
        lines[0] + lines[2]: "line 2: event 3, wanted event 2",
        lines[0].replace(
            b'"start"', b'"begin"'
        ): "line 1: kind 'begin' is unknown; a later version wrote it: use that",
        lines[0].replace(b'"n":1', b'"n":"1"'): "line 1: n is '1', wanted int",
        lines[0].replace(
            b'"n":1', b'"n":1,"m":1'
        ): "line 1: unknown key 'm'; a later version wrote it: use that",
    }.items():
        path.write_bytes(damaged)
        with pytest.raises(LogError) as caught:
            read_log(path)
        assert str(caught.value) == f"{path} {message}. {repair}"


@pytest.mark.parametrize("step", ["write", "sync"])
def test_a_full_disk_leaves_the_log_as_it_was(tmp_path, monkeypatch, step):
    path = tmp_path / "a.jsonl"
    write(path, EVENTS[:2])
    before = path.read_bytes()
    writer = LogWriter(path, read_log(path))
    real_write = os.pwrite

    def full(*arguments):
        if step == "write":  # half of it fits
            descriptor, content, offset = arguments
            if offset > len(before):
                raise OSError(errno.ENOSPC, "No space left on device")
            return real_write(descriptor, content[: len(content) // 2], offset)
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite" if step == "write" else "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            writer.append([EVENTS[2]])
    assert path.read_bytes() == before
    writer.append([EVENTS[2]])
    writer.close()
    assert read_log(path).events == tuple(EVENTS[:3])
