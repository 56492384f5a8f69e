"""Makes a raw folder from a dataset of clips and masks that somebody else published.

In: a folder, an archive or a Hub repository. Out: a raw folder for `build`, and a report of every
file. The command `adopt` calls it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
