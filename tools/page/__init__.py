"""The shared parts of our browser pages: server on loopback, frames as picture files, modules
without a build step.

In: videos, the application of a room, or what a room reports. Out: this application served behind a
guard; frames as JPEG or PNG; the modules; the report as plain data. Rooms that open or write a page
call it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
