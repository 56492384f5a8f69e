"""Models by their id: what a branch becomes, and what is said of an id that names no model. On a
Hub of the tests' own.
"""

import json
from pathlib import Path

import pytest
from huggingface_hub import HfApi

from brokenvideos.tools.generation import (
    GenerateError,
    find_model,
    generate,
    make_plan,
    memory_lines,
    read_records,
    rerun,
)

from .conftest import PROMPTS

MODEL = "someone/tiny"

# huggingface_hub itself still calls its transport the old way.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning"
)


@pytest.fixture
def api(online: list[float], tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HfApi:
    """The Hub with the tiny model on it, and a cache of the test's own."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    api = HfApi()
    # diffusers keeps the client that it found when it was imported, which asks the Hub's own
    # address.
    monkeypatch.setattr("diffusers.pipelines.pipeline_utils.model_info", api.model_info)
    api.create_repo(MODEL)
    api.upload_folder(repo_id=MODEL, folder_path=tiny, commit_message="model")
    return api


def test_a_branch_is_pinned_to_its_commit(api: HfApi, settings, tmp_path: Path) -> None:
    out, commit = tmp_path / "raw", api.model_info(MODEL).sha
    for name in (MODEL, f"{MODEL}@main", f"{MODEL}@{commit}"):
        assert find_model(name).version == f"{MODEL}@{commit}"
    plan = make_plan(PROMPTS, out, settings(model=f"{MODEL}@main"))
    assert memory_lines(plan, {})[0].startswith(
        "GPU memory: at least 0.4 MB, all weights as float32 (text_encoder 0.0 MB"
    )
    generate(plan, out, say=lambda line: None)
    record = read_records(out)["tiny_calm1_0"]
    assert record["model"]["revision"] == commit
    # the commit says which weights
    assert set(record["model"]) == {
        "id",
        "revision",
        "pipeline",
        "configs",
    }
    line = json.loads((out / "videos.jsonl").read_text().splitlines()[0])
    assert line["source"]["generator_version"] == f"{MODEL}@{commit}"
    assert line["source"]["url"] == f"https://huggingface.co/{MODEL}/tree/{commit}"

    # The branch moves on: the clips are still those of the commit, and no new ones get mixed with
    # them.
    api.upload_file(
        repo_id=MODEL, path_or_fileobj=b"changed", path_in_repo="notes.txt", commit_message="more"
    )
    assert {clip.verdict for clip in rerun(out)} == {"identical"}
    with pytest.raises(GenerateError, match=f'made with model.revision "{commit}", now '):
        make_plan(PROMPTS, out, settings(model=f"{MODEL}@main"))
    assert not make_plan(PROMPTS, out, settings(model=f"{MODEL}@{commit}")).jobs


def test_an_id_that_names_no_model_is_refused(api: HfApi) -> None:
    api.create_repo("someone/other")
    api.upload_file(
        repo_id="someone/other", path_or_fileobj=b"x", path_in_repo="notes.txt", commit_message="m"
    )
    wanted = "Give a folder, ID or ID@REVISION."
    for name, said in (
        ("someone/nothing", "no such folder here, and no such model on the Hub that you can see"),
        ("not an id", "no such folder here, and no such model on the Hub that you can see"),
        (f"{MODEL}@v9", "the Hub's model has no revision 'v9'"),
        (
            "someone/other",
            "no model_index.json in it, so it is not a diffusers model; many have a second "
            "repository whose name ends in -Diffusers",
        ),
    ):
        with pytest.raises(GenerateError) as caught:
            find_model(name)
        assert str(caught.value) == f"{name}: {said}. {wanted}"


def test_offline_an_id_wants_its_commit() -> None:
    with pytest.raises(GenerateError) as caught:
        find_model(MODEL)
    assert str(caught.value).startswith(f"{MODEL}: the Hub cannot be asked (")
    assert str(caught.value).endswith(
        "); offline, give a downloaded model's 40 hex digits after @. Give a folder, ID or "
        "ID@REVISION."
    )
