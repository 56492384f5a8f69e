"""The array types of this room, and the check of a stack of bitmaps."""

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
UInt8Array = npt.NDArray[np.uint8]
Int64Array = npt.NDArray[np.int64]
Float64Array = npt.NDArray[np.float64]
BitmapArray = UInt8Array | BoolArray
LabelArray = UInt8Array | npt.NDArray[np.uint16]


class MaskError(ValueError):
    """A bitmap, a label map, a digest or a row that does not follow the contract."""


def checked_bitmaps(masks: BitmapArray) -> UInt8Array:
    """The same memory as uint8[N, H, W], after a check that it holds only 0 and 1.

    Raises:
        MaskError: wrong rank or dtype, a side of length 0, or the first mask with another value.
    """
    bits = checked_stack(masks)
    if masks.dtype == np.uint8 and bits.size and bits.max() > 1:
        index = int((bits > 1).any(axis=(1, 2)).argmax())
        raise wrong_value(index, int(bits[index].max()))
    return bits


def checked_stack(masks: BitmapArray) -> UInt8Array:
    """The same memory as uint8[N, H, W]; the caller must check the values.

    Raises:
        MaskError: wrong rank or dtype, or a side of length 0.
    """
    if (
        not isinstance(masks, np.ndarray)
        or masks.ndim != 3
        or masks.dtype not in (np.bool_, np.uint8)
    ):
        raise wrong_stack(
            f"{masks.dtype}{list(masks.shape)}"
            if isinstance(masks, np.ndarray)
            else type(masks).__name__
        )
    if masks.shape[1] < 1 or masks.shape[2] < 1:
        raise wrong_sides(masks.shape[1], masks.shape[2])
    return masks.view(np.uint8)


def wrong_stack(actual: str) -> MaskError:
    """The error for anything except uint8 or bool [N, H, W]."""
    return MaskError(
        f"masks: got {actual}, wanted uint8 or bool [N, H, W] of 0 and 1. Stack single masks with "
        "mask[None]; compare a label map with one object_id first (labels == object_id)."
    )


def wrong_sides(height: int, width: int) -> MaskError:
    """The error for masks with a side of length 0."""
    return MaskError(
        f"masks: got {height} rows and {width} columns, wanted at least 1 of each. Pass masks of "
        "the size of the decoded frames."
    )


def wrong_value(index: int, value: int) -> MaskError:
    """The error for a mask with values other than 0 and 1."""
    return MaskError(
        f"mask {index}: holds the value {value}, wanted only 0 and 1. "
        "Compare first: masks > 0 for 0/255 masks, labels == object_id for a label map."
    )
