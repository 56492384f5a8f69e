"""Chooses rows: filters over columns, and hold-outs by name."""

import operator
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..masks import ARTIFACT_TYPES
from .row import LABELS

Filters: TypeAlias = (
    tuple[Any, ...] | list[tuple[Any, ...]] | list[list[tuple[Any, ...]]] | pc.Expression
)
_OPERATORS = ("=", "==", "!=", "<", ">", "<=", ">=", "in", "not in")
_NAMES = {"label": LABELS, "artifact_types": ARTIFACT_TYPES}
"""Columns whose numeric values have names."""
_WANTED = (
    "Wanted a list of (column, operator, value), as in [('label', '==', 'broken')], or a "
    "list of such lists."
)


class FilterError(ValueError):
    """Filters or a hold-out with an unknown name; the message lists the known ones."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A choice of rows: an expression over columns, and the columns that it needs.

    No columns means that the needed columns are not known.
    """

    expression: pc.Expression
    columns: tuple[str, ...]

    def __and__(self, other: "Choice | None") -> "Choice":
        if other is None:
            return self
        known = self.columns and other.columns
        columns = tuple(dict.fromkeys((*self.columns, *other.columns))) if known else ()
        return Choice(self.expression & other.expression, columns)


def chosen(filters: Filters | None, schema: pa.Schema) -> Choice | None:
    """The rows of this schema that the filters keep; None if they keep all.

    A list of (column, operator, value) keeps rows for which all conditions hold. A list of such
    lists keeps rows for which one of the lists holds, as in `pyarrow.parquet.read_table`. A single
    tuple stands for a list with it. The operators are ==, !=, <, >, <=, >=, in and not in. Labels
    and artifact types may be given by name: ("label", "==", "broken"). For `artifact_types`, == and
    in keep videos that have the type or one of the types; != and not in keep videos that do not. A
    video with unknown types is kept by neither.

    Raises:
        FilterError: filters of another shape, an unknown column, name or operator, or a value that
            cannot be compared with the column.
    """
    if filters is None or (isinstance(filters, list | tuple) and not len(filters)):
        return None
    if isinstance(filters, pc.Expression):
        choice = Choice(filters, ())
    else:
        either = [list(_both(filters, group, schema)) for group in _groups(filters)]
        expressions = [_all_of(expression for expression, _ in group) for group in either]
        columns = tuple(dict.fromkeys(column for group in either for _, column in group))
        choice = Choice(_any_of(expressions), columns)
    try:
        schema.empty_table().filter(choice.expression)
    except (pa.ArrowException, TypeError) as error:
        unknown = re.search(r"FieldRef\.Name\((.*?)\)", str(error))
        if unknown is not None:
            raise FilterError(_no_column(unknown[1], schema)) from None
        reason = str(error).splitlines()[0]
        codes = "; ".join(f"{column}: {_codes(column)}" for column in _NAMES)
        raise FilterError(
            f"filters={filters}: {reason}. Give values of the column's type ({codes})."
        ) from None
    return choice


def of_holdout(holdout: str | None, split: str) -> Choice | None:
    """The rows of a split if one generator or artifact type is held out of training, by the rule of
    `load`.

    Raises:
        FilterError: neither "generator:NAME" nor "artifact:TYPE".
    """
    if holdout is None:
        return None
    column, value = held_out(holdout)
    if column == "generator":
        is_it = pc.field("generator") == value
        return Choice(is_it if split == "test" else ~is_it, ("generator",))
    has_it = _has_type(ARTIFACT_TYPES.index(value))
    if split == "test":
        return Choice(
            has_it | (pc.field("label") == LABELS.index("normal")), ("artifact_types", "label")
        )
    return Choice(~has_it, ("artifact_types",))


def held_out(holdout: str) -> tuple[str, str]:
    """The column and the value of a hold-out: ("generator", NAME) or ("artifact_types", TYPE).

    Raises:
        FilterError: neither "generator:NAME" nor "artifact:TYPE".
    """
    kind, _, value = holdout.partition(":") if isinstance(holdout, str) else ("", "", "")
    if kind == "generator" and value:
        return "generator", value
    if kind == "artifact" and value in ARTIFACT_TYPES:
        return "artifact_types", value
    raise FilterError(
        f"holdout={holdout!r}: wanted 'generator:NAME', as in 'generator:kling', or "
        f"'artifact:TYPE' with one of {', '.join(ARTIFACT_TYPES)}."
    )


def names_in(table: pa.Table, column: str) -> set[str]:
    """The values of `generator`, `label` or `artifact_types` in a table, by name."""
    values = table.column(column)
    if pa.types.is_list(values.type):
        values = pc.list_flatten(values)
    unique_values = pc.unique(values).to_pylist()
    names = _NAMES.get(column)
    return {
        value if names is None else names[value] for value in unique_values if value is not None
    }


def _groups(filters: Any) -> list[Any]:
    """The filters as lists of conditions; a row is kept if one list holds."""
    if _is_predicate(filters):
        return [[filters]]
    if not isinstance(filters, list | tuple):
        raise FilterError(f"filters={filters!r}: {_WANTED}")
    if all(_is_predicate(part) for part in filters):
        return [filters]
    return list(filters)


def _is_predicate(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) == 3
        and isinstance(value[0], str)
        and (isinstance(value[1], str) and not isinstance(value[0], list | tuple))
    )


def _both(filters: Any, group: Any, schema: pa.Schema) -> Iterator[tuple[pc.Expression, str]]:
    if (
        not isinstance(group, list | tuple)
        or not group
        or not all(_is_predicate(part) for part in group)
    ):
        raise FilterError(f"filters={filters!r}: {_WANTED}")
    for column, comparison, value in group:
        if comparison not in _OPERATORS:
            raise FilterError(
                f"filters={filters!r}: no operator {comparison!r}. Wanted one of "
                f"{', '.join(_OPERATORS)}."
            )
        if column not in schema.names:
            raise FilterError(_no_column(column, schema))
        several = comparison in ("in", "not in")
        if several and (isinstance(value, str | bytes) or not isinstance(value, Iterable)):
            raise FilterError(
                f"filters={filters!r}: {value!r} after {comparison!r}, wanted a list of values."
            )
        value = list(value) if several else value
        if column in _NAMES:
            value = [_code(column, name) for name in value] if several else _code(column, value)
        try:
            yield _expression(column, comparison, value), column
        except FilterError:
            raise
        except (pa.ArrowException, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise FilterError(
                f"filters={filters!r}: {reason}. Give values of the column's type."
            ) from None


def _expression(column: str, comparison: str, value: Any) -> pc.Expression:
    if column != "artifact_types":
        return pq.filters_to_expression([(column, comparison, value)])
    if comparison not in ("=", "==", "!=", "in", "not in"):
        raise FilterError(
            f"filters: no {comparison!r} for artifact_types. Use ==, !=, in or not in."
        )
    has_one = _any_of([_has_type(code) for code in (value if isinstance(value, list) else [value])])
    return ~has_one if comparison in ("!=", "not in") else has_one


def _has_type(code: int) -> pc.Expression:
    # Expressions cannot search a list. The codes are single digits, so the list is joined to a text
    # and searched.
    codes = pc.binary_join(pc.field("artifact_types").cast(pa.list_(pa.string())), ",")
    return pc.match_substring(codes, str(code))


def _code(column: str, value: Any) -> int:
    """The number of a label or an artifact type, given by name or number."""
    names = _NAMES[column]
    if isinstance(value, str) and value in names:
        return names.index(value)
    try:
        code = -1 if isinstance(value, bool) else operator.index(value)  # also NumPy integers
    except TypeError:
        code = -1
    if 0 <= code < len(names):
        return code
    raise FilterError(f"filters: {column} has no {value!r}. It has {_codes(column)}.")


def _codes(column: str) -> str:
    return ", ".join(f"{name} = {code}" for code, name in enumerate(_NAMES[column]))


def _no_column(column: str, schema: pa.Schema) -> str:
    return f"filters: no column {column!r}. The columns are {', '.join(schema.names)}."


def _all_of(expressions: Iterable[pc.Expression]) -> pc.Expression:
    first, *others = expressions
    for other in others:
        first = first & other
    return first


def _any_of(expressions: Sequence[pc.Expression]) -> pc.Expression:
    if not expressions:
        return pc.scalar(False)
    first, *others = expressions
    for other in others:
        first = first | other
    return first
