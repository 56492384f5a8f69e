"""The inputs of a full card."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..release import read_manifest
from .about import About
from .details import Details, count_all
from .facts import Facts, ReleaseFacts
from .sizes import Config, ConfigSize, config_sizes


@dataclass(frozen=True, slots=True)
class CardInputs:
    """A release's manifest, the counts of its shards, and the statements about it. `total`: the
    counts of all splits.
    """

    manifest: Mapping[str, Any]
    facts: ReleaseFacts
    total: Facts
    details: Details
    sizes: Mapping[Config, ConfigSize]
    about: About


def read_inputs(release: Path, about: About) -> CardInputs:
    """Counts a release: one pass over its annotation shards, one over the sizes of all Parquet.

    Raises:
        ReleaseError: no manifest. OSError: a shard is missing.
    """
    manifest = read_manifest(str(release))
    facts, details = count_all(release)
    return CardInputs(
        manifest, facts, facts.total(), details, config_sizes(release, manifest), about
    )
