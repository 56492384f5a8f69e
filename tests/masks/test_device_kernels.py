"""The Triton kernels without a GPU: run in Triton's interpreter on small cases, and compiled for
sm_90.
"""

import importlib.util
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from brokenvideos.masks import device, encode, rle_batch
from brokenvideos.masks.device.bitmaps import read_any

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None,
    reason="triton is not installed: pip install '.[gpu]' in a checkout",
)

# Small blocks, so that strings and masks go over their edges.
INTERPRET = """
import json, sys
from pathlib import Path

import torch

from brokenvideos.masks import rle_batch, device
from brokenvideos.masks.device import kernels
from brokenvideos.masks.device.bitmaps import read_any
from brokenvideos.masks.runs import RLEError

kernels._PARSE_BLOCK, kernels._RASTER_LANES = 64, 16
case = json.loads(Path(sys.argv[1]).read_text())
batch = rle_batch([{"size": [h, w], "counts": text} for text, h, w in case["strings"]])
runs = read_any(batch, device=torch.device("cpu"), backend="triton")
ends = [
    runs.ends[start : start + count].tolist() if rule == 8 else None
    for start, count, rule in zip(runs.starts.tolist(), runs.counts.tolist(), runs.broken.tolist(), strict=True)
]
result = {"broken": runs.broken.tolist(), "ends": ends, "decoded": [], "packed": [], "fingerprints": []}
for counts, height, width in case["masks"]:
    size = {"height": height, "width": width, "device": "cpu", "backend": "triton"}
    result["decoded"].append(device.decode(counts, **size).tolist())
    result["packed"].append(device.decode_packed(counts, **size).tolist())
    result["fingerprints"].append([v if isinstance(v, int) else str(v) for v in device.fingerprint_decoded([*counts, "5"], **size)])
try:
    device.decode(["6", "5", "~"], height=2, width=3, device="cpu", backend="triton")
except RLEError as error:
    result["refused"] = str(error)
Path(sys.argv[2]).write_text(json.dumps(result))
"""


def judged(strings):
    batch = rle_batch(
        [{"size": [height, width], "counts": text} for text, height, width in strings]
    )
    return read_any(batch, device=torch.device("cpu"), backend="torch")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_interpreter_gives_what_torch_gives(
    run_process, damaged_strings, tmp_path: Path
) -> None:
    made = [entry for entry in damaged_strings(3000) if entry[0] and len(entry[0]) <= 80]
    rules = judged(made).broken.numpy()
    strings = [made[index] for rule in range(9) for index in np.flatnonzero(rules == rule)[:20]]
    rng = np.random.default_rng(3)
    # 4 pixels to a word, one pixel to a lane, a mask in several blocks, one pixel, a single run.
    stacks = [
        rng.random(shape) < share
        for shape, share in (((2, 8, 6), 0.4), ((2, 7, 5), 0.4), ((1, 12, 12), 0.1))
    ]
    stacks += [np.array([[[0]], [[1]]], bool), np.zeros((1, 5, 3), bool), np.ones((1, 5, 3), bool)]
    stacks += [np.indices((1, 8, 9)).sum(axis=0) % 2 == 1]
    masks = [(encode(stack), *stack.shape[1:]) for stack in stacks]
    case, answer = tmp_path / "case.json", tmp_path / "answer.json"
    case.write_text(json.dumps({"strings": strings, "masks": masks}))
    env = {**os.environ, "TRITON_INTERPRET": "1"}
    done = run_process(
        [sys.executable, "-W", "error", "-c", INTERPRET, str(case), str(answer)],
        env=env,
        timeout_s=280,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(answer.read_text())

    runs = judged(strings)
    assert found["broken"] == runs.broken.tolist()
    assert len(set(found["broken"])) == 9
    for index, ends in enumerate(found["ends"]):
        start, count = int(runs.starts[index]), int(runs.counts[index])
        assert ends is None or ends == runs.ends[start : start + count].tolist()

    for at, (stack, (counts, height, width)) in enumerate(zip(stacks, masks, strict=True)):
        size = {"height": height, "width": width, "device": "cpu", "backend": "numpy"}
        assert np.array_equal(found["decoded"][at], stack)
        assert np.array_equal(found["packed"][at], device.decode_packed(counts, **size))
        wanted = [
            v if isinstance(v, int) else str(v)
            for v in device.fingerprint_decoded([*counts, "5"], **size)
        ]
        assert found["fingerprints"][at] == wanted
    assert found["refused"] == (
        "mask 2: byte 0 of counts is 126 ('~'), wanted 48 ('0') to 111 ('o'). The string was "
        "damaged or is no COCO RLE; "
        "encode the mask again with brokenvideos.masks.encode or pycocotools.mask.encode."
    )


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from brokenvideos.masks.device import kernels

def compiled(kernel, pointers, constants, **integers):
    signature = {**pointers, **integers, **dict.fromkeys(constants, "constexpr")}
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants)
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options=kernels._NO_FUSION)
    assert ".target sm_90" in made.asm["ptx"] and len(made.asm["cubin"]) > 1000
    print(kernel.__name__, len(made.asm["cubin"]))

strings = {"text": "*u8", "bounds": "*i64", "pixels": "*i64", "ends": "*i32", "counts": "*i64", "broken": "*i32"}
compiled(kernels.parse_kernel, strings, {"BLOCK": kernels._PARSE_BLOCK})
runs = {"ends": "*i32", "starts": "*i64", "counts": "*i64"}
ints = {"pixels": "i32", "row_words": "i32", "blocks": "i32"}
for lane_pixels, packed, word in ((4, False, "*i32"), (1, False, "*u8"), (8, True, "*u8")):
    constants = {"LANE_PIXELS": lane_pixels, "PACKED": packed, "LANES": kernels._RASTER_LANES}
    compiled(kernels.raster_kernel, {**runs, "out": word}, constants, **ints)
    # What Triton makes of arguments that are 1.
    ones = constants | ({"row_words": 1, "blocks": 1} if lane_pixels > 1 else {"pixels": 1, "row_words": 1, "blocks": 1})
    compiled(kernels.raster_kernel, {**runs, "out": word}, ones, **{k: v for k, v in ints.items() if k not in ones})
"""


def test_they_compile_for_an_h100_without_one(run_process, tmp_path: Path) -> None:
    env = {**os.environ, "TRITON_CACHE_DIR": str(tmp_path)}
    done = run_process([sys.executable, "-W", "error", "-c", COMPILE], env=env)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 7
