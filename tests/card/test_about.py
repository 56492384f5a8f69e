"""What people say of a release is read strictly: a card says nothing that is not of this
release.
"""

import json
from pathlib import Path

import pytest

from brokenvideos.card.about import About, AboutError, about_from_dict, read_about
from brokenvideos.card.inputs import CardInputs


def test_headlines_are_taken_over_and_names_are_not(about: About, about_file: Path) -> None:
    assert about.texts == {
        "annotation": "Two people marked every video.",
        "contact": "see the project page",
    }
    assert about.date_published == "2026-01-31"
    agreed, scored = (
        json.loads((about_file.parent / f"{name}.json").read_text()) for name in ("agree", "scores")
    )
    assert about.agreement["ceiling"] == agreed["ceiling"]
    assert about.agreement["pairs"][0]["jf"] == agreed["pairs"][0]["jf"]["value"]
    assert not set(agreed["annotators"]) & set(json.dumps(about.to_dict()).split('"'))
    (baseline,) = about.baselines
    assert baseline["broken"]["active_jf"] == scored["broken"]["active_jf"]
    assert (
        baseline["floors"]["all-full"]["normal"]["jf"]
        == scored["floors"]["all-full"]["normal"]["jf"]
    )


def test_a_byte_order_mark_is_passed_over(inputs: CardInputs, tmp_path: Path) -> None:
    (tmp_path / "about.toml").write_text('contact = "see the project page"', encoding="utf-8-sig")
    assert read_about(tmp_path / "about.toml", inputs.manifest).texts == {
        "contact": "see the project page"
    }


def test_it_comes_back_from_json(about: About) -> None:
    assert about_from_dict(json.loads(json.dumps(about.to_dict())), where="card.json") == about


NOT_JSON = "not JSON (Expecting value: line 1 column 1 (char 0))."
OTHER = "wanted what `brokenvideos agree --json` or `evaluate --json` of this version writes."

BAD = {
    "no TOML": ("summary = ", "about.toml: not TOML (Invalid value (at end of document))."),
    "unknown key": (
        "sumary = 'x'",
        "about.toml: unknown key 'sumary', wanted some of summary, annotation, biases, limits, "
        "personal_information, use, licences, maintenance, contact, changes, date_published, "
        "agreement, baselines.",
    ),
    "no text": ("contact = 5", "about.toml: contact is 5, wanted text: whom to ask."),
    "empty text": (
        "use = ' '",
        "about.toml: use is ' ', wanted text: what the release is for, and what it must not be "
        "used for.",
    ),
    "a heading": (
        "annotation = '''Well.\n## Licences'''",
        "about.toml: annotation has the line '## Licences': the card has its own headings. Leave "
        "this one out.",
    ),
    "no day": (
        "date_published = 'soon'",
        "about.toml: date_published is 'soon', wanted a day, as in 2026-01-31.",
    ),
    "no table": (
        "baselines = 1",
        'about.toml: baselines is 1, wanted a table of "name" = "evaluate.json".',
    ),
    "no file name": (
        "agreement = 1",
        "about.toml: agreement is 1, wanted the name of a JSON file.",
    ),
    "no JSON": ("agreement = 'about.toml'", f"about.toml: {NOT_JSON}"),
    "another JSON": ("agreement = 'other.json'", f"other.json: {OTHER}"),
    "scores as agreement": (
        "agreement = 'scores.json'",
        "scores.json: not what `brokenvideos agree --json` writes (KeyError('annotators')).",
    ),
    "agreement as scores": (
        "[baselines]\nx = 'agree.json'",
        "agree.json: not what `brokenvideos evaluate --json` writes (TypeError(\"'int' object is "
        'not iterable")).',
    ),
    "of other videos": (
        "[baselines]\nx = 'fewer.json'",
        "fewer.json: scored 0 videos, this release has 1 in ['test']; {id} is in one of them only. "
        "Evaluate on this release.",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_used_is_refused(
    name: str, about_file: Path, inputs: CardInputs, tmp_path: Path
) -> None:
    content, message = BAD[name]
    for other in ("agree.json", "scores.json"):
        (tmp_path / other).write_bytes((about_file.parent / other).read_bytes())
    (tmp_path / "other.json").write_text('{"format_version": 2}')
    scores = json.loads((tmp_path / "scores.json").read_text())
    (tmp_path / "fewer.json").write_text(json.dumps(scores | {"videos": []}))
    (tmp_path / "about.toml").write_text(content)
    with pytest.raises(AboutError) as caught:
        read_about(tmp_path / "about.toml", inputs.manifest)
    (test_id,) = inputs.manifest["shards"][-1]["video_ids"]
    assert str(caught.value) == f"{tmp_path}/{message.replace('{id}', test_id)}"


def test_a_missing_file_is_named(inputs: CardInputs, tmp_path: Path) -> None:
    (tmp_path / "about.toml").write_text("agreement = 'nowhere.json'")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.json"):
        read_about(tmp_path / "about.toml", inputs.manifest)


def test_a_card_json_that_was_edited_is_refused() -> None:
    with pytest.raises(AboutError) as caught:
        about_from_dict({"texts": {"motto": "x"}}, where="card.json")
    assert str(caught.value) == "card.json: motto is 'x', wanted text: no such key."
    with pytest.raises(AboutError) as caught:
        about_from_dict({"words": {}}, where="card.json")
    assert str(caught.value) == (
        "card.json: not what `brokenvideos card` writes (About.__init__() got an unexpected "
        "keyword argument 'words'). Make the card again."
    )
