"""The shared parts of our browser pages: the server on loopback, frames as picture files, ES modules without a build step.

In: videos, and the application of a room. Out: this application served behind a guard; frames as JPEG or
PNG; the modules. Rooms that open a page call it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
