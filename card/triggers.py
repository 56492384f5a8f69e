"""Counts prompts, clips and artifact types by the trigger in the prompt, which was expected to make
a model fail.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..masks import ARTIFACT_TYPES
from ..release import parse_json

CONTROL = "control"
"""The name of the group of clips whose prompts have no trigger."""

_Z = 1.959963984540054
"""Quantile of the normal distribution for a two-sided 95 % interval."""


@dataclass(slots=True)
class TriggerFacts:
    """Counts of the clips of one trigger."""

    num_videos: int = 0
    num_judged: int = 0
    """Clips with at least one annotated frame. The others count neither as broken nor as normal."""
    num_broken: int = 0
    prompt_ids: set[str] = field(default_factory=set)
    artifact_types: Counter[str] = field(default_factory=Counter)
    """Number of clips by artifact type; a clip can have several types."""
    expected: set[str] = field(default_factory=set)
    """Artifact types that the taxonomy expects."""

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON. `share_broken` has a 95 % interval; it is null if no clip is
        annotated.
        """
        low, high = wilson_interval(self.num_broken, self.num_judged) or (None, None)
        return {
            "prompts": len(self.prompt_ids),
            "videos": self.num_videos,
            "judged": self.num_judged,
            "broken": self.num_broken,
            "share_broken": {
                "value": self.num_broken / self.num_judged if self.num_judged else None,
                "low": low,
                "high": high,
            },
            "artifact_types": {kind: self.artifact_types[kind] for kind in ARTIFACT_TYPES},
            "expected": [kind for kind in ARTIFACT_TYPES if kind in self.expected],
        }


def add_row(triggers: dict[str, TriggerFacts], row: Mapping[str, Any]) -> None:
    """Counts a row (label, artifact_types, annotated_frames, source) under the trigger of its
    prompt, if it has one.
    """
    prompt = prompt_of(row["source"])
    if prompt is None:
        return
    facts = triggers.setdefault(prompt["trigger"] or CONTROL, TriggerFacts())
    facts.num_videos += 1
    facts.prompt_ids.add(str(prompt.get("prompt_id")))
    facts.expected.update(
        kind for kind in prompt.get("artifact_types") or () if kind in ARTIFACT_TYPES
    )
    if row["label"] or row["annotated_frames"]:
        facts.num_judged += 1
        facts.num_broken += bool(row["label"])
        facts.artifact_types.update(ARTIFACT_TYPES[code] for code in row["artifact_types"] or ())


def prompt_of(source: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The prompt in the record of a clip; None without a record, or if the prompt comes from no
    taxonomy.
    """
    text = source.get("record")
    try:
        record = parse_json(text.encode()) if text else None
    except ValueError:  # a record of another program
        return None
    prompt = record.get("prompt") if isinstance(record, dict) else None
    if not isinstance(prompt, dict) or not (
        isinstance(prompt.get("trigger"), str) or prompt.get("values")
    ):
        return None
    return {
        **prompt,
        "trigger": prompt.get("trigger") if isinstance(prompt.get("trigger"), str) else None,
    }


def wilson_interval(count: float, total: int) -> tuple[float, float] | None:
    """A 95 % interval of a share, in [0, 1]; None if the total is 0.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA
    22 (1927).
    """
    if not total:
        return None
    share, spread = count / total, _Z * _Z / total
    middle = (share + spread / 2) / (1 + spread)
    half = _Z * math.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
