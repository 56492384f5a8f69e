"""The arguments of a pipeline's call: the given ones, and the pipeline's defaults."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

from ...release import parse_json
from .error import GenerateError

OURS = ("self", "prompt", "negative_prompt", "generator", "output_type", "return_dict")
"""Arguments that this program sets itself for every clip."""
_RATES = ("frame_rate", "fps")


def effective_arguments(pipeline: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Every argument of a pipeline's call except `OURS`, given or default. A null often means the
    model's own value.

    Arguments that JSON cannot hold (tensors, callbacks) are left out; their default is never such a
    value.

    Raises:
        GenerateError: an argument that the pipeline does not have, or one of `OURS`.
    """
    parameters = inspect.signature(pipeline.__call__).parameters
    known = {key: value for key, value in parameters.items() if key not in OURS}
    known = {
        key: value
        for key, value in known.items()
        if value.kind is not inspect.Parameter.VAR_KEYWORD
    }
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise GenerateError(
            f"{pipeline.__name__} has no argument {unknown[0]!r} to set. It has "
            f"{', '.join(sorted(known))}."
        )
    defaults = {
        key: value.default for key, value in known.items() if value.default is not value.empty
    }
    return {key: _plain(value) for key, value in {**defaults, **given}.items() if _is_plain(value)}


def chosen_arguments(
    pipeline: Any,
    *,
    steps: int | None,
    size: tuple[int, int] | None,
    num_frames: int | None,
    more: Mapping[str, Any],
) -> dict[str, Any]:
    """The options of the command under the pipeline's names; `size` is (height, width)."""
    parameters = inspect.signature(pipeline.__call__).parameters
    length = (
        "video_length"
        if "video_length" in parameters and "num_frames" not in parameters
        else "num_frames"
    )
    named = {
        "num_inference_steps": steps,
        "height": size[0] if size else None,
        "width": size[1] if size else None,
        length: num_frames,
    }
    return {**{key: value for key, value in named.items() if value is not None}, **more}


def parse_settings(texts: list[str]) -> dict[str, Any]:
    """The values of NAME=VALUE texts by name. A value that is valid JSON is parsed; any other is
    text.

    Raises:
        GenerateError: a text without an equals sign, or a name given twice.
    """
    settings: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier() or name in settings:
            raise GenerateError(
                f"--set {text}: wanted NAME=VALUE, each name once, as in --set guidance_scale=5.0"
            )
        try:
            settings[name] = parse_json(value.encode())
        except ValueError:
            settings[name] = value
    return settings


def frames_per_second(pipeline: Any, arguments: Mapping[str, Any], *, fps: float | None) -> float:
    """The given frame rate, or the rate of the pipeline's own argument.

    Raises:
        GenerateError: there is neither; the message names the rate of the example in the pipeline's
            documentation.
    """
    stated = next((arguments[name] for name in _RATES if arguments.get(name)), None)
    if fps is None and stated is None:
        example = re.search(r"fps=(\d+)", pipeline.__call__.__doc__ or "")
        hint = f" Its documentation writes its example with {example[1]}." if example else ""
        raise GenerateError(
            f"{pipeline.__name__} does not say how many frames a second has. Give --fps.{hint}"
        )
    return float(fps if fps is not None else stated)  # type: ignore[arg-type]


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    return value is None or isinstance(value, bool | int | float | str)


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
