"""Models of `transformers` behind the protocol: which are taken, what they keep, what they say when
they find nothing.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brokenvideos.tools.annotation.engines import Click, Engine, EngineError, Prompt, make_engine
from brokenvideos.tools.annotation.engines.kinds.sam2 import Sam2
from brokenvideos.tools.annotation.engines.memory_engine import MOST_SHOWN, REACH, MemoryEngine
from tests.tools.annotation.engines.tiny_sam2 import tiny_edgetam, tiny_sam3


def kept_bytes(model: Sam2, engine: MemoryEngine) -> int:
    """Of tensors that an engine keeps beside its model's weights."""
    seen: dict[int, int] = {}

    def walk(thing: Any) -> None:
        if isinstance(thing, dict):
            for part in thing.values():
                walk(part)
        elif isinstance(thing, list | tuple):
            for part in thing:
                walk(part)
        elif hasattr(thing, "untyped_storage"):
            seen[thing.untyped_storage().data_ptr()] = thing.untyped_storage().nbytes()

    for known in engine._objects.values():
        walk(vars(known.tracker._session))
        walk(known.last)
    walk(list(model._features._cache.kept.values()))
    walk(model._features._positions)
    return sum(seen.values())


@pytest.mark.parametrize("make_model", [tiny_edgetam, tiny_sam3])
def test_kin_of_sam2_propagate_too(make_model: Callable[[], Any], film: Any) -> None:
    engine = MemoryEngine(Sam2(make_model(), {}))
    engine.open(film.frames)
    mask = engine.prompt(
        Prompt(1, 3, clicks=(Click(40, 40), Click(5, 5, positive=False)), box=film.box(3).box)
    )
    assert mask.any()
    engine.prompt(Prompt(1, 6, mask=film.truth[6]))
    assert [frame for frame, _, _ in engine.propagate([1], first=3, last=8)] == [4, 5, 7, 8]
    assert [frame for frame, _, _ in engine.propagate([1], first=3, last=0)] == [2, 1, 0]


@pytest.mark.slow
def test_three_hundred_frames_of_an_object_fit_into_100_mb(
    sam2_weights: Any, make_film: Callable[..., Any]
) -> None:
    film = make_film([(10 + k % 60, 20) for k in range(300)])
    model = Sam2(sam2_weights, {})
    engine = MemoryEngine(model)
    engine.open(film.frames)
    engine.prompt(film.box(0))
    sizes = {}
    for frame_index, _, _ in engine.propagate([1], first=0, last=299):
        sizes[frame_index] = kept_bytes(model, engine)
    assert sizes[299] == sizes[REACH + 1]
    # Everything that is kept is a plane of features: at 1024 pixels, SAM 2's size, there are 64
    # times as many. Its planes have up to twice the channels of the tiny model's.
    assert sizes[299] * 64 * 2 < 100e6


def test_masks_of_people_far_away_are_not_kept_in_the_models_memory(
    sam2_weights: Any, make_film: Callable[..., Any]
) -> None:
    film = make_film([(10 + k % 60, 20) for k in range(80)])
    engine = MemoryEngine(Sam2(sam2_weights, {}))
    engine.open(film.frames)
    for frame_index in range(0, 80, 2):
        engine.prompt(Prompt(1, frame_index, mask=film.truth[frame_index]))
    assert len(film.frames.asked) == 0  # nothing is encoded before it is needed
    found = list(engine.propagate([1], first=0, last=79))
    assert [frame for frame, _, _ in found] == list(range(1, 80, 2))
    assert len(engine._objects[1].tracker._outputs["cond_frame_outputs"]) <= MOST_SHOWN


def test_a_model_that_finds_nothing_says_so(sam2_weights: Any, film: Any) -> None:
    blind = deepcopy(sam2_weights)
    blind.mask_decoder.pred_obj_score_head.proj_out.bias.data -= 100
    engine = MemoryEngine(Sam2(blind, {}))
    engine.open(film.frames)
    with pytest.raises(EngineError) as caught:
        engine.prompt(film.box(3))
    assert str(caught.value) == (
        "frame 3 object 1: the engine finds nothing there. Click on other spots of the object, "
        "draw a box around it, or draw its mask with the brush."
    )
    with pytest.raises(EngineError):
        engine.propagate([1], first=3, last=5)
    # Where a person says that it is there, frames on which it is lost are given as empty.
    engine.prompt(Prompt(1, 3, mask=film.truth[3]))
    assert [(frame, mask.any()) for frame, _, mask in engine.propagate([1], first=3, last=5)] == [
        (4, False),
        (5, False),
    ]


def test_more_clicks_cost_one_answer_each(
    sam2_weights: Any, film: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = MemoryEngine(Sam2(sam2_weights, {}))
    engine.open(film.frames)
    answers = []
    hook = sam2_weights.mask_decoder.register_forward_hook(lambda *_: answers.append(1))
    try:
        clicks = tuple(Click(30 + 5 * k, 40) for k in range(4))
        for count in range(1, 5):
            engine.prompt(Prompt(1, 3, clicks=clicks[:count]))
        assert len(answers) == 4
        engine.prompt(Prompt(1, 3, clicks=clicks))
        assert len(answers) == 4
    finally:
        hook.remove()


def test_a_saved_model_is_loaded_and_named(
    sam2_weights: Any, film: Any, tmp_path: Path, new_engine: Callable[[str], Engine]
) -> None:
    sam2_weights.save_pretrained(tmp_path)
    loaded = make_engine("sam2", checkpoint=str(tmp_path), device="cpu")
    assert loaded.facts["checkpoint"] == str(tmp_path)
    assert (
        loaded.facts["weights_sha256"]
        == sha256((tmp_path / "model.safetensors").read_bytes()).hexdigest()
    )
    assert loaded.facts["model"] == "Sam2VideoModel"
    known = new_engine("sam2")
    for engine in (loaded, known):
        engine.open(film.frames)
    np.testing.assert_array_equal(loaded.prompt(film.box(3)), known.prompt(film.box(3)))


def test_a_model_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(EngineError) as caught:
        make_engine("sam2", checkpoint=str(tmp_path))
    assert str(caught.value) == (
        f"--checkpoint {tmp_path}: it is a model of type 'bert', wanted one of sam2_video, "
        "sam3_tracker_video, sam3_video, edgetam_video. Name another one."
    )


def test_a_broken_model_is_refused_in_one_line(sam2_weights: Any, tmp_path: Path) -> None:
    sam2_weights.save_pretrained(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(EngineError) as caught:
        make_engine("sam2", checkpoint=str(tmp_path))
    message = str(caught.value)
    assert message.startswith(f"--checkpoint {tmp_path}: it cannot be loaded (")
    assert message.endswith("Check that it is complete.")
    assert "\n" not in message


def test_a_device_that_is_not_there_is_refused(sam2_weights: Any, tmp_path: Path) -> None:
    sam2_weights.save_pretrained(tmp_path)
    with pytest.raises(EngineError) as caught:
        make_engine("sam2", checkpoint=str(tmp_path), device="gpu")
    message = str(caught.value)
    assert message.startswith("--device gpu: torch cannot use it (")
    assert message.endswith("). Use cpu, or leave it out.")
    assert "\n" not in message
