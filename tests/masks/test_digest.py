"""Digests against their definition, written out."""

import hashlib

import pytest

from brokenvideos.masks import MaskError, RLEError, object_digest, video_digest


def u32(*values):
    return b"".join(value.to_bytes(4, "little") for value in values)


def test_object_digest_is_what_the_format_says():
    stream = (
        b"brokenvideos.track.1\0"
        + u32(2, 3, 4)
        + u32(3)
        + b"132"
        + u32(0xFFFFFFFF)
        + u32(1)
        + b"6"
        + u32(0xFFFFFFFF)
    )
    digest = object_digest(["132", None, "6", None], height=2, width=3)
    assert digest == hashlib.sha256(stream).hexdigest()
    assert digest == "dc24c7608e857329fc1f1e25600a55984b36543021e68ae64967d97a3f632ac2"


def test_video_digest_is_what_the_format_says():
    first = object_digest(["132", None, "6", None], height=2, width=3)
    second = object_digest(["6", None, "06", None], height=2, width=3)
    stream = u32(2) + bytes.fromhex(second) + u32(300) + bytes.fromhex(first) + u32(0, 2)
    digest = video_digest({300: first, 2: second}, [0, 2])
    assert digest == hashlib.sha256(stream).hexdigest()
    assert digest == "d45ad486f28c64f09e23e9984840a1123db674932fbc43ef58b4cfffdb70c54a"


def test_nothing_annotated_and_nothing_marked():
    assert video_digest({}, []) == hashlib.sha256(b"").hexdigest()
    assert video_digest({}, range(3)) == hashlib.sha256(u32(0, 1, 2)).hexdigest()
    assert (
        object_digest([], height=2, width=3)
        == hashlib.sha256(b"brokenvideos.track.1\0" + u32(2, 3, 0)).hexdigest()
    )


def test_unknown_and_empty_differ():
    digests = {
        object_digest(frames, height=2, width=3)
        for frames in ([None], ["6"], ["6", None], [None, "6"], [])
    }
    assert len(digests) == 5


def test_object_digest_refuses_strings_that_are_not_canonical():
    with pytest.raises(RLEError) as caught:
        object_digest([None, "6", None, "303"], height=2, width=3)
    assert caught.value.index == 3
    assert str(caught.value) == (
        "mask 3: run 1 is 0, wanted none after run 0. Join the runs beside it: "
        "encode the mask again with brokenvideos.masks.encode or pycocotools.mask.encode."
    )


@pytest.mark.parametrize(
    ("object_id", "digest"), [(1, "abcd"), (1, "x" * 64), (-1, "0" * 64), (2**32, "0" * 64)]
)
def test_video_digest_refuses_bad_objects(object_id, digest):
    with pytest.raises(MaskError) as caught:
        video_digest({object_id: digest}, [])
    assert str(caught.value) == (
        f"object {object_id}: digest is {digest!r}, wanted an id from 0 to 4294967295 with 64 hex "
        "digits. Make the digest with brokenvideos.masks.object_digest."
    )


@pytest.mark.parametrize(
    ("frames", "frame", "before"), [([0, 2, 2], 2, 2), ([3, 1], 1, 3), ([-1], -1, -1)]
)
def test_video_digest_refuses_frames_out_of_order(frames, frame, before):
    with pytest.raises(MaskError) as caught:
        video_digest({}, frames)
    assert str(caught.value) == (
        f"annotated frame {frame} comes after {before}, wanted strictly ascending frame indices "
        "from 0. Sort them and drop repeats."
    )
