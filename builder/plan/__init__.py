"""Assigns a split and a shard to every video, and keeps near-duplicates together.

In: records of all videos. Out: shard plans, and the rule by which splits were assigned. The builder
and tools call it.
"""

from .near_duplicates import are_alike, release_groups
from .splits import (
    FILLED,
    SPLIT_RULES,
    STRATIFIED,
    ShardPlan,
    assign_splits,
    empty_splits,
    fill_splits,
    plan_shards,
    rule_of,
    split_rule,
)

__all__ = [
    "FILLED",
    "SPLIT_RULES",
    "STRATIFIED",
    "ShardPlan",
    "are_alike",
    "assign_splits",
    "empty_splits",
    "fill_splits",
    "plan_shards",
    "release_groups",
    "rule_of",
    "split_rule",
]
