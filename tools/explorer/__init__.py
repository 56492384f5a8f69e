"""A page that shows all videos of a source, and each video frame by frame with its masks.

In: a release (a folder, on the Hub, or at a URL) or a raw folder, and other masks of its videos. Out:
the page on loopback, or as a folder of files. The command line calls it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
