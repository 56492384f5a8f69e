"""The engines by name."""

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from .protocol import Engine, EngineError


@dataclass(frozen=True, slots=True)
class EngineKind:
    """An engine that can be asked for.

    `takes_model`: whether --checkpoint and --device mean anything to it. `extra`: what installs the packages that it imports.
    """

    name: str
    about: str
    module: str
    make: str
    takes_model: bool
    extra: str


_KINDS = (
    EngineKind("flow", "GrabCut and optical flow, no weights, no network", "flow", "FlowEngine", False, "annotate"),
    EngineKind("sam2", "SAM 2, SAM 3 or EdgeTAM of transformers, by checkpoint", "sam2", "make", True, "annotate"),
    EngineKind("sam2-package", "SAM 2 of its authors' own package", "sam2_package", "make", True, "sam2"),
)
ENGINES = {kind.name: kind for kind in _KINDS}
"""In the order in which they are worth a try; the first is the default."""


def make_engine(name: str, *, checkpoint: str | None = None, device: str | None = None) -> Engine:
    """A new engine, its model loaded.

    Args:
        name: of ENGINES.
        checkpoint: id on the Hub or path; None for the engine's own choice.
        device: as torch names it; None for cuda where there is one, else cpu.

    Raises:
        EngineError: no such engine, a package or checkpoint that is not there, options for an engine without a model.
    """
    kind = ENGINES.get(name)
    if kind is None:
        raise EngineError(f"--engine {name}: no such engine. Choose one of {', '.join(ENGINES)}.")
    if not kind.takes_model and (checkpoint is not None or device is not None):
        raise EngineError(
            f"--engine {name}: it has no model, so --checkpoint and --device mean nothing to it. Leave them out."
        )
    try:
        module: Any = import_module(f".{kind.module}", __package__)
    except ModuleNotFoundError as error:
        raise EngineError(
            f"--engine {name}: the package {error.name} is missing. pip install 'brokenvideos[{kind.extra}]'"
        ) from error
    options = {"checkpoint": checkpoint, "device": device} if kind.takes_model else {}
    engine: Engine = getattr(module, kind.make)(**options)
    return engine
