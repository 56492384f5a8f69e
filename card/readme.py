"""The README.md of a release: a dataset card whose numbers are counted in the shards. `build`
writes it plain, `card` full.
"""

from collections.abc import Mapping
from pathlib import Path

from ..release import read_manifest
from .facts import ReleaseFacts, count_facts
from .inputs import CardInputs
from .metadata import metadata
from .sections import (
    CHECK,
    CITATION,
    LOAD,
    agreement,
    annotation,
    changes,
    considerations,
    counts,
    errata,
    evaluation,
    fields,
    licences,
    maintenance,
    opening,
    splits,
    statistics,
    summary,
)
from .sizes import Config, ConfigSize, config_sizes


def card_files(release: Path) -> dict[str, bytes]:
    """The files of the plain card by name, for a release folder whose shards and manifest are
    written.
    """
    manifest = read_manifest(str(release))
    facts, sizes = count_facts(release), config_sizes(release, manifest)
    return {"README.md": render(facts, sizes, data_version=manifest["data_version"]).encode()}


def render(facts: ReleaseFacts, sizes: Mapping[Config, ConfigSize], *, data_version: str) -> str:
    """The plain card as Markdown with YAML metadata that the Hub and `datasets` read."""
    total = facts.total()
    parts = {
        "Load": LOAD,
        "Fields": fields(),
        "Counts": counts(facts, total),
        "Check": CHECK,
        "Citation": CITATION,
    }
    return _card(metadata(facts, sizes).to_yaml(), opening(total), parts, data_version=data_version)


def render_full(inputs: CardInputs) -> str:
    """The full card as Markdown, with links to its figures."""
    parts = {
        "Load": LOAD,
        "Fields": fields(),
        "Statistics": statistics(inputs),
        "Splits and hold-outs": splits(inputs),
        "Annotation": annotation(inputs),
        "Agreement": agreement(inputs),
        "Evaluation": evaluation(inputs),
        "Considerations": considerations(inputs),
        "Licences": licences(inputs),
        "Citation": CITATION,
        "Maintenance": maintenance(inputs),
        "Errata": errata(inputs),
        "Changes": changes(inputs),
        "Check": CHECK,
    }
    yaml = metadata(inputs.facts, inputs.sizes).to_yaml()
    return _card(yaml, summary(inputs), parts, data_version=inputs.manifest["data_version"])


def _card(yaml: str, start: str, parts: Mapping[str, str], *, data_version: str) -> str:
    text = "\n\n".join(
        [
            f"# BrokenVideos {data_version}",
            start,
            *(f"## {name}\n\n{part}" for name, part in parts.items()),
        ]
    )
    return f"---\n{yaml}\n---\n\n{text}\n"
