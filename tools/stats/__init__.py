"""Statistics of a release: per split, near-duplicates, and metadata that could fool a model.

In: facts counted in the shards. Out: a table as text, or plain values. The command calls it.
"""

from .stats import stats_dict, stats_text

__all__ = ["stats_dict", "stats_text"]
