"""The dataset card of a release, from facts counted in its shards. A full card adds figures and
Croissant to the plain one.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
