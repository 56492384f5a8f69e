"""The section on prompts: the triggers of the clips, and the artifacts that they gave."""

from collections.abc import Mapping

from ...masks import ARTIFACT_TYPES
from ..triggers import CONTROL, TriggerFacts, wilson_interval
from .markdown import paragraphs, percent, table


def prompts(triggers: Mapping[str, TriggerFacts]) -> str | None:
    """A table with one row per trigger, controls last; None if no clip has a trigger in its
    record.
    """
    if not triggers:
        return None
    names = sorted(triggers, key=lambda name: (name == CONTROL, name))
    head = ["trigger", "expected", "prompts", "clips", "judged", "broken", *ARTIFACT_TYPES]
    return paragraphs(
        table(head, [_row(name, triggers[name]) for name in names], text=2),
        "Clips by the trigger of their prompt: what was expected to make a model fail. `control`: "
        "the same situations without it. Broken is the share of the judged clips, those of which a "
        "frame was looked at, with its 95 % interval (Wilson; clips of one prompt are counted as "
        "if they were independent). A clip with several artifact types is counted in each of them.",
    )


def _row(name: str, facts: TriggerFacts) -> list[object]:
    expected = ", ".join(kind for kind in ARTIFACT_TYPES if kind in facts.expected) or "-"
    interval = wilson_interval(facts.num_broken, facts.num_judged)
    share = percent(facts.num_broken, facts.num_judged)
    broken = share if interval is None else f"{share} [{interval[0]:.1%}, {interval[1]:.1%}]"
    counts = [facts.artifact_types[kind] for kind in ARTIFACT_TYPES]
    return [
        name,
        expected,
        len(facts.prompt_ids),
        facts.num_videos,
        facts.num_judged,
        broken,
        *counts,
    ]
