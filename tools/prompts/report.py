"""The coverage of a taxonomy by a list of prompts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .covering import Space, covered_by, lower_bound
from .prompt import Prompt, triggering
from .taxonomy import TRIGGER, Taxonomy


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of a prompt file. Rows are the prompts with a trigger; controls count only for the
    values that they have.
    """

    strength: int
    num_rows: int
    num_controls: int
    num_feasible: int
    """Combinations of `strength` values that the constraints allow."""
    num_covered: int
    bound: int
    """Lower bound for the number of rows that cover all combinations."""
    values: Mapping[str, Mapping[str, int]]
    """Number of rows by factor and value."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "strength": self.strength,
            "rows": self.num_rows,
            "controls": self.num_controls,
            "feasible": self.num_feasible,
            "covered": self.num_covered,
            "lower_bound": self.bound,
            "values": {name: dict(counts) for name, counts in self.values.items()},
        }

    def lines(self) -> list[str]:
        share = self.num_covered / self.num_feasible
        return [
            f"combinations of {self.strength} values: {self.num_covered} of {self.num_feasible} "
            f"feasible ones ({share:.1%})",
            f"rows: {self.num_rows}, {self.num_rows / self.bound:.2f} x the lower bound of "
            f"{self.bound}",
            f"controls: {self.num_controls}",
            *(
                f"{name}: {', '.join(f'{value} {count}' for value, count in counts.items())}"
                for name, counts in self.values.items()
            ),
        ]


def report_on(taxonomy: Taxonomy, prompts: Sequence[Prompt], *, strength: int = 2) -> Report:
    """Counts the prompts of a file that was made from a taxonomy."""
    space = Space(taxonomy)
    by_factors = space.combinations(strength)
    feasible = {combination for combinations in by_factors.values() for combination in combinations}
    rows = [prompt.values for prompt in triggering(prompts)]
    covered = {
        combination
        for row in rows
        for combination in covered_by(
            row, strength, factors=[name for name in space.values if name in row]
        )
    }
    counts = Counter((name, value) for row in rows for name, value in row.items())
    return Report(
        strength=strength,
        num_rows=len(rows),
        num_controls=sum(
            TRIGGER not in prompt.values and bool(prompt.values) for prompt in prompts
        ),
        num_feasible=len(feasible),
        num_covered=len(feasible & covered),
        bound=lower_bound(by_factors),
        values={
            name: {value: counts[name, value] for value in values}
            for name, values in space.values.items()
        },
    )
