from .container import (
    VideoSource as VideoSource,
    container_texts as container_texts,
    where as where,
)
from .decoded_hash import encode_hashed as encode_hashed
from .encode import encode_video as encode_video
from .geometry import (
    Geometry as Geometry,
    random_geometry as random_geometry,
    sampled_pixels as sampled_pixels,
    whole as whole,
)
from .index import (
    INDEX_COLUMNS as INDEX_COLUMNS,
    Int64Array as Int64Array,
    Packets as Packets,
    VideoError as VideoError,
    VideoIndex as VideoIndex,
    index_from_row as index_from_row,
    index_to_columns as index_to_columns,
)
from .ingest import index_video as index_video
from .orientation import (
    UPRIGHT as UPRIGHT,
    Orientation as Orientation,
    displayed_size as displayed_size,
    orientation_of_rotation as orientation_of_rotation,
    to_coded as to_coded,
    to_displayed as to_displayed,
)
from .packets import demux_index as demux_index
from .probing import Probe as Probe, probe as probe
from .proof import frames_that_differ as frames_that_differ
from .reader import (
    frames_from as frames_from,
    iter_frames as iter_frames,
    read_clips as read_clips,
    read_frames as read_frames,
)
