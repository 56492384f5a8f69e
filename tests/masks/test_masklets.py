"""Masks of a row, by union, object and type."""

import numpy as np
import pytest

from brokenvideos.masks import ARTIFACT_TYPES, MaskError, RLEError, decode_masks, encode

HEIGHT, WIDTH, NUM_FRAMES = 5, 7, 6
OBJECT_IDS = (4, 2, 300)  # as a row may list them: not in order of their masks
TYPES = (2, 0, 2)


def make_row():
    """A row and its masks as bool[T, K, H, W]: objects overlap, frames 1 and 5 hold nothing, object
    2 is in one frame only.
    """
    planes = np.random.default_rng(5).random((NUM_FRAMES, 3, HEIGHT, WIDTH)) < 0.3
    planes[[1, 5]] = False
    planes[:4, 1] = False
    entries = sorted(
        (OBJECT_IDS[k], t, encode(planes[t, k][None])[0])
        for t in range(NUM_FRAMES)
        for k in range(3)
        if planes[t, k].any()
    )
    row = {
        "video_id": "Kling_00412",
        "height": HEIGHT,
        "width": WIDTH,
        "num_frames": NUM_FRAMES,
        "annotated_frames": [0, 1, 2, 4, 5],
        "objects": {
            "object_id": list(OBJECT_IDS),
            "artifact_type": list(TYPES),
            "digest": ["", "", ""],
        },
        "masks": {
            "object_id": [entry[0] for entry in entries],
            "frame_index": [entry[1] for entry in entries],
            "counts": [entry[2] for entry in entries],
            "fingerprint": [0] * len(entries),
        },
    }
    return row, planes


def normal_row():
    row, _ = make_row()
    row["objects"] = {"object_id": [], "artifact_type": [], "digest": []}
    row["masks"] = {"object_id": [], "frame_index": [], "counts": [], "fingerprint": []}
    return row


def expected(planes, by):
    if by == "union":
        return planes.any(axis=1)
    if by == "object":
        return planes
    of_type = [
        planes[:, [k for k in range(3) if TYPES[k] == artifact]].any(axis=1)
        for artifact in range(len(ARTIFACT_TYPES))
    ]
    return np.stack(of_type, axis=1)


@pytest.mark.parametrize("dtype", ["uint8", "bool"])
@pytest.mark.parametrize("frames", [None, [0, 1, 2, 3, 4, 5], [4], [5, 1], [4, 0, 4, 1, 0], []])
@pytest.mark.parametrize("by", ["union", "object", "type"])
def test_masks_of_a_row(by, frames, dtype):
    row, planes = make_row()
    masks = decode_masks(row, frames=frames, by=by, dtype=dtype)
    wanted = expected(planes, by)[list(range(NUM_FRAMES)) if frames is None else frames]
    assert (masks.dtype, masks.shape) == (np.dtype(dtype), wanted.shape)
    assert np.array_equal(masks, wanted)
    assert not masks.size or masks.max() <= 1


@pytest.mark.parametrize(
    ("by", "shape"), [("union", (6, 5, 7)), ("object", (6, 0, 5, 7)), ("type", (6, 3, 5, 7))]
)
def test_video_without_objects(by, shape):
    masks = decode_masks(normal_row(), by=by)
    assert masks.shape == shape
    assert not masks.any()


def test_columns_as_numpy_arrays():
    row, planes = make_row()
    row["objects"] = {name: np.array(values) for name, values in row["objects"].items()}
    row["masks"] = {name: np.array(values) for name, values in row["masks"].items()}
    row |= {name: np.int32(row[name]) for name in ("height", "width", "num_frames")}
    assert np.array_equal(
        decode_masks(row, frames=np.array([2, 4], np.int32), by="object"), planes[[2, 4]]
    )


def test_result_belongs_to_the_caller():
    row, planes = make_row()
    masks = decode_masks(row, frames=[0, 0])
    masks[0] = 1
    assert np.array_equal(masks[1], planes[0].any(axis=0))
    assert masks.transpose(0, 2, 1).flags.c_contiguous


def test_only_the_frames_asked_for_are_read():
    row, planes = make_row()
    at = row["masks"]["frame_index"].index(4)
    row["masks"]["counts"][at] = "damaged"
    assert np.array_equal(decode_masks(row, frames=[0, 3]), planes[[0, 3]].any(axis=1))


def set_to(part, name, place, value):
    def change(row):
        row[part][name][place] = value

    return change


CONTRADICTIONS = {
    "bad string": (
        set_to("masks", "counts", 3, "5"),
        RLEError,
        "mask 3: video Kling_00412 frame 3 object 4: the runs sum to 5, wanted 35 = 5 x 7 pixels. "
        "Check that height and width are those of the mask, in this order, and encode it again if "
        "they are.",
    ),
    "frame behind the end": (
        set_to("masks", "frame_index", 2, 6),
        MaskError,
        "video Kling_00412 mask 2: frame 6, wanted 0 to 5. Build the row again.",
    ),
    "unknown object": (
        set_to("masks", "object_id", 0, 9),
        MaskError,
        "video Kling_00412 mask 0: object 9, wanted one of [4, 2, 300]. Build the row again.",
    ),
    "object listed twice": (
        set_to("objects", "object_id", 1, 4),
        MaskError,
        "video Kling_00412 objects.object_id is [4, 4, 300], wanted every id once. Build the row "
        "again.",
    ),
    "unknown type": (
        set_to("objects", "artifact_type", 1, 3),
        MaskError,
        "video Kling_00412 object 2: artifact_type is 3, wanted 0 to 2 (motion, deformation, "
        "blur). Build the row again.",
    ),
    "columns of different length": (
        lambda row: row["masks"]["counts"].pop(),
        MaskError,
        "video Kling_00412 masks has 9 object ids, 9 frame indices and 8 counts, wanted as many of "
        "each. Build the row again.",
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_refuses_a_row_that_contradicts_itself(name):
    change, error, message = CONTRADICTIONS[name]
    row, _ = make_row()
    change(row)
    with pytest.raises(error) as caught:
        decode_masks(row, by="type")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"by": "class"}, "by is 'class', wanted \"union\", \"object\" or \"type\"."),
        ({"dtype": "int64"}, "dtype is 'int64', wanted \"uint8\" or \"bool\"."),
        ({"frames": [0, 6]}, "video Kling_00412 frame 6 is asked for, wanted 0 to 5. Count from 0 "
                             "in presentation order."),
        ({"frames": [-1]}, "video Kling_00412 frame -1 is asked for, wanted 0 to 5. Count from 0 "
                           "in presentation order."),
        ({"frames": [0.5]}, "video Kling_00412 frames is [0.5], wanted a sequence of frame "
                            "indices."),
        ({"frames": 3}, "video Kling_00412 frames is 3, wanted a sequence of frame indices."),
    ],
)  # fmt: skip
def test_refuses_wishes(wish, message):
    row, _ = make_row()
    with pytest.raises(MaskError) as caught:
        decode_masks(row, **wish)
    assert str(caught.value) == message


def test_budget():
    row, _ = make_row()
    assert decode_masks(row, by="type", max_decoded_bytes=630).nbytes == 630
    with pytest.raises(RLEError) as caught:
        decode_masks(row, by="type", max_decoded_bytes=629)
    assert str(caught.value) == (
        "video Kling_00412 the masks would take 630 bytes, wanted at most max_decoded_bytes=629. "
        "Ask for fewer frames at a time or raise max_decoded_bytes."
    )
