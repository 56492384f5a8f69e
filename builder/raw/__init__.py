"""What every reader of a raw layout needs: records of videos, PNG masks, video files, JSON of
strangers, videos.jsonl.

In: files of a raw folder. Out: `RawVideo` records whose masks are still unread, and `Problem`s. Layouts, the builder
and tools call it.
"""

from .binary_png import read_binary_file, read_binary_png
from .json_files import bad_video_id, is_finite, is_whole, read_json, shown
from .planes import blank_planes
from .png import MAX_PIXELS, decode_png, mask_files, mask_folders, read_png
from .records import FoundMasks, join_records, missing_video, objects_of_labels
from .still_folders import SPLIT_NAMES, STILL_LIST, find_stills, missing_still
from .stills import encode_still, is_still, read_still, still_size
from .tfrecord import Feature, parse_example, peek_record, read_record, record_spans
from .video import NOT_GIVEN, FrameLabels, LabelMap, Problem, RawError, RawVideo
from .video_files import MAX_FRAMES, SUFFIX_LIST, VIDEO_ID_RULE, VIDEO_SUFFIXES, find_videos, list_folder
from .videos_jsonl import FILE_NAME, MAX_FRAME_INDEX, MAX_OBJECT_ID, read_videos_jsonl

__all__ = [
    "FILE_NAME",
    "MAX_FRAMES",
    "MAX_FRAME_INDEX",
    "MAX_OBJECT_ID",
    "MAX_PIXELS",
    "NOT_GIVEN",
    "SPLIT_NAMES",
    "STILL_LIST",
    "SUFFIX_LIST",
    "VIDEO_ID_RULE",
    "VIDEO_SUFFIXES",
    "Feature",
    "FoundMasks",
    "FrameLabels",
    "LabelMap",
    "Problem",
    "RawError",
    "RawVideo",
    "bad_video_id",
    "blank_planes",
    "decode_png",
    "encode_still",
    "find_stills",
    "find_videos",
    "is_finite",
    "is_still",
    "is_whole",
    "join_records",
    "list_folder",
    "mask_files",
    "mask_folders",
    "missing_still",
    "missing_video",
    "objects_of_labels",
    "parse_example",
    "peek_record",
    "read_binary_file",
    "read_binary_png",
    "read_json",
    "read_png",
    "read_record",
    "read_still",
    "read_videos_jsonl",
    "record_spans",
    "shown",
    "still_size",
]
