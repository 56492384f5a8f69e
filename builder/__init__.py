"""Builds a release from raw annotations (records, shards, manifest), and verifies releases.

In: a raw folder, or releases. Out: a release, or the problems found. Tools call it. A name is
imported when it is first used, because the code that writes shards imports `datasets`, which takes
longer than reading a raw folder.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
