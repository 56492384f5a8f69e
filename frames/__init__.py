"""Video in, frames out: an exact frame index, a reader for any frame, and a byte-stable encoder.

In: the bytes of one video. Out: its frames by index, the index itself. Every room above may call
it. A name is imported when it is first used, because PyAV takes long to import.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
