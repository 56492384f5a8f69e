"""The columns of a row as `datasets` features: plain Arrow types only."""

from collections.abc import Iterable, Mapping
from functools import cache

import datasets
import pyarrow as pa

from ..masks import ARTIFACT_TYPES
from .formats import NEW_IN_2
from .row import LABELS, SOURCE_FIELDS

_ARTIFACT_TYPE = datasets.ClassLabel(names=list(ARTIFACT_TYPES))


def _lists(**dtypes: str | datasets.ClassLabel) -> dict[str, datasets.List]:
    """A struct of parallel lists: ten times faster through `datasets` than a list of structs."""
    return {
        name: datasets.List(datasets.Value(d) if isinstance(d, str) else d)
        for name, d in dtypes.items()
    }


FEATURES = datasets.Features(
    {
        "video_id": datasets.Value("string"),
        "video": datasets.Video(decode=False),
        "label": datasets.ClassLabel(names=list(LABELS)),
        "artifact_types": datasets.List(_ARTIFACT_TYPE),
        "generator": datasets.Value("string"),
        "prompt": datasets.Value("string"),
        "height": datasets.Value("int32"),
        "width": datasets.Value("int32"),
        "num_frames": datasets.Value("int32"),
        "fps": datasets.Value("float64"),
        "frame_pts": datasets.List(datasets.Value("int64")),
        "time_base": {"num": datasets.Value("int64"), "den": datasets.Value("int64")},
        "packets": _lists(
            pts="int64", offset="int64", size="int32", keyframe="bool", reference="bool"
        ),
        "codec": {
            "name": datasets.Value("string"),
            "extradata": datasets.Value("string"),
            "rotation": datasets.Value("int32"),
        },
        "annotated_frames": datasets.List(datasets.Value("int32")),
        "objects": _lists(
            object_id="int32", artifact_type=_ARTIFACT_TYPE, digest="string", subtype="string"
        ),
        "masks": _lists(
            object_id="int32", frame_index="int32", counts="string", fingerprint="int64"
        ),
        "digest": datasets.Value("string"),
        "video_sha256": datasets.Value("string"),
        "source": {field: datasets.Value("string") for field in SOURCE_FIELDS},
    }
)
"""The columns of configs `default` and `webdataset`; docs/format.md says what each means.

Examples:
    >>> brokenvideos.FEATURES["label"].names
    ['normal', 'broken']
    >>> brokenvideos.load("sample", split="train", streaming=True).features == brokenvideos.FEATURES
    True
"""

ANNOTATION_FEATURES = datasets.Features(
    {name: f for name, f in FEATURES.items() if name != "video"}
)
"""The columns of config `annotations`: all but the video's bytes.

Examples:
    >>> set(brokenvideos.FEATURES) - set(brokenvideos.ANNOTATION_FEATURES)
    {'video'}
"""


def of_format(features: datasets.Features, format_version: int) -> datasets.Features:
    """The features of a release of an earlier format that correspond to these; see `formats`."""
    if format_version != 1:
        return features
    earlier = features.copy()
    earlier["codec"] = {**features["codec"], "extradata": datasets.Value("binary")}
    for column, field in NEW_IN_2.items():
        earlier[column] = {
            name: feature for name, feature in features[column].items() if name != field
        }
    return earlier


@cache
def row_schema(*, has_video: bool = True) -> pa.Schema:
    """The Arrow schema of `FEATURES`, or of `ANNOTATION_FEATURES`; kept, because making it takes
    milliseconds.
    """
    return (FEATURES if has_video else ANNOTATION_FEATURES).arrow_schema


def wanted_columns(columns: object, features: Mapping[str, object]) -> list[str]:
    """The columns that a caller names, in the order of a row.

    Raises:
        ValueError: not a list of names, an empty list, or an unknown column.
    """
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise ValueError(f"columns={columns!r}: wanted a list of names, as in columns=['label'].")
    names = list(columns)
    if not names:
        raise ValueError(
            f"columns={columns!r}: name at least one of {', '.join(features)}, or leave columns= "
            "out."
        )
    if unknown := [name for name in names if name not in features]:
        raise ValueError(
            f"columns={names}: no column {', '.join(map(repr, unknown))}. The columns are "
            f"{', '.join(features)}."
        )
    return [name for name in features if name in names]
