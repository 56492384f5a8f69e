"""Synthetic videos with exact artifact masks: scenes drawn in NumPy, broken on purpose."""

from brokenvideos.tools.synthetic.artifacts import Artifact, draw_artifacts
from brokenvideos.tools.synthetic.render import Rendered, render
from brokenvideos.tools.synthetic.scene import GENERATORS, NORMAL_TRAITS, Scene, make_scene

__all__ = ["GENERATORS", "NORMAL_TRAITS", "Artifact", "Rendered", "Scene", "draw_artifacts", "make_scene", "render"]
