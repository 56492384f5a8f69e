"""BrokenVideos: AI-generated videos in which people marked, pixel by pixel and frame by frame, what
is broken.

This file is the front door: what users import, and the name that `load_dataset` knows. The rooms
behind it are its submodules: `brokenvideos.masks`, `frames`, `release`, `sampling`, `builder`,
`card`, `tools`. docs/architecture.md shows the house.

Examples:
    A small release lies inside the package, so this runs without a network:

    >>> import brokenvideos
    >>> from datasets import load_dataset
    >>> rows = load_dataset("brokenvideos", "sample", split="train", streaming=True)
    >>> row = next(iter(rows))
    >>> masks = brokenvideos.decode_masks(row)  # uint8[T, H, W], 1 = artifact
    >>> masks.shape == (row["num_frames"], row["height"], row["width"])
    True
"""

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from os.path import abspath, dirname
from typing import TYPE_CHECKING, Any

if __spec__ is not None and __spec__.submodule_search_locations is None:
    # In a checkout this file is the package, and the rooms lie beside it. In a wheel it is the
    # package's __init__.py.
    __path__ = __spec__.submodule_search_locations = [dirname(abspath(__file__))]
    __package__ = __name__

import lazy_loader

from . import frames
from .release import DATA_VERSION, FORMAT_VERSION, __version__, install_hook

if TYPE_CHECKING:
    from .builder import BuildOptions, build, verify
    from .masks import ARTIFACT_TYPES, decode_masks
    from .release import (
        ANNOTATION_FEATURES,
        FEATURES,
        LABELS,
        REPO_ID,
        SOURCE_FIELDS,
        SPLITS,
        VIDEO_ID,
        ReleaseError,
        load,
        read_manifest,
    )
    from .sampling import clips
    from .tools.evaluation import JFScore, evaluate

__all__ = [
    "ANNOTATION_FEATURES",
    "ARTIFACT_TYPES",
    "DATA_VERSION",
    "FEATURES",
    "FORMAT_VERSION",
    "LABELS",
    "REPO_ID",
    "SOURCE_FIELDS",
    "SPLITS",
    "VIDEO_ID",
    "BuildOptions",
    "JFScore",
    "ReleaseError",
    "__version__",
    "build",
    "clips",
    "decode_masks",
    "evaluate",
    "load",
    "read_manifest",
    "verify",
]

_ROOMS = {
    "builder": ["BuildOptions", "build", "verify"],
    "masks": ["ARTIFACT_TYPES", "decode_masks"],
    "sampling": ["clips"],
    "tools.evaluation": ["JFScore", "evaluate"],
}
_HERE = {"DATA_VERSION", "FORMAT_VERSION", "__version__"}
_ROOMS["release"] = sorted(
    set(__all__) - _HERE - {name for names in _ROOMS.values() for name in names}
)

_MOVED_FROM_HERE = dict.fromkeys(
    [
        "MAX_SHARDS",
        "BrokenVideos",
        "BrokenVideosConfig",
        "asking_the_hub",
        "download",
        "parse_json",
        "read_parquet",
        "read_tar",
        "shard_of",
        "shard_paths",
        "tar_members",
    ],
    "release",
)
_MOVED_FROM_FRAMES = dict.fromkeys(
    ["clips", "collate", "collate_rle", "join_states", "to_device"], "sampling"
)


def _with_moved_names(
    module: str, moved: Mapping[str, str], otherwise: Callable[[str], Any]
) -> Callable[[str], Any]:
    """A module's `__getattr__` that still gives the names of version 0.1, with a warning, until the
    version after the next.
    """

    def attribute(name: str) -> Any:
        if name not in moved:
            return otherwise(name)
        place = f"{__name__}.{moved[name]}"
        warnings.warn(
            f"{module}.{name} is now {place}.{name}; the next version does not have the earlier "
            "name any more.",
            DeprecationWarning,
            stacklevel=2,
        )
        return getattr(import_module(place), name)

    return attribute


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:
    # A name is imported when it is first used: `datasets`, torch and PyAV take longer than many
    # programs run.
    _attribute, _, _ = lazy_loader.attach(__name__, submod_attrs=_ROOMS)
    __getattr__ = _with_moved_names(__name__, _MOVED_FROM_HERE, _attribute)
    # `frames` lies below `sampling` and may not name it; this door may.
    frames.__getattr__ = _with_moved_names(frames.__name__, _MOVED_FROM_FRAMES, frames.__getattr__)

install_hook()
