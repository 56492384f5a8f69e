"""What the tests of masks/ share: a slow parser that reads as the format is written, damaged
strings, and the real masks.
"""

import json
import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def reference_parse() -> Callable[..., list[int]]:
    """Runs of one string, one byte after the other; ValueError where the format or the strict rules
    are broken.
    """

    def parse_one(counts: str, *, height: int, width: int) -> list[int]:
        if height < 1 or width < 1 or height * width >= 2**31:
            raise ValueError("size")
        if counts == "":
            raise ValueError("empty")
        runs: list[int] = []
        place = 0
        while place < len(counts):
            value, shift, groups, more = 0, 0, 0, True
            while more:
                if place == len(counts):
                    raise ValueError("cut off")
                byte = ord(counts[place])
                if not 48 <= byte <= 111:
                    raise ValueError("byte")
                place += 1
                group, more = (byte - 48) % 32, byte - 48 >= 32
                value += group * 2**shift
                shift += 5
                groups += 1
                if not more and group >= 16:
                    value -= 2**shift
            if groups > 7:
                raise ValueError("too many groups")
            if groups > 1 and -(2 ** (shift - 6)) <= value < 2 ** (shift - 6):
                raise ValueError("not minimal")
            if len(runs) > 2:
                value += runs[-2]
            runs.append(value)
        if min(runs) < 0:
            raise ValueError("negative")
        if 0 in runs[1:]:
            raise ValueError("zero")
        if sum(runs) != height * width:
            raise ValueError("sum")
        return runs

    return parse_one


@pytest.fixture(scope="session")
def damaged_strings() -> Callable[[int], list[tuple[str, int, int]]]:
    """So many strings with height and width, from sound to hopeless: real encodings with up to two
    changes, and telling bytes.
    """
    from brokenvideos.masks import encode

    def changed(rng: random.Random, text: str) -> str:
        at = rng.randrange(len(text)) if text else 0
        byte = ord(text[at]) - 48 if text else 0
        choices = [
            text,
            text[:at] + chr(rng.randrange(46, 114)) + text[at + 1 :],
            text[:at] + text[at + 1 :],
            text[:at] + chr(rng.randrange(46, 114)) + text[at:],
            text[:at],
            text[:at] + text[at : at + 2][::-1] + text[at + 2 :],
            text[: at + 1] + text[at:],
            text[:at] + chr((byte ^ 32) % 64 + 48) + text[at + 1 :],
            text[:at] + chr((byte ^ 16) % 64 + 48) + text[at + 1 :],
            text[:at] + chr((byte | 32) % 64 + 48) + "0" + text[at + 1 :],
            text[:at] + "P" * rng.randrange(5, 9) + text[at:],
            text[:at] + "oooooo1" + text[at + 1 :],
        ]
        return rng.choice(choices)

    def make(count: int) -> list[tuple[str, int, int]]:
        rng, bits = random.Random(count), np.random.default_rng(count)
        strings = []
        while len(strings) < count:
            height, width = rng.randint(1, 30), rng.randint(1, 30)
            [text] = encode(bits.random((1, height, width)) < rng.choice([0.01, 0.1, 0.5, 0.99]))
            if rng.random() < 0.3:
                text = "".join(rng.choices("012?@NOPQo~", k=rng.randint(1, 6)))
            for _ in range(rng.choice([0, 1, 1, 2])):
                text = changed(rng, text)
            strings.append((text, height, width))
        return strings

    return make


@pytest.fixture(scope="session")
def real_data() -> Path:
    folder = os.environ.get("BROKENVIDEOS_REAL_DATA")
    if not folder:
        pytest.skip("BROKENVIDEOS_REAL_DATA is unset: no real masks to read")
    return Path(folder)


@pytest.fixture(scope="session")
def davis_label_maps(real_data: Path) -> Callable[[], Iterator[np.ndarray]]:
    """Every label map of the DAVIS folders, as palette indices, one after the other."""
    from PIL import Image

    def read() -> Iterator[np.ndarray]:
        paths = sorted((real_data / "davis").glob("*/*/*.png"))
        assert len(paths) > 600
        for path in paths:
            with Image.open(path) as image:
                assert image.mode == "P"
                yield np.asarray(image)

    return read


@pytest.fixture(scope="session")
def sav_rles(real_data: Path) -> Sequence[dict]:
    """Every COCO RLE of the SA-V file."""
    rles: list[dict] = []
    for path in sorted(real_data.glob("sav_*.json")):
        rles += [rle for frame in json.loads(path.read_text())["masklet"] for rle in frame]
    assert len(rles) > 500
    return rles
