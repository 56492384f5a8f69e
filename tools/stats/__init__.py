"""Statistics of a release: per split, near-duplicates, and metadata that could fool a model;
and the list of its videos.

In: facts counted in the shards. Out: a table as text, or plain values. The command calls it.
"""

from .listing import ListedVideo, Wanted, csv_of, listed_videos, table_of
from .stats import stats_dict, stats_text

__all__ = [
    "ListedVideo",
    "Wanted",
    "csv_of",
    "listed_videos",
    "stats_dict",
    "stats_text",
    "table_of",
]
