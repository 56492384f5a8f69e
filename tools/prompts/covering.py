"""Rows that cover every feasible combination of t values: the combinations, a lower bound for the
rows, and a greedy algorithm.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import combinations, product

from .taxonomy import Constraint, Row, Taxonomy

Combination = tuple[tuple[str, str], ...]
"""(factor, value) pairs, factors in the taxonomy's order."""


class Space:
    """The rows that a taxonomy allows. Results are cached, so use one object for a whole run."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.values: Mapping[str, Sequence[str]] = {
            name: tuple(values) for name, values in taxonomy.factors.items()
        }
        self._constraints = taxonomy.constraints
        self._extensible = lru_cache(maxsize=None)(self._search)

    def allows(self, partial: Row) -> bool:
        """Whether some allowed full row has the given values."""
        named = tuple((name, partial[name]) for name in self.values if name in partial)
        return self._extensible(named)

    def combinations(
        self, strength: int, *, having: tuple[str, str] | None = None
    ) -> dict[tuple[str, ...], list[Combination]]:
        """Every feasible combination of `strength` values, by its factors; with `having`, those
        that have this factor's value.
        """
        values = self.values if having is None else {**self.values, having[0]: (having[1],)}
        return {
            names: [
                combination
                for chosen in product(*(values[name] for name in names))
                if self._extensible(combination := tuple(zip(names, chosen, strict=True)))
            ]
            for names in combinations(self.values, strength)
            if having is None or having[0] in names
        }

    def _search(self, named: Combination) -> bool:
        partial = dict(named)
        if any(_violates(constraint, partial) for constraint in self._constraints):
            return False
        free = next((name for name in self.values if name not in partial), None)
        if free is None:
            return True
        return any(self.allows({**partial, free: value}) for value in self.values[free])


def covered_by(row: Row, strength: int, *, factors: Iterable[str]) -> Iterator[Combination]:
    """The combinations of `strength` values that a row has."""
    return combinations([(name, row[name]) for name in factors], strength)


def lower_bound(by_factors: Mapping[tuple[str, ...], Sequence[Combination]]) -> int:
    """A lower bound for the number of rows that cover all combinations. A row has one combination
    of any `strength` factors, so the factors with the most feasible combinations need that many
    rows. Constraints can only make the true minimum larger.
    """
    return max(len(combinations) for combinations in by_factors.values())


def cover(
    space: Space,
    missing: Iterable[Combination],
    *,
    strength: int,
    rows: Iterable[Row] = (),
    at_most: int | None = None,
) -> list[Row]:
    """At most `at_most` rows that together have every combination of `missing`; each must be
    feasible. Deterministic.

    The algorithm is greedy. Each row starts with a combination of the factors with the most
    combinations left to cover (the best of several tries). Then it adds, value by value, the value
    that covers most; of equal ones the least used value, counted over the existing `rows` too.
    """
    left = dict.fromkeys(missing)
    used = {(name, value): 0 for name, values in space.values.items() for value in values}
    for row in rows:
        for item in row.items():
            used[item] = used.get(item, 0) + 1
    made: list[Row] = []
    while left and (at_most is None or len(made) < at_most):
        row = _best_row(space, left, used, strength)
        for combination in covered_by(row, strength, factors=space.values):
            left.pop(combination, None)
        for item in row.items():
            used[item] += 1
        made.append(row)
    return made


_STARTS = 12
"""Number of combinations that are tried as the start of a row."""


def _best_row(
    space: Space,
    left: Mapping[Combination, None],
    used: Mapping[tuple[str, str], int],
    strength: int,
) -> Row:
    waiting: dict[tuple[str, ...], list[Combination]] = {}
    for combination in left:
        waiting.setdefault(tuple(name for name, _ in combination), []).append(combination)
    fullest = max(waiting.values(), key=len)
    starts = sorted(fullest, key=lambda combination: sum(used[item] for item in combination))[
        :_STARTS
    ]
    rows = [_grown(space, dict(start), left, used, strength) for start in starts]
    return max(
        rows,
        key=lambda row: sum(c in left for c in covered_by(row, strength, factors=space.values)),
    )


def _grown(
    space: Space,
    row: dict[str, str],
    left: Mapping[Combination, None],
    used: Mapping[tuple[str, str], int],
    strength: int,
) -> Row:
    """A full row with the given values; the factor and value that cover most are added first."""
    while len(row) < len(space.values):
        options = [
            (
                -_gain(space, {**row, name: value}, name, left, strength),
                used[name, value],
                rank,
                name,
                value,
            )
            for rank, name in enumerate(space.values)
            if name not in row
            for value in space.values[name]
            if space.allows({**row, name: value})
        ]
        _, _, _, name, value = min(options)
        row = {**row, name: value}
    return {name: row[name] for name in space.values}


def _gain(
    space: Space, row: Row, added: str, left: Mapping[Combination, None], strength: int
) -> int:
    """The number of missing combinations that the value of `added` covers with the other values of
    a partial row.
    """
    order = [name for name in space.values if name in row]
    return sum(
        any(name == added for name, _ in combination) and combination in left
        for combination in covered_by(row, strength, factors=order)
    )


def _violates(constraint: Constraint, partial: Row) -> bool:
    """Whether the values of a partial row break a constraint."""
    applies = all(
        name in partial and partial[name] in values for name, values in constraint.when.items()
    )
    return applies and any(
        name in partial and partial[name] not in values for name, values in constraint.then.items()
    )
