"""Engines for interactive segmentation: a click gives a mask, a mask is carried through the video."""

from .protocol import Click, Engine, EngineError, Frames, Prompt
from .registry import ENGINES, make_engine

__all__ = ["ENGINES", "Click", "Engine", "EngineError", "Frames", "Prompt", "make_engine"]
