"""The section on splits, and on what is left with a hold-out of a generator or an artifact type."""

from ...masks import ARTIFACT_TYPES
from ..inputs import CardInputs
from .data import split_table
from .markdown import paragraphs, table


def splits(inputs: CardInputs) -> str:
    """Sizes of the splits, the rule that made them, and hold-outs by name."""
    rule = inputs.manifest.get("split_rule")
    details, names = inputs.details, list(inputs.facts.splits)
    rows = [
        [f"`generator:{name}`", *(details.split_generators[split, name] for split in names)]
        for name in sorted(inputs.total.generators)
    ]
    rows += [
        [f"`artifact:{name}`", *(details.split_types[split, name] for split in names)]
        for name in ARTIFACT_TYPES
        if inputs.total.artifact_types[name]
    ]
    rule_text = rule.get("text") if isinstance(rule, dict) else None
    return paragraphs(
        split_table(inputs.facts),
        f"{rule_text} Seed {rule['seed']}. The manifest holds the rule."
        if rule_text and rule
        else None,
        "Hold-outs are filters over these splits, offered by name: "
        '`brokenvideos.load(holdout="artifact:blur")` trains and '
        "validates without any video of it and tests on those that have it (of an artifact type: "
        "and on all normal videos). Videos "
        "that each name takes away or tests on:",
        table(["held out", *names], rows),
    )
