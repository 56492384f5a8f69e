"""The mask format: strict COCO RLE, batched decode and encode, measures, fingerprints and
digests.
"""

import warnings
from typing import TYPE_CHECKING, Any

from .arrays import (
    BitmapArray,
    BoolArray,
    Float64Array,
    Int64Array,
    MaskError,
    UInt8Array,
    checked_bitmaps,
)
from .batch import RLEBatch, collate_planes
from .bitmaps import MAX_DECODED_BYTES, empty, encode, spans
from .collate import rle_batch
from .digest import masklet_digest, object_digest, video_digest
from .fingerprint import fingerprint_bitmaps, fingerprint_counts, fingerprint_labels, weights
from .masklets import decode_masks
from .measures import area, bbox, iou, union
from .overlay import (
    LABEL_COLOURS,
    NOT_GIVEN_COLOUR,
    TYPE_COLOURS,
    Colour,
    object_colours,
    overlay,
    type_colour,
)
from .planes import ARTIFACT_TYPES, TYPE_NOT_GIVEN, type_name
from .proof import decoded_ahead, fingerprint_decoded
from .rle import decode, decode_many
from .rows import row_as_dict
from .runs import MAX_COUNTS_BYTES, MAX_MASKS, RLEError, Runs, check, format_runs, parse

__all__ = [
    "ARTIFACT_TYPES",
    "LABEL_COLOURS",
    "MAX_COUNTS_BYTES",
    "MAX_DECODED_BYTES",
    "MAX_MASKS",
    "NOT_GIVEN_COLOUR",
    "TYPE_COLOURS",
    "TYPE_NOT_GIVEN",
    "BitmapArray",
    "BoolArray",
    "Colour",
    "Float64Array",
    "Int64Array",
    "MaskError",
    "RLEBatch",
    "RLEError",
    "Runs",
    "UInt8Array",
    "area",
    "bbox",
    "check",
    "checked_bitmaps",
    "collate_planes",
    "decode",
    "decode_many",
    "decode_masks",
    "decoded_ahead",
    "empty",
    "encode",
    "fingerprint_bitmaps",
    "fingerprint_counts",
    "fingerprint_decoded",
    "fingerprint_labels",
    "format_runs",
    "iou",
    "masklet_digest",
    "object_colours",
    "object_digest",
    "overlay",
    "parse",
    "rle_batch",
    "row_as_dict",
    "spans",
    "type_colour",
    "type_name",
    "union",
    "video_digest",
    "weights",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name != "collate_rle":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        warnings.warn(
            f"{__name__}.collate_rle is now {__name__}.rle_batch; the next version does not have "
            "the earlier name any more.",
            DeprecationWarning,
            stacklevel=2,
        )
        return rle_batch
