"""Prompt files: what they cover, what stays when they grow, and what other people's lists cover."""

import json
import tomllib
from itertools import combinations, product
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brokenvideos.tools.commands.main import app
from brokenvideos.tools.prompts import (
    OURS,
    PromptError,
    TaxonomyError,
    check_list,
    make_prompts,
    prompt_id_of,
    read_list,
    read_prompts,
    read_taxonomy,
    report_on,
    seed_of,
    write_prompts,
)

SMALL = """
name = "small"
[templates]
trigger = "{subject} {scene}. {trigger}"
control = "{subject} {scene}."
[sources]
us = { title = "us", url = "https://example.org" }
[factors.trigger.hands]
text = "Hands."
artifacts = ["deformation"]
source = "us"
words = ["hands"]
[factors.trigger.water]
text = "Water."
artifacts = ["motion"]
source = "us"
words = ["water"]
[factors.subject]
man = { text = "a man", words = ["man"] }
dog = { text = "a dog", words = ["dog"] }
[factors.scene]
beach = { text = "on a beach", words = ["beach"] }
kitchen = { text = "in a kitchen", words = ["kitchen"] }
[[constraints]]
when.trigger = ["hands"]
subject = ["man"]
why = "dogs have none"
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    return path


def allowed_rows(path: Path) -> list[dict[str, str]]:
    """Every full row, tried one by one against the constraints as the file has them: no code of
    ours.
    """
    content = tomllib.loads(path.read_text())
    names = list(content["factors"])
    rows = [
        dict(zip(names, values, strict=True)) for values in product(*content["factors"].values())
    ]
    for constraint in content["constraints"]:
        then = {name: values for name, values in constraint.items() if name not in ("when", "why")}
        rows = [
            row
            for row in rows
            if not all(row[name] in values for name, values in constraint["when"].items())
            or all(row[name] in values for name, values in then.items())
        ]
    return rows


def tuples_of(rows: list[dict[str, str]], size: int) -> set[frozenset[tuple[str, str]]]:
    return {frozenset(chosen) for row in rows for chosen in combinations(row.items(), size)}


@pytest.mark.parametrize("strength", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_every_feasible_combination_is_covered_and_few_rows_do_it(strength: int) -> None:
    prompts = make_prompts(read_taxonomy(), strength=strength)
    rows = [dict(prompt.values) for prompt in prompts if prompt.trigger]
    allowed = allowed_rows(OURS)
    feasible = tuples_of(allowed, strength)
    assert tuples_of(rows, strength) == feasible
    assert all(row in allowed for row in rows)
    names = list(rows[0])
    bound = max(
        sum({name for name, _ in chosen} == set(group) for chosen in feasible)
        for group in combinations(names, strength)
    )
    assert bound <= len(rows) <= 1.15 * bound
    report = report_on(read_taxonomy(), prompts, strength=strength)
    assert (report.num_feasible, report.num_covered, report.bound) == (
        len(feasible),
        len(feasible),
        bound,
    )


def test_what_stands_in_a_line(small: Path) -> None:
    hands, control, *_ = make_prompts(read_taxonomy(small), seeds=2)
    assert hands.to_dict() == {
        "prompt_id": "9477fc9911fe3f92",
        "prompt": "A man on a beach. Hands.",
        "trigger": "hands",
        "artifact_types": ["deformation"],
        "control_id": control.prompt_id,
        "values": {"trigger": "hands", "subject": "man", "scene": "beach"},
        "seeds": [seed_of("9477fc9911fe3f92", 0), seed_of("9477fc9911fe3f92", 1)],
        "taxonomy": "small",
    }
    assert (control.prompt, control.trigger, control.values) == (
        "A man on a beach.",
        None,
        {"subject": "man", "scene": "beach"},
    )


def test_ids_and_seeds_are_the_same_everywhere() -> None:
    assert prompt_id_of("A man on a beach. Hands.") == "9477fc9911fe3f92"
    # by sha256sum
    assert [seed_of("9477fc9911fe3f92", k) for k in range(3)] == [
        710704304,
        1578671314,
        308306641,
    ]


def test_each_trigger_has_its_control_once() -> None:
    prompts = make_prompts(read_taxonomy())
    by_id = {prompt.prompt_id: prompt for prompt in prompts}
    assert len(by_id) == len(prompts)
    for prompt in prompts:
        if prompt.trigger:
            control = by_id[prompt.control_id]
            assert {**control.values, "trigger": prompt.trigger} == prompt.values
            assert (
                prompt.prompt.replace(f"{read_taxonomy().triggers[prompt.trigger].text} ", "")
                == control.prompt
            )


def test_the_same_command_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl"):
        write_prompts(tmp_path / name, read_taxonomy(), seeds=3)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_an_extended_file_keeps_its_lines_and_covers_the_new_value(
    small: Path, tmp_path: Path
) -> None:
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    write_prompts(old, read_taxonomy(small), seeds=2)
    # the last line of a hand-edited file often has no end
    old.write_bytes(old.read_bytes().rstrip(b"\n"))
    small.write_text(
        SMALL.replace(
            "[factors.scene]", '[factors.scene]\nsnow = { text = "in snow", words = ["snow"] }'
        )
    )
    write_prompts(new, read_taxonomy(small), seeds=1, extend=old)
    assert new.read_bytes().startswith(old.read_bytes() + b"\n")
    added = read_prompts(new)[len(read_prompts(old)) :]
    assert added
    assert all(prompt.values["scene"] == "snow" and len(prompt.seeds) == 1 for prompt in added)
    report = report_on(read_taxonomy(small), read_prompts(new))
    assert report.num_covered == report.num_feasible == len(tuples_of(allowed_rows(small), 2))
    before = new.read_bytes()
    write_prompts(new, read_taxonomy(small), extend=new)
    assert new.read_bytes() == before


def test_a_removed_value_stays_in_an_extended_file(small: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.jsonl"
    write_prompts(old, read_taxonomy(small))
    small.write_text(SMALL.replace('dog = { text = "a dog", words = ["dog"] }\n', ""))
    before = old.read_bytes()
    write_prompts(old, read_taxonomy(small), extend=old)
    assert old.read_bytes() == before


def test_per_trigger_adds_prompts_that_differ(small: Path) -> None:
    prompts = make_prompts(read_taxonomy(), per_trigger=14)
    rows = [frozenset(prompt.values.items()) for prompt in prompts if prompt.trigger]
    assert len(set(rows)) == len(rows)
    assert all(dict(row) in allowed_rows(OURS) for row in rows[:3])
    counts = {
        trigger: sum(dict(row)["trigger"] == trigger for row in rows)
        for trigger in read_taxonomy().triggers
    }
    assert set(counts.values()) == {14}
    everything = [p for p in make_prompts(read_taxonomy(small), per_trigger=2) if p.trigger]
    assert sum(prompt.trigger == "hands" for prompt in everything) == 2
    with pytest.raises(TaxonomyError) as caught:
        make_prompts(read_taxonomy(small), per_trigger=3)
    assert str(caught.value) == (
        "trigger hands: 3 prompts are wanted and the taxonomy allows 2. "
        "Ask for fewer with --per-trigger, or give the factors more values."
    )


def test_a_report_counts_rows_by_value(small: Path) -> None:
    report = report_on(read_taxonomy(small), make_prompts(read_taxonomy(small)))
    assert report.lines() == [
        "combinations of 2 values: 11 of 11 feasible ones (100.0%)",
        "rows: 5, 1.25 x the lower bound of 4",
        "controls: 4",
        "trigger: hands 2, water 3",
        "subject: man 3, dog 2",
        "scene: beach 3, kitchen 2",
    ]


LISTS = {
    "prompts.txt": "a MAN with wet hands\n\nwatermelon in a kitchen\n",
    "vbench.json": json.dumps(
        [
            {"prompt_en": "a MAN with wet hands", "dimension": ["human_action"]},
            {"prompt_en": "watermelon in a kitchen"},
        ]
    ),
    "by_name.json": json.dumps(
        {"hands": ["a MAN with wet hands"], "food": [{"text": "watermelon in a kitchen"}]}
    ),
    "lines.jsonl": '{"caption": "a MAN with wet hands"}\n"watermelon in a kitchen"\n',
}


@pytest.mark.parametrize("name", LISTS)
def test_other_peoples_lists_are_read_by_their_words(
    name: str, small: Path, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(LISTS[name])
    assert check_list(read_taxonomy(small), read_list(path)).to_dict() == {
        "prompts": 2,
        "repeated": 0,
        "feasible_pairs": 11,
        "covered_pairs": 1,
        "values": {
            "trigger": {"hands": 1, "water": 0},
            "subject": {"man": 1, "dog": 0},
            "scene": {"beach": 0, "kitchen": 1},
        },
        "without": {"trigger": 1, "subject": 1, "scene": 1},
    }


def test_our_own_file_is_read_by_its_values(small: Path, tmp_path: Path) -> None:
    write_prompts(tmp_path / "p.jsonl", read_taxonomy(small))
    found = check_list(read_taxonomy(small), read_list(tmp_path / "p.jsonl"))
    assert (found.num_covered, found.num_feasible, found.num_without["trigger"]) == (11, 11, 4)


BAD_LISTS = {
    "empty.txt": ("\n", "no prompt in it"),
    "latin.txt": (
        b"caf\xe9",
        "not readable ('utf-8' codec can't decode byte 0xe9 in position 3: unexpected end of "
        "data); wanted .txt, .jsonl or .json with prompts in it",
    ),
    "number.json": (
        "[3]",
        "the file entry 0 is 3; wanted a text, or an object with one of prompt, prompt_en, text, "
        "caption",
    ),
    "flat.json": ('{"a": 1}', "the file key a is 1; wanted a list of prompts"),
    "other.jsonl": (
        '{"id": 1}',
        'line 1 is {"id": 1}; wanted a text, or an object with one of prompt, prompt_en, text, '
        "caption",
    ),
}


@pytest.mark.parametrize("name", BAD_LISTS)
def test_a_list_that_is_none_is_refused(name: str, tmp_path: Path) -> None:
    content, message = BAD_LISTS[name]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(PromptError) as caught:
        read_list(path)
    assert str(caught.value) == f"{path}: {message}"


GOOD = '{"prompt_id": "a", "prompt": "a dog"}'
BAD_LINES = {
    "no JSON": (
        "a dog",
        "not JSON (Expecting value: line 1 column 1 (char 0)); wanted an object with prompt_id and "
        "prompt",
    ),
    "no object": ('"a dog"', 'found "a dog", wanted an object with prompt_id and prompt'),
    "no id": (
        '{"prompt": "x"}',
        "prompt_id is missing; give each prompt an id of its own, of A-Z, a-z, 0-9, _ and -",
    ),
    "odd id": (
        '{"prompt_id": "a.b", "prompt": "x"}',
        'prompt_id is "a.b", wanted 1 to 64 of A-Z, a-z, 0-9, _ and -',
    ),
    "no text": ('{"prompt_id": "b", "prompt": " "}', 'prompt is " ", wanted the text to ask for'),
    "same id": (
        '{"prompt_id": "a", "prompt": "x"}',
        'prompt_id "a" is already on line 1; wanted each once: remove one of the two',
    ),
    "same text": (
        '{"prompt_id": "b", "prompt": "a dog"}',
        'prompt "a dog" is already on line 1; wanted each once: remove one of the two',
    ),
    "edited text": (
        '{"prompt_id": "b", "prompt": "x", "values": {"trigger": "hands"}}',
        f"prompt_id is b, the text gives {prompt_id_of('x')}; a changed text is another prompt: "
        "give it that id, or put the text back",
    ),
    "big seed": (
        '{"prompt_id": "b", "prompt": "x", "seeds": [2147483648]}',
        "seeds is [2147483648], wanted a list of different whole numbers from 0 to 2147483647",
    ),
    "seed twice": (
        '{"prompt_id": "b", "prompt": "x", "seeds": [1, 1]}',
        "seeds is [1, 1], wanted a list of different whole numbers from 0 to 2147483647",
    ),
    "unknown type": (
        '{"prompt_id": "b", "prompt": "x", "artifact_types": ["ugly"]}',
        'artifact_types is ["ugly"], wanted a list of motion, deformation or blur',
    ),
    "trigger no text": (
        '{"prompt_id": "b", "prompt": "x", "trigger": 1}',
        "trigger is 1, wanted text",
    ),
    "values no table": (
        '{"prompt_id": "b", "prompt": "x", "values": [1]}',
        "values is [1], wanted names of values by factor",
    ),
}


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_bad_line_is_named(case: str, tmp_path: Path) -> None:
    line, message = BAD_LINES[case]
    path = tmp_path / "prompts.jsonl"
    path.write_text(f"{GOOD}\n{line}\n")
    with pytest.raises(PromptError) as caught:
        read_prompts(path)
    assert str(caught.value) == f"{path} line 2: {message}"


def test_an_empty_file_and_several_problems(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text("\n")
    with pytest.raises(PromptError) as caught:
        read_prompts(path)
    assert str(caught.value) == f"{path}: no prompt in it; wanted one JSON object per line"
    path.write_text("1\n2\n")
    with pytest.raises(PromptError) as caught:
        read_prompts(path)
    assert str(caught.value).count("\n") == 1


def test_a_prompt_without_seeds_gets_its_first(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text(f"\ufeff{GOOD}\n")
    (prompt,) = read_prompts(path)
    assert prompt.seeds == (seed_of("a", 0),)


BAD_TAXONOMIES = {
    "no TOML": (
        lambda text: "name =",
        "not TOML (Invalid value (at end of document)). Wanted a file like taxonomy.toml of this "
        "package.",
    ),
    "no trigger": (
        lambda text: text.replace("factors.trigger", "factors.cause"),
        "factors are cause, subject, scene, wanted 'trigger' and at least one other",
    ),
    "no factors": (lambda text: 'name = "x"', "factors is missing; wanted a table"),
    "unknown key": (
        lambda text: "colour = 1\n" + text,
        "the file has the unknown key 'colour'; known are name, templates, sources, factors, "
        "constraints",
    ),
    "unknown key of a value": (
        lambda text: text.replace('text = "a dog"', 'txt = "a dog"'),
        "factors.subject.dog has the unknown key 'txt'; known are text, words",
    ),
    "no artifacts": (
        lambda text: text.replace('artifacts = ["motion"]\n', ""),
        "factors.trigger.water.artifacts is missing; wanted the artifact types expected, of "
        "motion, deformation, blur",
    ),
    "unknown artifact": (
        lambda text: text.replace('["motion"]', '["noise"]'),
        "factors.trigger.water.artifacts has 'noise'; wanted motion, deformation, blur",
    ),
    "no source": (
        lambda text: text.replace('us = { title = "us", url = "https://example.org" }', ""),
        "factors.trigger.hands.source is 'us'; wanted one of sources: none is there",
    ),
    "equal texts": (
        lambda text: text.replace('text = "a dog"', 'text = "a man"'),
        "factors.subject: two values have the text 'a man'; wanted a different text for each",
    ),
    "bad name": (
        lambda text: text.replace("dog = {", '"Big dog" = {'),
        "factors.subject.Big dog: wanted a name of a-z, 0-9 and -",
    ),
    "template": (
        lambda text: text.replace('"{subject} {scene}."', '"{subject}."'),
        "templates.control names subject; wanted each of scene, subject",
    ),
    "template braces": (
        lambda text: text.replace('"{subject} {scene}."', '"{subject"'),
        "templates.control is '{subject' (expected '}' before end of string); wanted text with "
        "{factor} in braces",
    ),
    "constraint value": (
        lambda text: text.replace('subject = ["man"]', 'subject = ["cat"]'),
        "constraints[0].subject has cat; wanted some of man, dog",
    ),
    "constraint factor": (
        lambda text: text.replace('subject = ["man"]', 'colour = ["red"]'),
        "constraints[0].colour: no such factor; there are trigger, subject, scene",
    ),
    "constraint without when": (
        lambda text: text.replace('when.trigger = ["hands"]\n', ""),
        "constraints[0].when is missing; wanted a table",
    ),
    "constraint without then": (
        lambda text: text.replace('subject = ["man"]\nwhy', "why"),
        "constraints[0]: wanted factors under `when`, and at least one other with the values that "
        "go with them",
    ),
    "no why": (
        lambda text: text.replace('why = "dogs have none"', ""),
        "constraints[0].why is missing; wanted text",
    ),
}


@pytest.mark.parametrize("case", BAD_TAXONOMIES)
def test_a_bad_taxonomy_is_refused(case: str, small: Path) -> None:
    spoil, message = BAD_TAXONOMIES[case]
    small.write_text(spoil(SMALL))
    with pytest.raises(TaxonomyError) as caught:
        read_taxonomy(small)
    rest = (
        "" if message.startswith("not TOML") else ". taxonomy.toml of this package shows the form."
    )
    assert str(caught.value) == f"{small}: {message}{rest}"


def test_a_value_that_no_prompt_may_have_is_refused(small: Path) -> None:
    small.write_text(
        SMALL + '[[constraints]]\nwhen.subject = ["dog"]\ntrigger = ["hands"]\nwhy = "none"\n'
    )
    with pytest.raises(TaxonomyError) as caught:
        make_prompts(read_taxonomy(small))
    assert str(caught.value) == (
        "subject dog: the constraints allow no prompt with it. Relax the constraints, or remove "
        "the value."
    )


def test_a_strength_above_the_number_of_factors_is_refused(small: Path) -> None:
    with pytest.raises(TaxonomyError) as caught:
        make_prompts(read_taxonomy(small), strength=4)
    assert str(caught.value) == "strength 4: the taxonomy has 3 factors; give 1 to that many."


def test_another_file_is_not_overwritten_and_a_foreign_one_not_extended(
    small: Path, tmp_path: Path
) -> None:
    path = tmp_path / "prompts.jsonl"
    path.write_text(f"{GOOD}\n")
    with pytest.raises(PromptError) as caught:
        write_prompts(path, read_taxonomy(small))
    assert str(caught.value) == (
        f"{path}: exists already, with other prompts. Give another name, or --extend {path} to "
        "keep its prompts and add to them."
    )
    with pytest.raises(PromptError) as caught:
        write_prompts(path, read_taxonomy(small), extend=path)
    assert str(caught.value) == (
        f"{path}: no prompt in it lists its values. Only files that `brokenvideos prompts` made "
        "can be extended."
    )
    assert path.read_text() == f"{GOOD}\n"


def test_the_command(small: Path, tmp_path: Path) -> None:
    def run(*arguments: object) -> str:
        done = CliRunner().invoke(app, ["prompts", *map(str, arguments), "--taxonomy", str(small)])
        assert done.exit_code == 0, done.output
        return done.stdout

    out = tmp_path / "p.jsonl"
    said = run(out, "--seeds", 2, "--report").splitlines()
    assert said[0] == "combinations of 2 values: 11 of 11 feasible ones (100.0%)"
    assert (
        said[-1]
        == f"{out}: 5 prompts and 4 controls. Next: brokenvideos generate {out} OUT --model ID"
    )
    assert json.loads(run(out, "--seeds", 2, "--json"))["lower_bound"] == 4
    assert run("--check", out).splitlines()[:2] == [
        "9 prompts, 0 of them repeat another",
        "pairs of values: 11 of 11 feasible ones (100.0%)",
    ]
    for arguments, message in (
        ([], "give the prompt file to make, as in prompts.jsonl, or --check FILE"),
        (
            [str(out), "--check", str(out)],
            "--check writes nothing; give it without OUT and --extend",
        ),
    ):
        done = CliRunner().invoke(app, ["prompts", *arguments], env={"COLUMNS": "200"})
        assert done.exit_code == 2
        assert message in " ".join(done.output.split())
