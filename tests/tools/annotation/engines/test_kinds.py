"""Engines by name."""

import sys

import pytest

from brokenvideos.tools.annotation.engines import ENGINES, EngineError, make_engine


def test_the_default_needs_no_model() -> None:
    assert next(iter(ENGINES)) == "flow"


def test_an_unknown_name_is_told_the_known_ones() -> None:
    with pytest.raises(EngineError) as caught:
        make_engine("sam")
    assert str(caught.value) == f"--engine sam: no such engine. Choose one of {', '.join(ENGINES)}."


@pytest.mark.parametrize("options", [{"checkpoint": "model"}, {"device": "cuda"}])
def test_an_engine_without_a_model_takes_no_model_options(options: dict[str, str]) -> None:
    with pytest.raises(EngineError) as caught:
        make_engine("flow", **options)
    assert (
        str(caught.value)
        == "--engine flow: it has no model, so it takes no --checkpoint and no --device. Leave "
        "them out."
    )


def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in list(sys.modules):
        if name.startswith("brokenvideos.tools.annotation.engines.") and name.rpartition(".")[
            2
        ] in {
            "flow",
            "propagation",
            "cut",
            "regions",
        }:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(EngineError) as caught:
        make_engine("flow")
    assert (
        str(caught.value)
        == "--engine flow: the package cv2 is missing. Install it in a checkout: pip install "
        "'.[annotate]'"
    )
