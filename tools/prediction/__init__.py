"""Masks of what is broken in anybody's videos: predictions, a report, and a gate for those who make
the videos.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
