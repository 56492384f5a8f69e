"""A page that shows all videos of a source, and each video frame by frame with its masks.

In: a release (a folder, on the Hub, or at a URL) or a raw folder, other masks of its videos, a
report. Out: the page on loopback, or as a folder of files. The command line and prediction call it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
