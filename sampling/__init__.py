"""Makes training clips from rows: `clips` and its helpers, and the function that opens a source (a
name, a folder, a dataset).

In: rows of a release, or a place to read them from. Out: clips with their masks, in the order,
share and position that a training loop asks for. Tools, the front door and users call it. A name is
imported when it is first used, because torch takes long to import.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
