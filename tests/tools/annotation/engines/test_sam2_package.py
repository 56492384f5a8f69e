"""The package of SAM 2's authors against `transformers`, with the same weights; needs the package,
which .ci/sam2 installs.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brokenvideos.tools.annotation.engines import Click, Engine, EngineError, Prompt, make_engine
from brokenvideos.tools.annotation.engines.regions import overlap

pytest.importorskip(
    "sam2", reason="no package sam2: .ci/sam2 installs it beside a torch without CUDA"
)


@pytest.fixture
def both(new_engine: Callable[[str], Engine], film: Any) -> tuple[Engine, Engine]:
    """`sam2` and `sam2-package`, with the same weights and the same video open."""
    engines = new_engine("sam2"), new_engine("sam2-package")
    for engine in engines:
        engine.open(film.frames)
    return engines


def test_every_kind_of_prompt_gets_the_same_mask(both: tuple[Engine, Engine], film: Any) -> None:
    box, clicks = film.box(3).box, (Click(30, 40), Click(5, 5, positive=False), Click(90, 80))
    prompts = [Prompt(1, 3, clicks=clicks[:count]) for count in (1, 2, 3)]
    prompts += [Prompt(1, 4, clicks=clicks[:count], box=box) for count in (0, 1, 3)]
    prompts += [Prompt(1, 5, clicks=clicks[:count], mask=film.truth[5]) for count in (1, 3)]
    answers = [[engine.prompt(prompt) for engine in both] for prompt in prompts]
    assert min(overlap(one, other) for one, other in answers) >= 0.99
    # They are answers to different questions.
    assert len({one.tobytes() for one, _ in answers}) == len(prompts)


@pytest.mark.parametrize(("first", "last"), [(0, 11), (11, 0)])
def test_propagated_masks_are_the_same(
    both: tuple[Engine, Engine], film: Any, first: int, last: int
) -> None:
    runs = []
    for engine in both:
        engine.prompt(Prompt(1, 3, clicks=(Click(30, 40), Click(5, 5, positive=False))))
        engine.prompt(Prompt(1, 8, mask=film.truth[8]))
        engine.prompt(film.box(6, object_id=2))
        runs.append(
            {
                (frame, object_id): mask
                for frame, object_id, mask in engine.propagate([1, 2], first=first, last=last)
            }
        )
    assert list(runs[0]) == list(runs[1])
    assert min(overlap(mask, runs[1][key]) for key, mask in runs[0].items()) >= 0.99
    assert all(mask.any() and not mask.all() for mask in runs[0].values())


def test_more_marked_frames_than_the_model_is_shown(both: tuple[Engine, Engine], film: Any) -> None:
    runs = []
    for engine in both:
        for frame_index in (0, 1, 2, 3, 5, 6, 7, 8, 9, 11):
            engine.prompt(Prompt(1, frame_index, mask=film.truth[frame_index]))
        runs.append([mask for _, _, mask in engine.propagate([1], first=0, last=11)])
    assert [overlap(one, other) >= 0.99 for one, other in zip(*runs, strict=True)] == [True, True]


def test_a_file_that_holds_no_weights_of_sam2_is_refused(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "weights.pt"
    torch.save({"model": {"layer.weight": torch.zeros(2)}}, path)
    with pytest.raises(EngineError) as caught:
        make_engine("sam2-package", checkpoint=str(path))
    message = str(caught.value)
    assert message.startswith(
        f"--checkpoint {path}: not weights of SAM 2 as its authors publish them ("
    )
    assert message.endswith(
        "Name such a .pt file, or use --engine sam2 for models of transformers."
    )
    path.write_bytes(b"no pickle")
    with pytest.raises(EngineError):
        make_engine("sam2-package", checkpoint=str(path))


def test_several_files_of_weights_have_to_be_told_apart(tmp_path: Path) -> None:
    for name in ("a.pt", "b.pt"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(EngineError) as caught:
        make_engine("sam2-package", checkpoint=str(tmp_path))
    assert (
        str(caught.value)
        == f"--checkpoint {tmp_path}: several files of weights (a.pt, b.pt). Give one of them."
    )


@pytest.mark.slow
@pytest.mark.parametrize("release", ["2", "2.1"])
def test_weights_tell_which_of_the_published_models_they_are(
    tmp_path: Path, film: Any, release: str
) -> None:
    import torch
    from sam2.build_sam import build_sam2_video_predictor

    config = f"configs/sam{release}/sam{release}_hiera_t.yaml"
    path = tmp_path / "weights.pt"
    torch.save({"model": build_sam2_video_predictor(config, device="cpu").state_dict()}, path)
    engine = make_engine("sam2-package", checkpoint=str(path), device="cpu")
    engine.open(film.frames)
    np.testing.assert_array_equal(engine.prompt(Prompt(1, 0, mask=film.truth[0])), film.truth[0])
    assert engine.facts["checkpoint"] == str(path)
