"""The recipe `unet-flow`: the `unet`, which also sees what is left of a change when optical flow
has taken motion out.
"""

from dataclasses import replace
from functools import partial

from .unet import RECIPE as UNET, make

RECIPE = replace(UNET, name="unet-flow", make=partial(make, flow=True))
