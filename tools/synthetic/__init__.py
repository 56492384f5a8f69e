"""Synthetic videos with exact artifact masks: scenes drawn in NumPy, broken on purpose."""

from .artifacts import Artifact, draw_artifacts
from .render import Rendered, render
from .sample import write_sample
from .scene import GENERATORS, NORMAL_TRAITS, Scene, make_scene

__all__ = [
    "GENERATORS",
    "NORMAL_TRAITS",
    "Artifact",
    "Rendered",
    "Scene",
    "draw_artifacts",
    "make_scene",
    "render",
    "write_sample",
]
