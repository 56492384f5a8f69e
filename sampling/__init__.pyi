from .batch import (
    collate as collate,
    collate_rle as collate_rle,
    to_device as to_device,
)
from .dataset import (
    ClipDataset as ClipDataset,
    clips as clips,
)
from .find import find_row as find_row
from .release_rows import ReleaseRows as ReleaseRows
from .source import opened_source as opened_source
from .state import join_states as join_states
