"""BrokenVideos: AI-generated videos in which people marked, pixel by pixel and frame by frame, what is broken.

    import brokenvideos
    from datasets import load_dataset

    rows = load_dataset("brokenvideos", "sample", split="train", streaming=True)
    row = next(iter(rows))
    masks = brokenvideos.decode_masks(row)  # uint8[T, H, W], 1 = artifact

This file is the front door: what users import, and the name that `load_dataset` knows. The rooms behind it are its submodules:
`brokenvideos.masks`, `frames`, `release`, `sampling`, `builder`, `card`, `tools`. docs/architecture.md shows the house.
"""

from os.path import abspath, dirname
from typing import TYPE_CHECKING

if __spec__ is not None and __spec__.submodule_search_locations is None:
    # In a checkout this file is the package, and the rooms lie beside it. In a wheel it is the package's __init__.py.
    __path__ = __spec__.submodule_search_locations = [dirname(abspath(__file__))]
    __package__ = __name__

import lazy_loader

from .release import DATA_VERSION, FORMAT_VERSION, __version__, install_hook

if TYPE_CHECKING:
    from .masks import ARTIFACT_TYPES, decode_masks
    from .release import (
        ANNOTATION_FEATURES,
        FEATURES,
        LABELS,
        MAX_SHARDS,
        REPO_ID,
        SOURCE_FIELDS,
        SPLITS,
        VIDEO_ID,
        BrokenVideos,
        BrokenVideosConfig,
        ReleaseError,
        asking_the_hub,
        download,
        load,
        parse_json,
        read_manifest,
        read_parquet,
        read_tar,
        shard_of,
        shard_paths,
        tar_members,
    )
    from .sampling import clips

__all__ = [
    "ANNOTATION_FEATURES",
    "ARTIFACT_TYPES",
    "DATA_VERSION",
    "FEATURES",
    "FORMAT_VERSION",
    "LABELS",
    "MAX_SHARDS",
    "REPO_ID",
    "SOURCE_FIELDS",
    "SPLITS",
    "VIDEO_ID",
    "BrokenVideos",
    "BrokenVideosConfig",
    "ReleaseError",
    "__version__",
    "asking_the_hub",
    "clips",
    "decode_masks",
    "download",
    "load",
    "parse_json",
    "read_manifest",
    "read_parquet",
    "read_tar",
    "shard_of",
    "shard_paths",
    "tar_members",
]

_ROOMS = {"masks": ["ARTIFACT_TYPES", "decode_masks"], "sampling": ["clips"]}
_HERE = {"DATA_VERSION", "FORMAT_VERSION", "__version__"}
_ROOMS["release"] = sorted(set(__all__) - _HERE - {name for names in _ROOMS.values() for name in names})

# A name is imported when it is first used: `datasets`, torch and PyAV take longer than many programs run.
__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs=_ROOMS)

install_hook()
