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
from .source import (
    HubRelease as HubRelease,
    SourceError as SourceError,
    named_release as named_release,
    opened_source as opened_source,
    release_folder as release_folder,
    rows_of_release as rows_of_release,
)
from .state import join_states as join_states
