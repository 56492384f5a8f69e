"""Engines for interactive segmentation: a click gives a mask, a mask is carried through the video.

In: the frames of a video, and what a person says about an object on a frame (`Prompt`). Out: masks. The annotation page's server
calls them; docs/annotate-engines.md describes them.
"""

from .kinds import ENGINES, make_engine
from .protocol import Click, Engine, EngineError, Frames, Prompt

__all__ = ["ENGINES", "Click", "Engine", "EngineError", "Frames", "Prompt", "make_engine"]
