"""In: the frames of a clip and a seed. Out: the clip with a fault made on purpose, its exact mask,
and what was done.

`training` calls it, so that a model also learns from faults in normal videos; anybody else may.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
