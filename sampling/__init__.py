"""Rows to training clips: `clips` and what goes with it, and the one door that opens a source (a name,
a folder, a dataset).

In: rows of a release, or where to find them. Out: clips with their masks, in the order, share and place that a
training loop asks for. Tools, the front door and users call it. A name is imported when it is first used: torch takes
long.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
