"""One mask format, done right: strict COCO RLE, batched decode and encode, measures, fingerprints and digests."""

from brokenvideos.masks.arrays import MaskError
from brokenvideos.masks.batch import RLEBatch, collate_planes
from brokenvideos.masks.collate import collate_rle
from brokenvideos.masks.digest import masklet_digest, object_digest, video_digest
from brokenvideos.masks.fingerprint import fingerprint_bitmaps, fingerprint_counts, fingerprint_labels, weights
from brokenvideos.masks.masklets import ARTIFACT_TYPES, decode_masks
from brokenvideos.masks.measures import area, bbox, iou, union
from brokenvideos.masks.proof import decoded_ahead, fingerprint_decoded
from brokenvideos.masks.rle import MAX_DECODED_BYTES, decode, decode_many, empty, encode
from brokenvideos.masks.runs import MAX_COUNTS_BYTES, MAX_MASKS, RLEError, Runs, check, format_runs, parse

__all__ = [
    "ARTIFACT_TYPES",
    "MAX_COUNTS_BYTES",
    "MAX_DECODED_BYTES",
    "MAX_MASKS",
    "MaskError",
    "RLEBatch",
    "RLEError",
    "Runs",
    "area",
    "bbox",
    "check",
    "collate_planes",
    "collate_rle",
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
    "object_digest",
    "parse",
    "union",
    "video_digest",
    "weights",
]
