"""The figures and tables of benchmarks/faults.py, from what each model has found."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from brokenvideos.card import wilson_interval
from brokenvideos.tools.evaluation import estimate
from brokenvideos.tools.evaluation.intervals import difference
from brokenvideos.tools.evaluation.scores import average_precision

RESAMPLES = 1000

Facts = Sequence[Mapping[str, Any]]
"""Those of the models of one method and hold-out, one of each seed."""


def per_video(facts: Facts, group: str, name: str) -> np.ndarray:
    """float64[N, V]: this figure of each seed and video."""
    return np.array(
        [[video[name] for video in one["groups"][group].values()] for one in facts], np.float64
    )


def pixel_ap(facts: Facts, group: str, *, resampled: bool = True) -> dict[str, float]:
    """The mean over seeds of the average precision of all pixels of annotated frames, the share of
    marked pixels, and their ratio with its interval over resampled videos (percentiles).
    """
    levels = per_video(facts, group, "levels").astype(np.int64)

    def figures(chosen: np.ndarray) -> tuple[float, float]:
        pooled = levels[:, chosen].sum(axis=1)
        ap = np.mean([average_precision(one) or 0.0 for one in pooled])
        return float(ap), float(pooled[0, 1].sum() / pooled[0].sum())

    ap, share = figures(np.arange(levels.shape[1]))
    found = {"ap": ap, "prevalence": share, "ratio": ap / share}
    if resampled:
        rng = np.random.default_rng(0)
        draws = (rng.integers(0, levels.shape[1], levels.shape[1]) for _ in range(RESAMPLES))
        ratios = [ap / share for ap, share in map(figures, draws)]
        low, high = np.quantile(ratios, [0.025, 0.975])
        found |= {"low": float(low), "high": float(high)}
    return found


def share(flags: np.ndarray) -> dict[str, Any]:
    """The share of flagged videos of bool[N, V], its interval as if all seeds were one model, and
    the share of each seed.
    """
    low, high = wilson_interval(float(flags.mean(axis=0).sum()), flags.shape[1]) or (None, None)
    return {
        "n": flags.shape[1],
        "share": float(flags.mean()),
        "low": low,
        "high": high,
        "of_seeds": flags.mean(axis=1).tolist(),
    }


def figures_of(facts: Facts) -> dict[str, Any]:
    """The figures of the tables, of one method and hold-out."""
    groups = {}
    for group in facts[0]["groups"]:
        active = per_video(facts, group, "active_jf")
        groups[group] = {
            "n": active.shape[1],
            "pixel_ap": pixel_ap(facts, group)
            | {"of_seeds": [pixel_ap([one], group, resampled=False)["ratio"] for one in facts]},
            "active_jf": estimate(active.mean(axis=0)).to_dict()
            | {"of_seeds": active.mean(axis=1).tolist()},
            "centre_box": estimate(per_video(facts, group, "centre_box")[0]).to_dict(),
            "flagged": share(per_video(facts, group, "flagged")),
        }
    traits = list(facts[0]["normal"])
    normal = {
        trait: np.array([one["normal"][trait] for one in facts], np.float64) for trait in traits
    }
    every = {"all": np.concatenate(list(normal.values()), axis=1)} | normal
    return {
        "thresholds": [one["threshold"] for one in facts],
        "groups": groups,
        "normal": {trait: share(flags) for trait, flags in every.items()},
    }


def with_interval(found: Mapping[str, Any], *, name: str = "value", digits: int = 3) -> str:
    return f"{found[name]:.{digits}f} [{found['low']:.{digits}f}, {found['high']:.{digits}f}]"


def print_tables(found: Mapping[tuple[str, str], Facts]) -> dict[str, Any]:
    """Prints all tables; returns their figures by "method, without held"."""
    figures = {key: figures_of(facts) for key, facts in found.items()}
    print(
        "| trained | without | broken videos of | n | pixel AP ÷ prevalence | J&F active "
        "| centre box | flagged |\n|---|---|---|---|---|---|---|---|"
    )
    for (method, held), one in figures.items():
        for group, of in one["groups"].items():
            ap = of["pixel_ap"]
            cells = [
                method,
                held,
                f"**{group}**" if group == held else group,
                str(of["n"]),
                f"{ap['ap']:.3f} ÷ {ap['prevalence']:.3f} = "
                + with_interval(ap, name="ratio", digits=1),
                with_interval(of["active_jf"]),
                f"{of['centre_box']['value']:.3f}",
                f"{of['flagged']['share']:.2f}",
            ]
            print(f"| {' | '.join(cells)} |")
    traits = list(next(iter(figures.values()))["normal"])
    print(
        f"\n| normal videos flagged | without | {' | '.join(traits)} |\n|---|---|{'---|' * len(traits)}"
    )
    for (method, held), one in figures.items():
        shares = [
            with_interval(of, name="share") if trait == "all" else f"{of['share']:.3f}"
            for trait, of in one["normal"].items()
        ]
        print(f"| {' | '.join([method, held, *shares])} |")
    print_differences(found)
    return {f"{method}, without {held}": one for (method, held), one in figures.items()}


def print_differences(found: Mapping[tuple[str, str], Facts]) -> None:
    """J&F of active frames of `faults` minus that of `unet`, where both were trained; p from 0.001."""
    print("\n| without | broken videos of | J&F active, faults - unet | p |\n|---|---|---|---|")
    for (method, held), facts in found.items():
        other = found.get(("unet", held))
        if method != "faults" or other is None:
            continue
        for group in facts[0]["groups"]:
            ours, theirs = (
                per_video(one, group, "active_jf").mean(axis=0) for one in (facts, other)
            )
            gap = difference(ours, theirs)
            name = f"**{group}**" if group == held else group
            print(
                f"| {held} | {name} | {with_interval(gap.mean.to_dict())} | {max(gap.p, 0.001):.3f} |"
            )
