"""Looking at everything: a page with all videos of a source, and each of them frame by frame with its masks.

In: a release (here, on the Hub or at an address), a raw folder, what somebody else marked in its videos, a report. Out: a page on
loopback, or the same as a folder of files. The command line and prediction call it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
