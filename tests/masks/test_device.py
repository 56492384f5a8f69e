"""Masks by torch operations, on the CPU: equal to NumPy's to the bit, in values and in words."""

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

from brokenvideos.masks import (
    MaskError,
    RLEError,
    collate_planes,
    decode,
    decode_many,
    decode_masks,
    decoded,
    device,
    empty,
    encode,
    fingerprint_bitmaps,
    rle_batch,
)
from brokenvideos.masks.device import (
    bitmaps,
    fingerprints,
    parse,
    proof as device_proof,
    raster,
    strings,
)

BATCHES = hnp.arrays(
    np.uint8, st.tuples(st.integers(0, 5), *[st.integers(1, 25)] * 2), elements=st.integers(0, 1)
)
HOST_BACKENDS = ("numpy", "torch")


def packed(masks):
    columns = np.ascontiguousarray(masks.transpose(0, 2, 1)).reshape(
        len(masks), masks.shape[1] * masks.shape[2]
    )
    return np.packbits(columns, axis=1, bitorder="little")


@settings(deadline=None, max_examples=150)
@given(masks=BATCHES)
def test_there_and_back_equals_numpy(masks):
    _, height, width = masks.shape
    counts = encode(masks)
    for backend in HOST_BACKENDS:
        size = {"height": height, "width": width, "device": "cpu", "backend": backend}
        decoded = device.decode(counts, **size)
        assert (decoded.dtype, decoded.shape) == (torch.uint8, masks.shape)
        assert np.array_equal(decoded, masks)
        assert decoded.transpose(1, 2).is_contiguous()
        assert np.array_equal(device.decode_packed(counts, **size), packed(masks))
        for layout in (
            decoded,
            decoded.contiguous(),
            decoded.view(torch.bool),
            decoded.flip(1).flip(1),
        ):
            assert device.encode(layout, backend=backend) == counts
            assert (
                device.fingerprint(layout, backend=backend).tolist()
                == fingerprint_bitmaps(masks).tolist()
            )
        assert device.fingerprint_decoded(counts, **size) == fingerprint_bitmaps(masks).tolist()


def test_numbers_of_every_length():
    # 1 to 5 bytes per number; 2500 x 2500 is past 2²² pixels, and runs go over the edges of the
    # columns.
    masks = np.zeros((3, 2500, 2500), np.uint8)
    masks[1, :, 1200:] = 1
    masks[2, 3::7, 5:2400:300] = 1
    counts = encode(masks)
    decoded = device.decode(counts, height=2500, width=2500, device="cpu", backend="torch")
    assert np.array_equal(decoded, masks)
    assert device.encode(decoded, backend="torch") == counts
    assert (
        device.fingerprint(decoded, backend="torch").tolist() == fingerprint_bitmaps(masks).tolist()
    )


def test_chunks_do_not_show(monkeypatch):
    masks = np.random.default_rng(1).random((40, 12, 17)) < 0.4
    counts = encode(masks)
    counts[20:20] = [empty(12, 17)]
    whole = device.decode(counts, height=12, width=17, device="cpu", backend="torch")
    monkeypatch.setattr(parse, "CHUNK_BYTES", 100)
    monkeypatch.setattr(raster, "STEP_RUNS", 50)
    monkeypatch.setattr(bitmaps, "WORK_BYTES", 12 * 17 * 3)
    monkeypatch.setattr(fingerprints, "SLAB_BYTES", 12 * 5)
    monkeypatch.setattr(strings, "STEP_BYTES", 12 * 17 * 3)
    size = {"height": 12, "width": 17, "device": "cpu", "backend": "torch"}
    assert torch.equal(device.decode(counts, **size), whole)
    assert np.array_equal(device.decode_packed(counts, **size), packed(whole.numpy()))
    assert device.encode(whole, backend="torch") == counts
    assert (
        device.fingerprint(whole, backend="torch").tolist()
        == fingerprint_bitmaps(whole.numpy()).tolist()
    )
    with pytest.raises(RLEError) as caught:
        device.decode([*counts[:30], "5", *counts[30:]], **size)
    assert caught.value.index == 30


def test_decode_with_a_device_is_a_tensor():
    masks = np.random.default_rng(2).random((3, 4, 6)) < 0.5
    counts = encode(masks)
    decoded = decode(counts, height=4, width=6, device="cpu")
    assert isinstance(decoded, torch.Tensor)
    assert np.array_equal(decoded, masks)
    assert isinstance(decode(counts, height=4, width=6), np.ndarray)
    many = decode_many(
        [{"size": [4, 6], "counts": entry} for entry in counts], device=torch.device("cpu")
    )
    assert np.array_equal(torch.stack(many), masks)
    with pytest.raises(RLEError) as caught:
        decode(counts, height=4, width=6, device="cpu", out=np.empty((3, 6, 4), np.uint8))
    assert str(caught.value) == (
        "out is given with a device, wanted only one of them. A device keeps and reuses its own "
        "memory."
    )
    with pytest.raises(RLEError) as caught:
        decode(counts)
    assert str(caught.value) == (
        "height and width are missing. Strings do not say their size: pass that of the decoded "
        "frames."
    )


@pytest.mark.parametrize("backend", HOST_BACKENDS)
def test_many_sizes_keep_the_order(backend):
    rng = np.random.default_rng(4)
    masks = [
        rng.random(size) < 0.5 for size in [(3, 4), (4, 3), (3, 4), (1, 1), (4, 3), (3, 4), (12, 1)]
    ]
    rles = [{"size": list(mask.shape), "counts": encode(mask[None])[0]} for mask in masks]
    decoded = device.decode_many(rles, device="cpu", backend=backend)
    assert all(np.array_equal(got, wanted) for got, wanted in zip(decoded, masks, strict=True))
    assert device.decode_many([], device="cpu", backend=backend) == []


# --- The budget -----------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", HOST_BACKENDS)
def test_memory_bomb_is_refused(backend):
    counts = [empty(30000, 30000)] * 10000
    message = (
        "the bitmaps would take 9000000000000 bytes, wanted at most max_decoded_bytes=4294967296. "
        "Decode fewer masks at a time, into a buffer (out=), or raise max_decoded_bytes."
    )
    with pytest.raises(RLEError) as caught:
        device.decode(counts, height=30000, width=30000, device="cpu", backend=backend)
    assert str(caught.value) == message
    with pytest.raises(RLEError) as caught:
        device.decode_many(
            [{"size": [30000, 30000], "counts": entry} for entry in counts],
            device="cpu",
            backend=backend,
        )
    assert str(caught.value) == message
    with pytest.raises(RLEError) as caught:
        device.decode_packed(counts, height=30000, width=30000, device="cpu", backend=backend)
    assert str(caught.value) == message.replace("9000000000000", "1125000000000")
    refused = device.fingerprint_decoded(
        counts[:2], height=30000, width=30000, budget_bytes=1 << 20, device="cpu", backend=backend
    )
    assert [str(error) for error in refused] == [
        f"mask {index}: the bitmap would take 900000000 bytes, wanted at most "
        "budget_bytes=1048576. Raise budget_bytes if you expect masks of this size."
        for index in (0, 1)
    ]


@pytest.mark.parametrize("backend", HOST_BACKENDS)
def test_the_budget_holds_bitmaps_at_a_time(backend, monkeypatch):
    """40 masks within a budget of 3: the largest stack that is drawn holds no more."""
    masks = np.random.default_rng(3).random((40, 10, 10)) < 0.3
    seen = []
    module, name = (
        (decoded, "decode_on_host")
        if backend == "numpy"
        else (device_proof, "fingerprint_unchecked")
    )
    original = getattr(module, name)

    def spy(*arguments, **options):
        result = original(*arguments, **options)
        seen.append(len(result))
        return result

    monkeypatch.setattr(module, name, spy)
    found = device.fingerprint_decoded(
        encode(masks), height=10, width=10, device="cpu", budget_bytes=399, backend=backend
    )
    assert found == fingerprint_bitmaps(masks).tolist()
    assert (max(seen), sum(seen)) == (3, 40)


# --- Fingerprints ---------------------------------------------------------------------------------


def test_vectors_of_the_contract():
    for mask, wanted in (
        ([[0]], 0x5FD88CFE00E6690D),
        ([[1]], 0x7A2A11941197981B),
        ([[0, 1, 0], [1, 1, 0]], 0x50618F2F75DB5835),
        (np.zeros((480, 854)), 6503922631079993259),
    ):
        bits = torch.tensor(np.array(mask, np.uint8)[None])
        assert device.fingerprint(bits, backend="torch").tolist() == [wanted]


def rounded(values, *, mantissa_bits):
    """float32 with as many explicit mantissa bits as matrix units keep (TF32 10, bfloat16 7): to
    nearest, ties to even.
    """
    bits = values.contiguous().view(torch.int32)
    drop = 23 - mantissa_bits
    bits = bits + (1 << (drop - 1)) - 1 + (bits >> drop & 1)
    return (bits >> drop << drop).view(torch.float32)


@pytest.mark.parametrize("mantissa_bits", [10, 7])
def test_products_are_exact_under_tf32_and_bfloat16(mantissa_bits):
    """Inputs lose nothing in the rounding; sums of the largest values stay whole numbers that
    float32 holds, in any order.
    """
    limbs = torch.arange(256, dtype=torch.float32)
    assert torch.equal(rounded(limbs, mantissa_bits=mantissa_bits), limbs)
    assert not torch.equal(
        rounded(torch.arange(2200.0), mantissa_bits=mantissa_bits), torch.arange(2200.0)
    )
    length = fingerprints.MAX_EXACT_SIDE
    assert length * 255 <= 2**24 < (length + 1) * 255
    ones = torch.ones(3, length, dtype=torch.uint8)
    ones[1, ::3] = 0
    weights = torch.randint(1, 2**31 - 1, (length, 2), generator=torch.Generator().manual_seed(0))
    weights[: length // 2] = 2**31 - 2
    limbs = fingerprints.limbs_of(weights)
    wanted = ones.long() @ limbs.long()
    bits, exact = (
        rounded(ones.float(), mantissa_bits=mantissa_bits),
        rounded(limbs, mantissa_bits=mantissa_bits),
    )
    assert torch.equal((bits @ exact).long(), wanted)
    one_by_one = torch.cumsum(exact.flip(0), 0, dtype=torch.float32)[-1]
    assert torch.equal(one_by_one.long(), wanted[0])
    assert torch.equal(fingerprints._product(ones, limbs), wanted)


def test_the_largest_sum_is_whole_and_one_pixel_more_need_not_be():
    length = fingerprints.MAX_EXACT_SIDE
    assert float(torch.full((length,), 255.0).sum()) == length * 255
    assert int(np.float32(2**24) + np.float32(1)) == 2**24


@pytest.mark.parametrize("shape", [(2, 70_001, 3), (2, 3, 140_000)])
def test_sides_above_the_exact_length(shape):
    masks = (np.random.default_rng(5).random(shape) < 0.9).astype(np.uint8)
    wanted = fingerprint_bitmaps(masks).tolist()
    bits = torch.from_numpy(masks)
    assert device.fingerprint(bits, backend="torch").tolist() == wanted
    columns = bits.transpose(1, 2).contiguous().transpose(1, 2)
    assert device.fingerprint(columns, backend="torch").tolist() == wanted


def test_autocast_and_precision_settings_change_nothing():
    masks = torch.ones(2, 3000, 40, dtype=torch.uint8)
    wanted = fingerprint_bitmaps(masks.numpy()).tolist()
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert device.fingerprint(masks, backend="torch").tolist() == wanted
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("act", [device.encode, device.fingerprint])
@pytest.mark.parametrize("backend", HOST_BACKENDS)
def test_wrong_bitmaps_are_refused_in_the_words_of_numpy(act, backend):
    for wrong in (
        np.zeros((2, 3), np.uint8),
        np.zeros((1, 2, 3), np.float32),
        np.zeros((1, 0, 3), np.uint8),
        np.array([[[0, 1]], [[2, 0]], [[255, 0]]], np.uint8),
    ):
        with pytest.raises(MaskError) as of_numpy:
            encode(wrong)
        with pytest.raises(MaskError) as caught:
            act(torch.from_numpy(wrong), backend=backend)
        assert str(caught.value) == str(of_numpy.value)


# --- Rows and batches -----------------------------------------------------------------------------


def row_of(planes, object_ids=(4, 2, 300), types=(2, 0, 2)):
    """A row of bool[T, K, H, W]."""
    entries = sorted(
        (object_ids[k], t, encode(planes[t, k][None])[0])
        for t in range(planes.shape[0])
        for k in range(planes.shape[1])
        if planes[t, k].any()
    )
    return {
        "video_id": "Kling_00412",
        "height": planes.shape[2],
        "width": planes.shape[3],
        "num_frames": planes.shape[0],
        "objects": {"object_id": list(object_ids), "artifact_type": list(types)},
        "masks": {
            "object_id": [entry[0] for entry in entries],
            "frame_index": [entry[1] for entry in entries],
            "counts": [entry[2] for entry in entries],
        },
    }


@pytest.fixture
def row():
    planes = np.random.default_rng(5).random((6, 3, 5, 7)) < 0.3
    planes[[1, 5]] = False
    return row_of(planes)


@pytest.mark.parametrize("backend", HOST_BACKENDS)
@pytest.mark.parametrize("dtype", ["uint8", "bool"])
@pytest.mark.parametrize("frames", [None, [4], [5, 1], [4, 0, 4, 1, 0], []])
@pytest.mark.parametrize("by", ["union", "object", "type"])
def test_masks_of_a_row(row, by, frames, dtype, backend, monkeypatch):
    monkeypatch.setattr(bitmaps, "backend_of", lambda place: backend)
    wanted = decode_masks(row, frames=frames, by=by, dtype=dtype)
    masks = decode_masks(row, frames=frames, by=by, dtype=dtype, device="cpu")
    assert (str(masks.dtype), masks.shape) == (f"torch.{dtype}", wanted.shape)
    assert np.array_equal(masks, wanted)
    assert masks.transpose(-1, -2)[0:1].is_contiguous() or not masks.numel()
    [of_batch] = decode_many(rle_batch([row], frames=[frames], by=by), device="cpu")
    assert np.array_equal(of_batch, decode_masks(row, frames=frames, by=by))


@pytest.mark.parametrize("backend", HOST_BACKENDS)
def test_row_without_objects(backend, monkeypatch):
    monkeypatch.setattr(bitmaps, "backend_of", lambda place: backend)
    row = row_of(np.zeros((2, 0, 5, 7), bool), (), ())
    for by, shape in (("union", (2, 5, 7)), ("object", (2, 0, 5, 7)), ("type", (2, 3, 5, 7))):
        masks = decode_masks(row, by=by, device="cpu")
        assert masks.shape == shape
        assert not masks.any()


@pytest.mark.parametrize("backend", HOST_BACKENDS)
def test_a_row_s_bad_string_is_named_alike(row, backend, monkeypatch):
    monkeypatch.setattr(bitmaps, "backend_of", lambda place: backend)
    row["masks"]["counts"][row["masks"]["frame_index"].index(3)] = "5"
    messages = []
    for options in ({}, {"device": "cpu"}):
        with pytest.raises(RLEError) as caught:
            decode_masks(row, frames=[3, 0, 2], **options)
        messages.append((str(caught.value), caught.value.index))
    assert messages[0] == messages[1]
    with pytest.raises(RLEError) as caught:
        decode_masks(row, device="cpu", max_decoded_bytes=209)
    assert str(caught.value) == (
        "video Kling_00412 the masks would take 210 bytes, wanted at most max_decoded_bytes=209. "
        "Ask for fewer frames at a time or raise max_decoded_bytes."
    )


@pytest.mark.parametrize("backend", HOST_BACKENDS)
def test_a_batch_of_rows_and_rles_travels_as_bytes(row, backend):
    other = row_of(np.random.default_rng(6).random((2, 3, 9, 4)) < 0.3)
    mask = np.random.default_rng(7).random((5, 7)) < 0.4
    rle = {"size": [5, 7], "counts": encode(mask[None])[0]}
    items = [row, rle, other, row]
    batch = pickle.loads(pickle.dumps(rle_batch(items, frames=[[2, 0], None, None, None])))
    assert batch.nbytes < 3000
    assert [batch.counts(index) for index in range(len(batch))] == batch.strings()
    decoded = device.decode_many(batch, device="cpu", backend=backend)
    wanted = [decode_masks(row, frames=[2, 0]), mask, decode_masks(other), decode_masks(row)]
    assert [tuple(got.shape) for got in decoded] == [want.shape for want in wanted]
    assert all(np.array_equal(got, want) for got, want in zip(decoded, wanted, strict=True))
    with pytest.raises(RLEError) as caught:
        decode(batch, device="cpu")
    assert str(caught.value) == (
        "the batch has planes of sizes [[5, 7], [9, 4]], wanted one. Use "
        "brokenvideos.masks.decode_many."
    )


@pytest.mark.parametrize("backend", HOST_BACKENDS)
def test_planes_are_unions(backend):
    masks = np.random.default_rng(8).random((7, 6, 5)) < 0.3
    planes = [3, 0, 3, 3, 1, 0, 3]
    batch = collate_planes(encode(masks), height=6, width=5, planes=planes, num_planes=5)
    wanted = np.stack(
        [masks[[i for i in range(7) if planes[i] == plane]].any(axis=0) for plane in range(5)]
    )
    assert np.array_equal(device.decode_batch(batch, device="cpu", backend=backend), wanted)
    nothing = collate_planes([], height=6, width=5, num_planes=4)
    assert decode(nothing, device="cpu").shape == (4, 6, 5)
    assert decode(collate_planes([], height=6, width=5), device="cpu").shape == (0, 6, 5)


def test_what_a_batch_cannot_hold():
    for wish, message in (
        ({"planes": [0]}, "planes has 1 entries, wanted one for each of the 2 strings."),
        (
            {"planes": [0, 5], "num_planes": 5},
            "planes goes from 0 to 5, wanted 0 to 4. Raise num_planes.",
        ),
        ({"planes": [-1, 0]}, "planes goes from -1 to 0, wanted 0 to 1. Raise num_planes."),
    ):
        with pytest.raises(MaskError) as caught:
            collate_planes(["6", "06"], height=2, width=3, **wish)
        assert str(caught.value) == message
    with pytest.raises(MaskError) as caught:
        rle_batch([{"size": [2, 3], "counts": "6"}], frames=[])
    assert str(caught.value) == "frames has 0 entries, wanted one for each of the 1 items."


# --- Devices --------------------------------------------------------------------------------------


def test_no_such_device():
    with pytest.raises(device.DeviceError) as caught:
        decode(["6"], height=2, width=3, device="abacus")
    assert (
        str(caught.value)
        == 'device \'abacus\': torch knows no such device, wanted "cpu", "cuda" or "cuda:1".'
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_no_cuda_is_one_clear_line():
    with pytest.raises(device.DeviceError) as caught:
        decode(["6"], height=2, width=3, device="cuda")
    built = (
        "sees no CUDA device"
        if torch.version.cuda or torch.version.hip
        else "was built without CUDA"
    )
    assert str(caught.value) == (
        f"device cuda: torch {torch.__version__} {built}. Use device cpu, or install a torch with "
        "CUDA (https://pytorch.org/get-started) on a machine with an NVIDIA GPU."
    )


def test_what_works_on_the_cpu():
    assert device.describe("cpu") == {
        "device": "cpu",
        "name": None,
        "backend": "numpy",
        "torch": str(torch.__version__),
        "triton": None,
    }


def test_masks_alone_do_not_import_torch(run_process):
    import sys

    done = run_process(
        [sys.executable, "-c", "import sys, brokenvideos.masks; print('torch' in sys.modules)"]
    )
    assert done.stdout == "False\n"
