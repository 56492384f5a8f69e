"""A dataset of others brought into our raw layout: clips and masks paired by name, masks told and read as they are shown.

In: a folder, an archive or a Hub repository. Out: a raw folder that `build` takes, and a report of every file. The command calls
it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
