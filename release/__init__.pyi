from .dataset import (
    BrokenVideos as BrokenVideos,
    BrokenVideosConfig as BrokenVideosConfig,
)
from .error import (
    ReleaseError as ReleaseError,
    in_words as in_words,
    in_words_with_advice as in_words_with_advice,
)
from .features import (
    ANNOTATION_FEATURES as ANNOTATION_FEATURES,
    FEATURES as FEATURES,
    of_format as of_format,
)
from .filters import (
    FilterError as FilterError,
    Filters as Filters,
)
from .formats import (
    NEW_IN_2 as NEW_IN_2,
    READABLE_FORMATS as READABLE_FORMATS,
    as_current as as_current,
)
from .hook import install_hook as install_hook
from .hub import (
    RETRY_WAITS_S as RETRY_WAITS_S,
    asking_the_hub as asking_the_hub,
    download as download,
)
from .json_text import (
    MAX_JSON_BYTES as MAX_JSON_BYTES,
    MAX_JSON_DEPTH as MAX_JSON_DEPTH,
    parse_json as parse_json,
)
from .layout import (
    MANIFEST as MANIFEST,
    MAX_SHARDS as MAX_SHARDS,
    SHARD_FILES as SHARD_FILES,
    SUMS as SUMS,
    shard_of as shard_of,
    shard_paths as shard_paths,
)
from .loading import load as load
from .manifest import read_manifest as read_manifest
from .names import (
    NAME as NAME,
    REPO_ID as REPO_ID,
    SAMPLE as SAMPLE,
    SAMPLE_RELEASE as SAMPLE_RELEASE,
    is_repo_id as is_repo_id,
)
from .parquet import (
    open_parquet as open_parquet,
    read_parquet as read_parquet,
)
from .parquet_pages import (
    Content as Content,
    UnknownPagesError as UnknownPagesError,
    video_spans as video_spans,
)
from .registry import (
    HOUSE as HOUSE,
    names_in as names_in,
    record_in as record_in,
    records_in as records_in,
)
from .row import (
    LABELS as LABELS,
    SOURCE_FIELDS as SOURCE_FIELDS,
    SPLITS as SPLITS,
    VIDEO_ID as VIDEO_ID,
    VIDEO_SUFFIXES as VIDEO_SUFFIXES,
)
from .shards import (
    Shard as Shard,
    digest_of as digest_of,
    release_shards as release_shards,
)
from .tar import (
    MAX_MEMBER_BYTES as MAX_MEMBER_BYTES,
    read_tar as read_tar,
    tar_members as tar_members,
)
from .version import (
    DATA_VERSION as DATA_VERSION,
    FORMAT_VERSION as FORMAT_VERSION,
    __version__ as __version__,
)
