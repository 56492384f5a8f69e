"""What `import brokenvideos` gives: public names, each with an example that runs, and the earlier
places of names that moved.
"""

import ast
import doctest
import inspect
import shutil
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import datasets
import pytest

import brokenvideos
from tests import house

NAMES = sorted(brokenvideos.__all__)


def docstring_of(name: str) -> str:
    """The docstring of a public name; for a constant, the text that follows its assignment."""
    found = getattr(brokenvideos, name)
    if inspect.isroutine(found) or inspect.isclass(found):
        return found.__doc__ or ""
    for path in house.files().values():
        body = house.parse(path).body
        for node, after in pairwise(body):
            is_named = isinstance(node, ast.Assign) and [
                getattr(target, "id", "") for target in node.targets
            ] == [name]
            if is_named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                return inspect.cleandoc(str(after.value.value))
    return ""


@pytest.fixture(scope="module")
def folder(raw: Path, release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the examples name: `raw`, 9 videos, and `release`, made of it."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "raw").symlink_to(raw)
    (folder / "release").symlink_to(release)
    return folder


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", folder / "cache")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", ["the module", *NAMES])
def test_a_public_name_has_an_example_that_runs(name: str) -> None:
    text = (
        inspect.cleandoc(brokenvideos.__doc__ or "") if name == "the module" else docstring_of(name)
    )
    names: dict[str, Any] = {"brokenvideos": brokenvideos, "Path": Path, "shutil": shutil}
    test = doctest.DocTestParser().get_doctest(text, names, name, None, None)
    assert test.examples, f"{name}: its docstring has no example (>>>)"
    said: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)
    assert outcome.failed == 0, "".join(said)


def test_every_public_name_can_be_listed_and_imported() -> None:
    assert set(NAMES) <= set(dir(brokenvideos))
    assert len(set(NAMES)) == len(NAMES) == len(brokenvideos.__all__)
    with pytest.raises(AttributeError):
        brokenvideos.no_such_name  # noqa: B018


def test_importing_it_imports_nothing_heavy(run_process) -> None:
    heavy = {"numpy", "datasets", "pyarrow", "torch", "av", "PIL", "typer", "huggingface_hub"}
    script = f"import sys, brokenvideos; print(sorted({heavy} & set(sys.modules)))"
    assert run_process([sys.executable, "-c", script]).stdout == "[]\n"


MOVED = [
    *(
        ("", name, "release")
        for name in (
            "MAX_SHARDS",
            "BrokenVideos",
            "BrokenVideosConfig",
            "asking_the_hub",
            "download",
        )
    ),
    *(
        ("", name, "release")
        for name in (
            "parse_json",
            "read_parquet",
            "read_tar",
            "shard_of",
            "shard_paths",
            "tar_members",
        )
    ),
    *(
        ("frames", name, "sampling")
        for name in ("clips", "collate", "collate_rle", "join_states", "to_device")
    ),
    ("tools.train", "load_model", "tools.training"),
]


@pytest.mark.parametrize(
    ("before", "name", "now"), MOVED, ids=[f"{before}.{name}" for before, name, _ in MOVED]
)
def test_a_name_that_moved_is_still_found_and_says_where_it_is(
    before: str, name: str, now: str
) -> None:
    module = f"brokenvideos.{before}".rstrip(".")
    namespace: dict[str, Any] = {}
    with pytest.warns(DeprecationWarning, match="does not have the earlier name any more") as said:
        exec(f"from {module} import {name} as earlier", namespace)
    assert {str(warning.message) for warning in said} == {
        f"{module}.{name} is now brokenvideos.{now}.{name}; the next version does not have the "
        "earlier name any more."
    }
    exec(f"from brokenvideos.{now} import {name} as now", namespace)  # the new place does not warn
    assert namespace["earlier"] is namespace["now"]


def test_the_batch_of_strings_was_named_collate_rle() -> None:
    with pytest.warns(DeprecationWarning, match="does not have the earlier name any more") as said:
        from brokenvideos.masks import collate_rle
    assert {str(warning.message) for warning in said} == {
        "brokenvideos.masks.collate_rle is now brokenvideos.masks.rle_batch; the next version does "
        "not have the earlier name any more."
    }
    assert collate_rle is brokenvideos.masks.rle_batch
