"""Annotation: people mark what is broken, and an engine propagates their masks to other frames.

In: a folder of videos, a raw folder or a release. Out: a raw folder that is always up to date, and
in it a log of every step. The command line calls it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
