"""The recipe `unet-flow`: the `unet`, which also sees what is left of a change when optical flow
has taken motion out, and must often do without the planes of appearance.
"""

from dataclasses import replace
from functools import partial

from .unet import RECIPE as UNET, make

HIDDEN = 0.8
"""Share of the clips of training without planes of appearance."""

RECIPE = replace(UNET, name="unet-flow", make=partial(make, flow=True, hidden=HIDDEN))
