"""Mutation evidence: every wrong decoder is caught at every mask that it gets wrong, and no real
mask raises an alarm.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from brokenvideos.builder import check_row, verify
from brokenvideos.masks import (
    decoded,
    device,
    encode,
    fingerprint_counts,
    fingerprint_labels,
    parse,
)
from brokenvideos.masks.device import proof as device_proof

# Each takes the right bitmaps, bool[N, H, W], and gives what a decoder with one mistake would give.


def row_major(right):
    """Runs drawn along the rows."""
    count, height, width = right.shape
    return right.transpose(0, 2, 1).reshape(count, height, width)


def from_runs(change: Callable[[list[int]], list[int]]) -> Callable:
    """The bitmaps that a decoder draws which takes other runs from the string."""

    def wrong(right):
        _, height, width = right.shape
        runs = parse(encode(right), height=height, width=width)
        drawn = np.zeros((len(right), width * height), bool)
        for plane, start, stop in zip(drawn, runs.offsets[:-1], runs.offsets[1:], strict=True):
            at, value = 0, False
            for length in change(runs.lengths[start:stop].tolist()):
                plane[at : at + length] = value
                at, value = at + length, not value
        return drawn.reshape(len(right), width, height).transpose(0, 2, 1)

    return wrong


def shifted(right, axis):
    moved = np.roll(right, 1, axis)
    moved[(slice(None), *(0 if a == axis else slice(None) for a in (1, 2)))] = False
    return moved


WRONG = {
    "row-major": row_major,
    "inverted": lambda right: ~right,
    "flipped left to right": lambda right: right[:, :, ::-1],
    "flipped upside down": lambda right: right[:, ::-1],
    "turned by half": lambda right: right[:, ::-1, ::-1],
    "first run forgotten": from_runs(lambda lengths: lengths[1:]),
    "an empty run put first": from_runs(lambda lengths: [0, *lengths]),
    "last run lost": from_runs(lambda lengths: lengths[:-2] if len(lengths) % 2 else lengths[:-1]),
    "third run built on the first": from_runs(lambda n: [*n[:2], *(third + n[0] for third in n[2:3]), *n[3:]]),
    "runs one pixel too long": from_runs(lambda lengths: [n + 1 if i == 1 else n for i, n in enumerate(lengths)]),
    "neighbours swapped": lambda right: right[np.arange(len(right)) ^ 1] if len(right) % 2 == 0 else np.roll(right, 1, 0),
    "every mask the first": lambda right: np.repeat(right[:1], len(right), 0),
    "shifted by one pixel to the right": lambda right: shifted(right, 2),
    "shifted by one pixel down": lambda right: shifted(right, 1),
    "shifted by one pixel in memory": lambda right: np.roll(right.transpose(0, 2, 1).reshape(len(right), -1), 1, 1)
    .reshape(len(right), right.shape[2], right.shape[1])
    .transpose(0, 2, 1),
    "transposed": lambda right: right.transpose(0, 2, 1),
    "size swapped": lambda right: right.transpose(0, 2, 1).reshape(len(right), right.shape[2], right.shape[1]),
    "one column too few": lambda right: right[:, :, :-1],
    "one row too many": lambda right: np.pad(right, ((0, 0), (0, 1), (0, 0))),
    "one pixel lost": lambda right: right & (np.cumsum(right.reshape(len(right), -1), 1) != 1).reshape(right.shape),
    "left over from the mask before": lambda right: np.logical_or.accumulate(right, 0),
    "all background": np.zeros_like,
    "all foreground": np.ones_like,
}  # fmt: skip


def mistaken(right, wrong):
    """Which masks a decoder gets wrong."""
    if wrong.shape != right.shape:
        return list(range(len(right)))
    return np.flatnonzero((wrong != right).any(axis=(1, 2))).tolist()


def install(monkeypatch: pytest.MonkeyPatch, wrong: Callable) -> None:
    """Puts a wrong decoder where verification decodes."""
    original = decoded.decode_on_host

    def decode(*arguments, **options):
        right = original(*arguments, **options)
        return np.ascontiguousarray(wrong(right.astype(bool))).view(np.uint8)

    monkeypatch.setattr(decoded, "decode_on_host", decode)
    monkeypatch.setattr(check_row, "decode", decode, raising=False)


def install_on_device(
    monkeypatch: pytest.MonkeyPatch, wrong: Callable, *, height: int, width: int
) -> None:
    original = device_proof.draw

    def draw(runs, planes, *, pixels, backend):
        original(runs, planes, pixels=pixels, backend=backend)
        right = planes.view(len(planes), width, height).transpose(1, 2).numpy().astype(bool)
        drawn = wrong(right)
        planes[:] = torch.from_numpy(np.ascontiguousarray(drawn.transpose(0, 2, 1))).view(
            len(planes), -1
        )

    monkeypatch.setattr(device_proof, "draw", draw)


def caught(masks, wrong, *, backend, monkeypatch):
    _, height, width = masks.shape
    wanted = [fingerprint_labels(mask.astype(np.uint8))[1] for mask in masks]
    counts = encode(masks)
    size = {"height": height, "width": width, "device": "cpu", "backend": backend}
    assert device.fingerprint_decoded(counts, **size) == wanted
    if backend == "numpy":
        install(monkeypatch, wrong)
    else:
        install_on_device(monkeypatch, wrong, height=height, width=width)
    found = device.fingerprint_decoded(counts, **size)
    monkeypatch.undo()
    return [
        index for index, pair in enumerate(zip(found, wanted, strict=True)) if pair[0] != pair[1]
    ]


# A plane on the device has the size that was asked for, so there a decoder cannot give another.
OF_ANOTHER_SIZE = (
    "row-major",
    "transposed",
    "size swapped",
    "one column too few",
    "one row too many",
)
CASES = [(name, "numpy") for name in WRONG] + [
    (name, "torch") for name in WRONG if name not in OF_ANOTHER_SIZE
]


@pytest.mark.parametrize(("name", "backend"), CASES)
def test_exactly_the_masks_that_are_wrong_are_caught(name, backend, monkeypatch):
    rng = np.random.default_rng(9)
    for masks in (rng.random((12, 9, 14)) < 0.3, blobs(8, 20, 20)):
        wrong = WRONG[name](masks)
        should_be = mistaken(masks, wrong)
        assert should_be
        assert caught(masks, WRONG[name], backend=backend, monkeypatch=monkeypatch) == should_be


def blobs(count, height, width):
    """Ellipses that are their own mirror image in no direction, as real masks are."""
    y, x = np.mgrid[:height, :width]
    return np.stack(
        [
            (2 * (y - 5 - i % 3) ** 2 + (x - 4 - i) ** 2 < 20 + i)
            | ((y > 2 + i % 2) & (y < 5) & (x < 5 + i))
            for i in range(count)
        ]
    )


@pytest.mark.parametrize("name", WRONG)
def test_verify_names_what_a_wrong_decoder_spoils(name, release: Path, monkeypatch) -> None:
    install(monkeypatch, WRONG[name])
    findings = verify(release).findings
    named = [
        finding for finding in findings if "the decoded mask has fingerprint 0x" in finding.what
    ]
    assert named
    assert all(
        finding.frame_index is not None and finding.object_id is not None for finding in named
    )


def test_a_right_decoder_raises_no_alarm(release: Path) -> None:
    assert verify(release).ok


@pytest.mark.slow
def test_no_real_davis_mask_raises_an_alarm(davis_label_maps):
    """By NumPy every mask, by torch those of every eighth frame: 3 to 10 ms each on a CPU."""
    checked = 0
    for number, labels in enumerate(davis_label_maps()):
        wanted = fingerprint_labels(labels)
        if not wanted:
            continue
        counts = encode(np.stack([labels == object_id for object_id in wanted]))
        size = {"height": labels.shape[0], "width": labels.shape[1]}
        assert device.fingerprint_decoded(counts, **size) == list(wanted.values())
        if number % 8 == 0:
            assert device.fingerprint_decoded(counts, **size, backend="torch") == list(
                wanted.values()
            )
            decoded = device.decode(counts, **size, device="cpu", backend="torch")
            assert device.encode(decoded, backend="torch") == counts
        checked += len(wanted)
    assert checked > 1000


def test_no_real_sav_mask_raises_an_alarm(sav_rles):
    by_size: dict[tuple[int, int], list[str]] = {}
    for rle in sav_rles:
        by_size.setdefault(tuple(rle["size"]), []).append(rle["counts"])
    for (height, width), counts in by_size.items():
        wanted = fingerprint_counts(counts, height=height, width=width).tolist()
        for backend in ("numpy", "torch"):
            assert (
                device.fingerprint_decoded(counts, height=height, width=width, backend=backend)
                == wanted
            )
