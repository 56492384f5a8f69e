"""Makes prompts from a taxonomy that cover every feasible combination, with controls and seeds."""

from collections.abc import Sequence
from pathlib import Path

from ...builder.work import write_atomic
from .covering import Space, cover, covered_by
from .prompt import Prompt, PromptError, prompt_id_of, read_prompts, seed_of, triggering
from .taxonomy import TRIGGER, Row, Taxonomy, TaxonomyError


def make_prompts(
    taxonomy: Taxonomy,
    *,
    strength: int = 2,
    per_trigger: int = 0,
    seeds: int = 1,
    old: Sequence[Prompt] = (),
) -> list[Prompt]:
    """New prompts that, together with `old`, have every feasible combination of `strength` values.
    The same input gives the same prompts.

    Args:
        per_trigger: least number of prompts for every trigger; additional ones cover combinations
            of more values.
        seeds: number of seeds for each new prompt.

    Returns:
        Only new prompts. Each prompt with a trigger is followed by its control, unless that control
        came before.

    Raises:
        TaxonomyError: a strength that the taxonomy cannot have; a trigger with fewer rows than
            `per_trigger`.
    """
    space = Space(taxonomy)
    for name, values in space.values.items():
        for value in values:
            if not space.allows({name: value}):
                raise TaxonomyError(
                    f"{name} {value}: the constraints allow no prompt with it. Relax the "
                    "constraints, or remove the value."
                )
    if not 1 <= strength <= len(space.values):
        raise TaxonomyError(
            f"strength {strength}: the taxonomy has {len(space.values)} factors; give 1 to that "
            "many."
        )
    rows: list[Row] = [prompt.values for prompt in triggering(old)]
    covered = {combination for row in rows for combination in _known(space, row, strength)}
    wanted = [
        combination for group in space.combinations(strength).values() for combination in group
    ]
    made: list[Row] = list(
        cover(space, [c for c in wanted if c not in covered], strength=strength, rows=rows)
    )
    for trigger in taxonomy.triggers:
        made += _more(space, trigger, [*rows, *made], per_trigger=per_trigger, strength=strength)
    return _written(taxonomy, made, seeds=seeds, taken={prompt.prompt_id for prompt in old})


def write_prompts(
    out: Path,
    taxonomy: Taxonomy,
    *,
    strength: int = 2,
    per_trigger: int = 0,
    seeds: int = 1,
    extend: Path | None = None,
) -> None:
    """Writes a prompt file, complete or not at all. With `extend`, it holds the unchanged lines of
    that file and then new prompts.

    Raises:
        PromptError: `out` exists with other content; or `extend` is not a prompt file, or not made
            from a taxonomy.
        TaxonomyError: as in `make_prompts`. OSError: a file cannot be read or written.
    """
    before, old = b"", []
    if extend is not None:
        before, old = extend.read_bytes(), _old_prompts(extend)
        if not before.endswith(b"\n"):
            before += b"\n"
    made = make_prompts(taxonomy, strength=strength, per_trigger=per_trigger, seeds=seeds, old=old)
    content = before + "".join(f"{prompt.to_line()}\n" for prompt in made).encode()
    if out.exists() and out != extend and out.read_bytes() != content:
        raise PromptError(
            f"{out}: exists already, with other prompts. Give another name, or --extend {out} to "
            "keep its prompts and add to them."
        )
    write_atomic(out, content)


def _old_prompts(path: Path) -> list[Prompt]:
    prompts = read_prompts(path)
    if not any(prompt.values for prompt in prompts):
        raise PromptError(
            f"{path}: no prompt in it lists its values. Only files that `brokenvideos prompts` "
            "made can be extended."
        )
    return prompts


def _known(space: Space, row: Row, strength: int) -> list[tuple[tuple[str, str], ...]]:
    return list(covered_by(row, strength, factors=[name for name in space.values if name in row]))


def _more(
    space: Space, trigger: str, rows: Sequence[Row], *, per_trigger: int, strength: int
) -> list[Row]:
    """More rows of a trigger, up to `per_trigger`: first rows with new combinations of one more
    value, and so on.
    """
    item = (TRIGGER, trigger)
    have = [row for row in rows if row.get(TRIGGER) == trigger]
    made: list[Row] = []
    for size in range(strength + 1, len(space.values) + 1):
        short = per_trigger - len(have) - len(made)
        if short <= 0:
            return made
        covered = {
            combination for row in (*have, *made) for combination in _known(space, row, size)
        }
        groups = space.combinations(size, having=item).values()
        missing = [
            combination for group in groups for combination in group if combination not in covered
        ]
        made += cover(space, missing, strength=size, rows=[*rows, *made], at_most=short)
    if len(have) + len(made) < per_trigger:
        raise TaxonomyError(
            f"trigger {trigger}: {per_trigger} prompts are wanted and the taxonomy allows "
            f"{len(have) + len(made)}. "
            "Ask for fewer with --per-trigger, or give the factors more values."
        )
    return made


def _written(
    taxonomy: Taxonomy, rows: Sequence[Row], *, seeds: int, taken: set[str]
) -> list[Prompt]:
    prompts: list[Prompt] = []
    taken = set(taken)
    for row in rows:
        situation = {name: value for name, value in row.items() if name != TRIGGER}
        control = _prompt(taxonomy, situation, seeds=seeds)
        pair = [_prompt(taxonomy, row, seeds=seeds, control_id=control.prompt_id), control]
        prompts += [prompt for prompt in pair if prompt.prompt_id not in taken]
        taken |= {prompt.prompt_id for prompt in pair}
    return prompts


def _prompt(taxonomy: Taxonomy, row: Row, *, seeds: int, control_id: str | None = None) -> Prompt:
    text = taxonomy.text_of(row, control=control_id is None)
    prompt_id = prompt_id_of(text)
    trigger = row.get(TRIGGER)
    return Prompt(
        prompt_id=prompt_id,
        prompt=text,
        seeds=tuple(seed_of(prompt_id, k) for k in range(seeds)),
        trigger=trigger,
        artifact_types=tuple(taxonomy.triggers[trigger].artifacts) if trigger is not None else (),
        control_id=control_id,
        values=dict(row),
        taxonomy=taxonomy.name,
    )
