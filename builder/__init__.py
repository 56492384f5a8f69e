"""Raw annotations -> records -> shards -> manifest; and the proof that a release is what it says.

In: a raw folder, or releases. Out: a release, or what is wrong with it. Tools call it. A name is imported when it is first
used: what writes shards imports `datasets`, which takes longer than reading a raw folder.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
