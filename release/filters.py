"""Which rows a caller wants: filters over columns, and hold-outs by name."""

from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..masks import ARTIFACT_TYPES
from .row import LABELS

Filters: TypeAlias = list[tuple[Any, ...]] | list[list[tuple[Any, ...]]] | pc.Expression


def expression(filters: Filters | None) -> pc.Expression | None:
    return pq.filters_to_expression(filters) if isinstance(filters, list) else filters


def both(one: pc.Expression | None, two: pc.Expression | None) -> pc.Expression | None:
    return one & two if one is not None and two is not None else one if one is not None else two


def of_holdout(holdout: str | None, split: str) -> pc.Expression | None:
    """Rows of a split when one generator or artifact type is held out of training, as `load` says."""
    if holdout is None:
        return None
    column, _, value = holdout.partition(":")
    if column == "generator" and value:
        held_out = pc.field("generator") == value
        return held_out if split == "test" else ~held_out
    if column == "artifact" and value in ARTIFACT_TYPES:
        # Expressions cannot look into a list; codes are single digits, so the joined list can be searched as text.
        codes = pc.binary_join(pc.field("artifact_types").cast(pa.list_(pa.string())), ",")
        held_out = pc.match_substring(codes, str(ARTIFACT_TYPES.index(value)))
        return held_out | (pc.field("label") == LABELS.index("normal")) if split == "test" else ~held_out
    raise ValueError(
        f"holdout={holdout!r}: wanted 'generator:NAME', as in 'generator:kling', or 'artifact:TYPE' with one of "
        f"{', '.join(ARTIFACT_TYPES)}."
    )
