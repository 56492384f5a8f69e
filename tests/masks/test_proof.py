"""Fingerprints of decoded masks while the next ones are read, and masks as bytes through a
DataLoader's workers.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from brokenvideos.masks import (
    decode_many,
    decoded_ahead,
    encode,
    fingerprint_bitmaps,
    fingerprint_decoded,
    rle_batch,
)

ROOT = Path(__file__).parent.parent.parent


def items(count):
    rng = np.random.default_rng(3)
    return [rng.random((number % 4, 6, 9)) < 0.4 for number in range(count)]


def strings_of(masks):
    return encode(masks), 6, 9


@pytest.mark.parametrize("device", [None, "cpu", torch.device("cpu")])
def test_every_item_with_its_own_fingerprints_in_order(device):
    stacks = items(9)
    seen = list(decoded_ahead(iter(stacks), strings_of, device=device))
    assert [id(masks) for masks, _ in seen] == [id(masks) for masks in stacks]
    assert [found for _, found in seen] == [fingerprint_bitmaps(masks).tolist() for masks in stacks]
    assert list(decoded_ahead([], strings_of)) == []


def test_two_items_are_held_at_a_time():
    read = []

    def reading():
        for number, masks in enumerate(items(6)):
            read.append(number)
            yield masks

    for number, _ in enumerate(decoded_ahead(reading(), strings_of)):
        assert len(read) == min(number + 2, 6)


def test_an_early_stop_and_an_error_end_the_thread():
    ahead = decoded_ahead(items(6), strings_of)
    next(ahead)
    ahead.close()

    def failing(masks):
        raise KeyError("counts")

    with pytest.raises(KeyError):
        list(decoded_ahead(items(2), failing))


def test_any_size_is_judged_and_none_raises():
    for height, width, words in (
        (
            0,
            3,
            "size [0, 3]: height and width must be at least 1. Pass the size of the decoded "
            "frames, height first.",
        ),
        (None, 3, "size [None, 3]: wanted two integers, [height, width] in pixels."),
        (
            1,
            2**21,
            "size [1, 2097152]: a fingerprint needs sides of at most 1048576 pixels. Cut the mask "
            "into tiles.",
        ),
    ):
        found = fingerprint_decoded(["6", "06"], height=height, width=width)
        assert [str(error) for error in found] == [f"mask 0: {words}", f"mask 1: {words}"]


def test_more_strings_than_a_parser_takes_at_once(monkeypatch):
    monkeypatch.setattr("brokenvideos.masks.decoded.MAX_MASKS", 3)
    monkeypatch.setattr("brokenvideos.masks.decoded.MAX_COUNTS_BYTES", 30)
    masks = np.random.default_rng(4).random((20, 6, 9)) < 0.2
    assert (
        fingerprint_decoded(encode(masks), height=6, width=9) == fingerprint_bitmaps(masks).tolist()
    )


class Rles(torch.utils.data.Dataset):
    def __init__(self, rles):
        self.rles = rles

    def __len__(self):
        return len(self.rles)

    def __getitem__(self, index):
        return self.rles[index]


def test_a_batch_comes_through_dataloader_workers():
    masks = np.random.default_rng(5).random((8, 6, 9)) < 0.4
    rles = [{"size": [6, 9], "counts": counts} for counts in encode(masks)]
    loader = torch.utils.data.DataLoader(
        Rles(rles), batch_size=4, num_workers=2, collate_fn=rle_batch
    )
    decoded = [mask for batch in loader for mask in decode_many(batch, device="cpu")]
    assert np.array_equal(torch.stack(decoded), masks)


def test_the_example_trains_on_masks_that_came_as_bytes(run_warm) -> None:
    script = ROOT / "examples" / "gpu_masks.py"
    done: subprocess.CompletedProcess[str] = run_warm(
        [sys.executable, str(script), "--device", "cpu"]
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) >= 3
    for line in lines:
        words = line.split()
        assert int(words[7]) * 10 < int(words[11])
