"""The dataset card of a release, from facts counted in its shards: plain with every build, full with figures and Croissant."""

from brokenvideos.card.facts import Facts, ReleaseFacts, count_facts
from brokenvideos.card.readme import card_files, render

__all__ = ["Facts", "ReleaseFacts", "card_files", "count_facts", "render"]
