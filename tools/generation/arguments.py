"""What a pipeline is called with: what was asked for, and its own defaults."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

from ...release import parse_json
from .error import GenerateError

OURS = ("self", "prompt", "negative_prompt", "generator", "output_type", "return_dict")
"""What every clip is called with anyway."""
_RATES = ("frame_rate", "fps")


def effective_arguments(pipeline: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every argument of a pipeline's call but `OURS`, with its default where it is not given; null often is "as the model says".

    What JSON cannot hold (tensors, callbacks) is left out; none of it has such a default.

    Raises:
        GenerateError: an argument that the pipeline does not have, or one of `OURS`.
    """
    parameters = inspect.signature(pipeline.__call__).parameters
    known = {key: value for key, value in parameters.items() if key not in OURS}
    known = {key: value for key, value in known.items() if value.kind is not inspect.Parameter.VAR_KEYWORD}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise GenerateError(
            f"{pipeline.__name__} has no argument {unknown[0]!r} to set. It has {', '.join(sorted(known))}."
        )
    defaults = {key: value.default for key, value in known.items() if value.default is not value.empty}
    return {key: _plain(value) for key, value in {**defaults, **given}.items() if _is_plain(value)}


def asked_arguments(
    pipeline: Any, *, steps: int | None, size: tuple[int, int] | None, num_frames: int | None, more: Mapping[str, Any]
) -> dict[str, Any]:
    """The options of the command as the pipeline names them; `size` is (height, width)."""
    parameters = inspect.signature(pipeline.__call__).parameters
    length = "video_length" if "video_length" in parameters and "num_frames" not in parameters else "num_frames"
    named = {
        "num_inference_steps": steps,
        "height": size[0] if size else None,
        "width": size[1] if size else None,
        length: num_frames,
    }
    return {**{key: value for key, value in named.items() if value is not None}, **more}


def parse_settings(texts: list[str]) -> dict[str, Any]:
    """NAME=VALUE texts; a value that is JSON is read as such.

    Raises:
        GenerateError: no equals sign, or a name twice.
    """
    settings: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier() or name in settings:
            raise GenerateError(f"--set {text}: wanted NAME=VALUE, each name once, as in --set guidance_scale=5.0")
        try:
            settings[name] = parse_json(value.encode())
        except ValueError:
            settings[name] = value
    return settings


def frames_per_second(pipeline: Any, arguments: Mapping[str, Any], *, fps: float | None) -> float:
    """The rate asked for, or that of the pipeline's own argument.

    Raises:
        GenerateError: neither; the message names the rate of the example in the pipeline's documentation.
    """
    stated = next((arguments[name] for name in _RATES if arguments.get(name)), None)
    if fps is None and stated is None:
        example = re.search(r"fps=(\d+)", pipeline.__call__.__doc__ or "")
        hint = f" Its documentation writes its example with {example[1]}." if example else ""
        raise GenerateError(f"{pipeline.__name__} does not say how many frames a second has. Give --fps.{hint}")
    return float(fps if fps is not None else stated)  # type: ignore[arg-type]


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    return value is None or isinstance(value, bool | int | float | str)


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
