"""One verdict: thousands of damaged strings, judged by the slow parser, NumPy's, torch's and (tests
of the kernels) Triton's.
"""

import random
from functools import partial

import numpy as np
import pytest
import torch

from brokenvideos.masks import (
    RLEError,
    decode,
    decode_many,
    device,
    encode,
    fingerprint_bitmaps,
    parse,
    rle_batch,
)
from brokenvideos.masks.device.bitmaps import read_any
from brokenvideos.masks.device.parse import Rule

CPU = torch.device("cpu")

# A part of the host's message, by the rule that the device's parser names.
WORDS = {
    Rule.BYTE: "wanted 48 ('0') to 111 ('o')",
    Rule.CUT_OFF: "counts ends inside a number",
    Rule.TOO_MANY_GROUPS: "bytes, wanted at most 7",
    Rule.NOT_MINIMAL: "wanted the shortest form",
    Rule.NEGATIVE: "wanted no negative run",
    Rule.LONGER_THAN_MASK: "wanted at most the ",
    Rule.ZERO: "wanted none after run 0",
    Rule.SUM: "the runs sum to ",
}


def test_thousands_of_damaged_strings_are_judged_alike(reference_parse, damaged_strings):
    strings = [entry for entry in damaged_strings(6000) if entry[0]]
    batch = rle_batch(
        [{"size": [height, width], "counts": text} for text, height, width in strings]
    )
    runs = read_any(batch, device=CPU, backend="torch")
    verdicts = dict.fromkeys(Rule, 0)
    for index, (text, height, width) in enumerate(strings):
        rule = Rule(int(runs.broken[index]))
        verdicts[rule] += 1
        start = int(runs.starts[index])
        ends = runs.ends[start : start + int(runs.counts[index])].tolist()
        try:
            wanted = reference_parse(text, height=height, width=width)
        except ValueError:
            with pytest.raises(RLEError) as caught:
                parse([text], height=height, width=width)
            assert WORDS[rule] in caught.value.problem
        else:
            assert rule == Rule.SOUND
            assert ends == np.cumsum(wanted).tolist()
            assert parse([text], height=height, width=width).lengths.tolist() == wanted
    assert min(verdicts.values()) > 20  # every rule was broken often


def outcome(call):
    try:
        return [mask.tolist() for mask in call()]
    except RLEError as error:
        return str(error), error.index


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_batches_with_several_offenders_are_refused_alike(damaged_strings, backend):
    """The same words and the same index: the first size, there the first rule, there the first
    mask.
    """
    rng = random.Random(1)
    strings = damaged_strings(3000)
    sizes = [(3, 4), (4, 3), (6, 6)]
    sound = {size: encode(np.random.default_rng(1).random((5, *size)) < 0.4) for size in sizes}
    refused = 0
    for _ in range(600):
        size = rng.choice(sizes)
        own = [
            (text, *rng.choice(sizes))
            for text, _, _ in rng.choices(strings, k=rng.choice([0, 1, 3]))
        ]
        own += [(text, *s) for s in (size, rng.choice(sizes)) for text in rng.sample(sound[s], 3)]
        rng.shuffle(own)
        rles = [{"size": [height, width], "counts": text} for text, height, width in own]
        if rng.random() < 0.1:
            rles[rng.randrange(len(rles))]["counts"] = rng.choice([None, b"6", "漢", ""])
        wanted = outcome(partial(decode_many, rles))
        assert outcome(partial(device.decode_many, rles, device="cpu", backend=backend)) == wanted
        refused += isinstance(wanted, tuple)
        one_size = [rle["counts"] for rle in rles]
        call = {"height": size[0], "width": size[1]}
        wanted = outcome(partial(decode, one_size, **call))
        assert (
            outcome(partial(device.decode, one_size, **call, device="cpu", backend=backend))
            == wanted
        )
    assert refused > 200


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_bad_strings_do_not_hide_good_ones(damaged_strings, backend):
    strings = [text for text, _, _ in damaged_strings(300)]
    strings[100:100] = encode(np.random.default_rng(2).random((50, 7, 6)) < 0.4)
    strings[7] = None
    found = device.fingerprint_decoded(
        strings, height=7, width=6, device="cpu", budget_bytes=7 * 6 * 20, backend=backend
    )
    assert len(found) == len(strings)
    for index, (text, result) in enumerate(zip(strings, found, strict=True)):
        if isinstance(result, RLEError):
            with pytest.raises(RLEError) as caught:
                decode([text], height=7, width=6)
            assert (str(result), result.index) == (f"mask {index}: {caught.value.problem}", index)
        else:
            assert [result] == fingerprint_bitmaps(decode([text], height=7, width=6)).tolist()
    assert sum(isinstance(result, int) for result in found) >= 50


def test_a_parser_that_is_too_strict_is_an_error_of_ours(monkeypatch):
    from brokenvideos.masks.device import bitmaps

    original = bitmaps.parse

    def too_strict(*arguments):
        runs = original(*arguments)
        runs.broken[1] = int(Rule.SUM)
        return runs

    monkeypatch.setattr(bitmaps, "parse", too_strict)
    with pytest.raises(RuntimeError) as caught:
        device.decode(["6", "06"], height=2, width=3, device="cpu", backend="torch")
    assert str(caught.value) == (
        "mask 1: the device's parser refuses a string that the host's accepts: '06' of size [2, "
        "3]. One of them is wrong; please report this string."
    )


def test_largest_size():
    batch = rle_batch(
        [{"size": [1, 2**31 - 1], "counts": text} for text in ("oooooo1", "0oooooo1", "1nooooo1")]
    )
    runs = read_any(batch, device=CPU, backend="torch")
    assert runs.broken.tolist() == [Rule.SOUND] * 3
    assert runs.ends.tolist() == [2**31 - 1, 0, 2**31 - 1, 1, 2**31 - 1]
