from .batch import (
    collate as collate,
    collate_rle as collate_rle,
    to_device as to_device,
)
from .dataset import (
    ClipDataset as ClipDataset,
    clips as clips,
)
from .file_bytes import opened_at as opened_at
from .find import find_row as find_row
from .named import (
    HubRelease as HubRelease,
    SourceError as SourceError,
    named_release as named_release,
    release_folder as release_folder,
)
from .release_rows import ReleaseRows as ReleaseRows
from .source import (
    opened_source as opened_source,
    rows_of_release as rows_of_release,
)
from .state import join_states as join_states
