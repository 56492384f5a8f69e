"""The dataset card of a release, from facts counted in its shards: plain with every build, full with figures and Croissant."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
