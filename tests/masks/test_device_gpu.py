"""The same on a CUDA device, by torch operations and by the kernels. No machine with a GPU has run
this file yet.
"""

import os

import numpy as np
import pytest
import torch

from brokenvideos.masks import decode_masks, device, encode, fingerprint_bitmaps, rle_batch
from brokenvideos.masks.device.bitmaps import read_any

pytestmark = pytest.mark.gpu


@pytest.fixture(scope="module", params=["torch", "triton"])
def backend(request) -> str:
    if request.param == "triton" and device.describe("cuda")["backend"] != "triton":
        assert os.environ.get("REQUIRE_GPU") != "1", "the kernels do not work here"
        pytest.skip("the kernels do not work here")
    return request.param


@pytest.mark.parametrize(
    "shape", [(0, 5, 5), (3, 1, 1), (64, 480, 854), (5, 37, 41), (3, 1080, 1920), (2, 70_001, 8)]
)
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 1.0])
def test_there_and_back(backend, shape, share):
    masks = np.random.default_rng(1).random(shape) < share
    counts = encode(masks)
    size = {"height": shape[1], "width": shape[2], "device": "cuda", "backend": backend}
    decoded = device.decode(counts, **size)
    assert torch.equal(decoded.cpu(), torch.from_numpy(masks).to(torch.uint8))
    on_host = device.decode_packed(counts, **{**size, "device": "cpu", "backend": "numpy"})
    assert torch.equal(device.decode_packed(counts, **size).cpu(), on_host)
    wanted = fingerprint_bitmaps(masks).tolist()
    for layout in (decoded, decoded.contiguous()):
        assert device.encode(layout) == counts
        for tf32 in (False, True):
            before = torch.backends.cuda.matmul.allow_tf32
            torch.backends.cuda.matmul.allow_tf32 = tf32
            try:
                with torch.autocast("cuda", dtype=torch.float16):
                    assert device.fingerprint(layout).tolist() == wanted
            finally:
                torch.backends.cuda.matmul.allow_tf32 = before
    assert device.fingerprint_decoded(counts, **size) == wanted


def test_damaged_strings_are_judged_as_on_the_cpu(backend, damaged_strings):
    strings = [entry for entry in damaged_strings(6000) if entry[0]]
    batch = rle_batch(
        [{"size": [height, width], "counts": text} for text, height, width in strings]
    )
    wanted = read_any(batch, device=torch.device("cpu"), backend="torch")
    found = read_any(batch, device=torch.device("cuda", 0), backend=backend)
    assert torch.equal(found.broken.cpu(), wanted.broken)


def test_no_real_mask_raises_an_alarm(backend, davis_label_maps, sav_rles):
    from brokenvideos.masks import decode_many, fingerprint_labels

    for labels in davis_label_maps():
        wanted = fingerprint_labels(labels)
        counts = encode(np.stack([labels == i for i in wanted])) if wanted else []
        size = {
            "height": labels.shape[0],
            "width": labels.shape[1],
            "device": "cuda",
            "backend": backend,
        }
        assert device.fingerprint_decoded(counts, **size) == list(wanted.values())
    decoded = device.decode_many(sav_rles, device="cuda", backend=backend)
    assert all(
        np.array_equal(a.cpu(), b) for a, b in zip(decoded, decode_many(sav_rles), strict=True)
    )


def test_rows(backend, release):
    import brokenvideos

    for table in brokenvideos.release.read_parquet(
        str(release / "annotations" / "train-00000-of-00002.parquet")
    ):
        for row in table.to_pylist():
            for by in ("union", "object", "type"):
                assert np.array_equal(
                    decode_masks(row, by=by, device="cuda").cpu(), decode_masks(row, by=by)
                )
