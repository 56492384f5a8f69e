"""Engines for interactive segmentation: they make a mask from a click and propagate
masks to other frames.

In: the frames of a video, and a person's box, clicks or mask of an object on a frame (`Prompt`).
Out: masks. The server of the annotation page calls them; docs/annotate-engines.md describes them.
"""

from .kinds import ENGINES, make_engine
from .protocol import Click, Engine, EngineError, Frames, Prompt

__all__ = ["ENGINES", "Click", "Engine", "EngineError", "Frames", "Prompt", "make_engine"]
