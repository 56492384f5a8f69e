"""Sizes of the configs of a release, counted as `datasets` does."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow.dataset as ds

from ..release import shard_paths

Config = Literal["default", "annotations"]

CONFIGS: dict[Config, str] = {"default": "data", "annotations": "annotations"}
"""The card's configs and their folders; one card cannot list tars beside Parquet
(datasets#7101).
"""


@dataclass(frozen=True, slots=True)
class ConfigSize:
    """The sizes of one configuration.

    Attributes:
        num_bytes: bytes of the rows as Arrow tables, by split.
        num_examples: number of rows, by split.
        download_bytes: bytes of the files.
    """

    num_bytes: Mapping[str, int]
    num_examples: Mapping[str, int]
    download_bytes: int


def config_sizes(release: Path, manifest: Mapping[str, Any]) -> dict[Config, ConfigSize]:
    """Sizes by config. Reads the Parquet shards once, videos too, a row group at a time.

    Raises:
        OSError: a shard is missing.
    """
    return {config: _config_size(release, manifest, config) for config in CONFIGS}


def _config_size(release: Path, manifest: Mapping[str, Any], config: Config) -> ConfigSize:
    num_bytes: dict[str, int] = {}
    num_examples: dict[str, int] = {}
    download_bytes = 0
    for shard in manifest["shards"]:
        split = shard["split"]
        path = shard_paths(split, shard["index"], shard["num_shards"])[config]
        num_bytes[split] = num_bytes.get(split, 0) + arrow_bytes(release / path)
        num_examples[split] = num_examples.get(split, 0) + len(shard["video_ids"])
        download_bytes += sum(file["bytes"] for file in shard["files"] if file["path"] == path)
    return ConfigSize(num_bytes, num_examples, download_bytes)


def arrow_bytes(path: Path) -> int:
    """Bytes of a shard's rows in the batches that `datasets` reads. A batch has as many rows as the
    first row group.
    """
    with path.open("rb") as file:
        # Otherwise pyarrow reads the whole file before the first batch: some hundred megabytes.
        options = ds.ParquetFragmentScanOptions(pre_buffer=False)
        fragment = ds.ParquetFileFormat(default_fragment_scan_options=options).make_fragment(file)
        if not fragment.row_groups:
            return 0
        size = fragment.row_groups[0].num_rows
        batches = fragment.to_batches(
            batch_size=size, batch_readahead=0, fragment_readahead=0, use_threads=False
        )
        return sum(batch.nbytes for batch in batches)
