"""Functions for all readers of raw layouts: records of videos, PNG masks, video files, untrusted
JSON, videos.jsonl.

In: files of a raw folder. Out: `RawVideo` records whose masks are still unread, and `Problem`s.
Layouts, the builder and tools call it.
"""

from ...release import VIDEO_SUFFIXES
from .binary_png import read_binary_file, read_binary_png
from .coco_images import CocoImageMasks, ImageVideo, videos_of_images
from .coco_json import (
    Segmentation,
    category_names,
    check_segmentation,
    is_frame,
    named_path,
    segmentation_bitmap,
)
from .foreground import Foreground, foreground, label_values
from .frame_files import NUMBER, by_frame, ids_from_one, mask_files, mask_folders
from .grey_video import (
    BRIGHT_MIN,
    DARK_MAX,
    GREY_THRESHOLD,
    MAX_GREY_OF_MARKED,
    Histogram,
    dark_middle_bright,
    is_bimodal,
)
from .json_files import bad_video_id, is_finite, is_whole, read_json, shown, shown_end
from .layout import Layout, annotation_files, first_file, gives_objects, mask_folder
from .litter import is_litter
from .object_folders import find_object_folders
from .own_masks import own_mask_files, own_mask_pngs
from .planes import blank_planes
from .png import MAX_PIXELS, decode_png, encode_png, read_png
from .records import FoundMasks, join_records, missing_video, objects_of_labels
from .still_folders import SPLIT_NAMES, STILL_LIST, find_stills, missing_still
from .stills import encode_still, is_still, read_still, still_size
from .tfrecord import Feature, parse_example, peek_record, read_record, record_spans
from .turned import coded_masks, drawn_as
from .video import (
    NOT_GIVEN,
    FrameLabels,
    Include,
    LabelMap,
    MasksAre,
    MaskSource,
    Problem,
    RawError,
    RawVideo,
    included,
)
from .video_files import (
    MAX_FRAMES,
    SUFFIX_LIST,
    VIDEO_ID_RULE,
    find_videos,
    list_folder,
    name_of_video,
    read_video,
)
from .videos_jsonl import FILE_NAME, MAX_FRAME_INDEX, MAX_OBJECT_ID, VideoEntry, read_videos_jsonl

__all__ = [
    "BRIGHT_MIN",
    "DARK_MAX",
    "FILE_NAME",
    "GREY_THRESHOLD",
    "MAX_FRAMES",
    "MAX_FRAME_INDEX",
    "MAX_GREY_OF_MARKED",
    "MAX_OBJECT_ID",
    "MAX_PIXELS",
    "NOT_GIVEN",
    "NUMBER",
    "SPLIT_NAMES",
    "STILL_LIST",
    "SUFFIX_LIST",
    "VIDEO_ID_RULE",
    "VIDEO_SUFFIXES",
    "CocoImageMasks",
    "Feature",
    "Foreground",
    "FoundMasks",
    "FrameLabels",
    "Histogram",
    "ImageVideo",
    "Include",
    "LabelMap",
    "Layout",
    "MaskSource",
    "MasksAre",
    "Problem",
    "RawError",
    "RawVideo",
    "Segmentation",
    "VideoEntry",
    "annotation_files",
    "bad_video_id",
    "blank_planes",
    "by_frame",
    "category_names",
    "check_segmentation",
    "coded_masks",
    "dark_middle_bright",
    "decode_png",
    "drawn_as",
    "encode_png",
    "encode_still",
    "find_object_folders",
    "find_stills",
    "find_videos",
    "first_file",
    "foreground",
    "gives_objects",
    "ids_from_one",
    "included",
    "is_bimodal",
    "is_finite",
    "is_frame",
    "is_litter",
    "is_still",
    "is_whole",
    "join_records",
    "label_values",
    "list_folder",
    "mask_files",
    "mask_folder",
    "mask_folders",
    "missing_still",
    "missing_video",
    "name_of_video",
    "named_path",
    "objects_of_labels",
    "own_mask_files",
    "own_mask_pngs",
    "parse_example",
    "peek_record",
    "read_binary_file",
    "read_binary_png",
    "read_json",
    "read_png",
    "read_record",
    "read_still",
    "read_video",
    "read_videos_jsonl",
    "record_spans",
    "segmentation_bitmap",
    "shown",
    "shown_end",
    "still_size",
    "videos_of_images",
]
